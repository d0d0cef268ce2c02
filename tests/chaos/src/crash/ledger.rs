//! What the sandbox knows: its ledger, as the judge reads it.

use std::io;

use kabao_sandbox::{LedgerEntry, Running};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::history::{Effect, Source};

/// Forgets the faults that still wait.
pub(super) async fn calm(sandbox: &Running) -> io::Result<()> {
    let mut control = TcpStream::connect(sandbox.control_addr()).await?;
    let order = "DELETE /faults HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    control.write_all(order.as_bytes()).await?;
    let mut answer = String::new();
    control.read_to_string(&mut answer).await?;
    match answer.starts_with("HTTP/1.1 200 ") {
        true => Ok(()),
        false => Err(io::Error::other("the sandbox keeps its faults")),
    }
}

/// Every change of points, the oldest first. The sandbox has its own clock, so no order between its ledger and what
/// callers heard is claimed: each counts as later than all `events`.
pub(super) fn effects(sandbox: &Running, events: usize) -> Vec<Effect> {
    let effect = |entry: &LedgerEntry| {
        let mut changes = entry.changes.iter();
        let change =
            changes.find(|change| ["bonus", "bonus_value"].contains(&change.field.as_str()))?;
        let value = |value: &Option<Value>| value.as_ref().and_then(Value::as_i64);
        Some(Effect {
            member: entry.account.clone(),
            source: entry
                .out_request_no
                .clone()
                .map_or(Source::Value, Source::Number),
            before: value(&change.before).unwrap_or_default(),
            after: value(&change.after).unwrap_or_default(),
            at: events,
        })
    };
    sandbox.ledger().iter().filter_map(effect).collect()
}
