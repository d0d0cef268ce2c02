//! `kabao store stats`

use std::fmt::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use jiff::{Timestamp, Unit};
use kabao_api::ChangeName;
use kabao_store::{AccountStats, Stats};
use serde_json::{Map, Value, json};

use super::{Named, StatsFormat};
use crate::cli::output::{print, report};

pub(super) async fn run(store: Named, format: StatsFormat) -> Result<ExitCode, ExitCode> {
    let stats = store.upkeep.stats().await.map_err(|error| report(&error))?;
    match format {
        StatsFormat::Text => print(&Text(&stats, store.retention)),
        StatsFormat::Json => print(&format_args!("{:#}\n", object(&stats, store.retention))),
    }
    Ok(ExitCode::SUCCESS)
}

/// Lines for people.
struct Text<'a>(&'a Stats, Option<Duration>);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(stats, retention) = self;
        writeln!(f, "store        {}", stats.place)?;
        match (stats.holder, stats.replicas) {
            (Some(holder), _) => writeln!(f, "used by      {holder}")?,
            (None, Some(replicas)) => writeln!(f, "used by      {replicas} replicas")?,
            (None, None) => writeln!(f, "used by      nobody")?,
        }
        writeln!(f, "version      {}", stats.version)?;
        writeln!(f, "size         {} bytes", stats.size)?;
        if let Some(size) = stats.log_size {
            writeln!(f, "log          {size} bytes")?;
        }
        if let Some(retention) = retention {
            writeln!(f, "retention    {} h", retention.as_secs() / 3600)?;
        }
        for (name, time) in [
            ("oldest", stats.counts.oldest),
            ("newest", stats.counts.newest),
        ] {
            if let Some(time) = time {
                writeln!(f, "{name}       {}", moment(time))?;
            }
        }
        match &stats.counts.oldest_open {
            Some(open) => writeln!(
                f,
                "oldest open  {} {} since {}",
                ChangeName::new(open.key.account.clone(), open.key.id.clone()),
                open.state,
                moment(open.since)
            )?,
            None => writeln!(f, "oldest open  none")?,
        }
        for account in &stats.counts.accounts {
            writeln!(f, "accounts/{}  {}", account.account, counts(account))?;
        }
        Ok(())
    }
}

fn counts(account: &AccountStats) -> String {
    let mut text = String::new();
    for (state, count) in &account.states {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a text does not fail.
        let _ = write!(text, "{separator}{count} {state}");
    }
    text
}

fn object(stats: &Stats, retention: Option<Duration>) -> Value {
    let accounts: Map<_, _> = stats
        .counts
        .accounts
        .iter()
        .map(|account| {
            let states = account.states.iter();
            let states = states.map(|(state, count)| (state.to_string(), Value::from(*count)));
            (account.account.clone(), Value::Object(states.collect()))
        })
        .collect();
    let open = stats.counts.oldest_open.as_ref().map(|open| {
        json!({
            "name": ChangeName::new(open.key.account.clone(), open.key.id.clone()).to_string(),
            "state": open.state.as_str(),
            "since": moment(open.since),
        })
    });
    json!({
        "store": stats.place.to_string(),
        "in_use": stats.holder.is_some() || stats.replicas.is_some_and(|replicas| replicas > 0),
        "process": stats.holder.and_then(|holder| holder.process),
        "version": stats.version,
        "replicas": stats.replicas,
        "size": stats.size,
        "log_size": stats.log_size,
        "retention_seconds": retention.map(|retention| retention.as_secs()),
        "oldest": stats.counts.oldest.map(moment),
        "newest": stats.counts.newest.map(moment),
        "oldest_open": open,
        "accounts": accounts,
    })
}

/// A time in RFC 3339, in whole seconds.
fn moment(time: SystemTime) -> String {
    let moment = Timestamp::try_from(time).and_then(|time| time.round(Unit::Second));
    moment.map_or_else(|_| "?".to_owned(), |moment| moment.to_string())
}
