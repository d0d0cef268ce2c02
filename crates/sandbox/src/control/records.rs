//! `GET /requests` and `GET /ledger`: what happened, filtered and page by page.

use serde::Serialize;
use serde_json::{Value, json};

use super::answer::{self, Problem};
use super::query::Query;
use crate::clock::parse_rfc3339;
use crate::ledger::LedgerEntry;
use crate::requests::{Exchange, ExchangeFilter};
use crate::sync::lock;
use crate::world::World;

/// Exchanges on one page if the request does not say.
const EXCHANGES: u64 = 100;
/// The most on one page, which is also the most that is kept.
const PAGE: u64 = 10_000;

/// Where a page begins and how long it is.
struct Page {
    after: Option<u64>,
    limit: usize,
}

impl Page {
    fn read(query: &Query, usual: u64) -> Result<Self, Problem> {
        let limit = query.number("limit", 1..=PAGE)?.unwrap_or(usual);
        Ok(Self {
            after: query.number("cursor", 0..=u64::MAX)?,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    }

    /// Cuts a page out of what matches, oldest first: behind a cursor the oldest, else the newest.
    fn of<T>(&self, matching: Vec<T>, id: impl Fn(&T) -> u64) -> (Vec<T>, Option<u64>, usize) {
        let mut page: Vec<T> = match self.after {
            Some(after) => matching.into_iter().filter(|one| id(one) > after).collect(),
            None => matching,
        };
        let left_out = page.len().saturating_sub(self.limit);
        if self.after.is_some() {
            page.truncate(self.limit);
        } else {
            page.drain(..left_out);
        }
        let cursor = page.last().map(id).or(self.after);
        (page, cursor, left_out)
    }
}

fn shown<T: Serialize>(
    name: &str,
    (page, cursor, left_out): (Vec<T>, Option<u64>, usize),
) -> Value {
    json!({ name: page, "cursor": cursor.unwrap_or_default(), "left_out": left_out })
}

/// `GET /requests`.
pub(super) fn requests(world: &World, query: &Query) -> Result<Value, Problem> {
    let text = |name: &str| query.text(name).map(str::to_owned);
    let filter = ExchangeFilter {
        account: text("account"),
        operation: text("operation"),
        outcome: text("outcome"),
        since: query.moment("since")?,
    };
    if let Some(operation) = &filter.operation {
        answer::operation(operation)?;
    }
    if let Some(outcome) = &filter.outcome {
        check_outcome(outcome)?;
    }
    let bodies = query.flag("bodies")?;
    let page = Page::read(query, EXCHANGES)?;
    let requests = lock(&world.requests);
    if let Some(name) = &filter.account {
        let of_account = ExchangeFilter {
            account: Some(name.clone()),
            ..ExchangeFilter::default()
        };
        // An account that is gone may have left records.
        if requests.find(&of_account).next().is_none() {
            answer::account(world, name)?;
        }
    }
    let matching: Vec<&Exchange> = requests.find(&filter).collect();
    let (found, cursor, left_out) = page.of(matching, |exchange| exchange.id);
    let found: Vec<Exchange> = found
        .into_iter()
        .cloned()
        .map(|exchange| {
            if bodies {
                exchange
            } else {
                exchange.without_messages()
            }
        })
        .collect();
    Ok(shown("requests", (found, cursor, left_out)))
}

/// `GET /ledger`.
pub(super) fn ledger(world: &World, query: &Query) -> Result<Value, Problem> {
    let page = Page::read(query, PAGE)?;
    let since = query.moment("since")?;
    let entries = lock(&world.ledger).entries();
    if let Some(name) = query.text("account")
        && !entries.iter().any(|entry| entry.account == name)
    {
        answer::account(world, name)?;
    }
    if let Some(operation) = query.text("operation")
        && !entries.iter().any(|entry| entry.operation == operation)
        && !operation.starts_with("control.")
    {
        answer::operation(operation)?;
    }
    let wanted = |entry: &LedgerEntry| {
        query
            .text("account")
            .is_none_or(|name| entry.account == name)
            && query
                .text("operation")
                .is_none_or(|operation| entry.operation == operation)
            && since.is_none_or(|since| parse_rfc3339(&entry.at).is_some_and(|at| at >= since))
    };
    let matching = entries.into_iter().filter(wanted).collect();
    Ok(shown("entries", page.of(matching, |entry| entry.sequence)))
}

/// Refuses what no exchange can have as its outcome.
fn check_outcome(outcome: &str) -> Result<(), Problem> {
    let words = ["ok", "refused", "unanswered"].contains(&outcome);
    let number = outcome.parse::<i64>().is_ok();
    let code = outcome.len() > 1
        && outcome
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if words || number || code {
        return Ok(());
    }
    Err(Problem::field(
        "outcome",
        "outcome: must be ok, refused, unanswered, an HTTP status, or a code or errcode of WeChat's",
    ))
}
