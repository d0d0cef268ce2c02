//! `kabao check --online`: whether WeChat takes the credentials of each account, and whether its keys are the right ones.
//!
//! Nothing is read from the store: what a running gateway still gets on with may have been replaced already.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use kabao_api::{AccountApi as _, AccountId, Error};
use kabao_client::Client;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cli::output::{complain, fail, print};
use crate::config::Settings;

/// How long WeChat may take for one account.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many accounts are looked at a time.
const AT_ONCE: usize = 16;

/// What WeChat says of one account.
enum Finding {
    /// The calls that succeeded, and what should be known all the same.
    Good(Vec<&'static str>, Vec<&'static str>),
    Bad(Error),
    Late,
}

/// Asks for all accounts, and tells in the order of their names.
pub(super) async fn run(settings: &Settings) -> ExitCode {
    let mut waiting = settings
        .accounts
        .iter()
        .map(|account| account.client.clone());
    let mut asking = JoinSet::new();
    let mut findings = BTreeMap::new();
    loop {
        while asking.len() < AT_ONCE
            && let Some(client) = waiting.next()
        {
            asking.spawn(find(client));
        }
        match asking.join_next().await {
            None => break,
            Some(Ok((account, finding))) => {
                findings.insert(account, finding);
            }
            Some(Err(error)) => {
                return fail(&format!("an account could not be looked at: {error}"));
            }
        }
    }
    let bad = findings
        .iter()
        .filter(|(account, finding)| !tell(account, finding));
    match bad.count() {
        0 => ExitCode::SUCCESS,
        1 => fail("1 account is not good"),
        count => fail(&format!("{count} accounts are not good")),
    }
}

async fn find(client: Client) -> (AccountId, Finding) {
    let account = client.account().clone();
    let found = match timeout(PATIENCE, look(&client)).await {
        Ok(Ok((calls, notes))) => Finding::Good(calls, notes),
        Ok(Err(error)) => Finding::Bad(error),
        Err(_) => Finding::Late,
    };
    (account, found)
}

async fn look(client: &Client) -> Result<(Vec<&'static str>, Vec<&'static str>), Error> {
    let checks = client.check(&client.context()).await?;
    let notes = client.check_keys().await?;
    Ok((checks.iter().map(|check| check.operation).collect(), notes))
}

/// Returns whether it is good.
fn tell(account: &AccountId, finding: &Finding) -> bool {
    match finding {
        Finding::Good(calls, notes) => {
            print(&format_args!(
                "{account}: WeChat takes it ({})\n",
                calls.join(", ")
            ));
            for note in notes {
                complain(&format_args!("warning: {account}: {note}"));
            }
            true
        }
        Finding::Bad(error) => {
            complain(&format_args!(
                "{account}: {}: {error}",
                error.reason().as_str()
            ));
            false
        }
        Finding::Late => {
            complain(&format_args!("{account}: WeChat did not answer in time"));
            false
        }
    }
}
