//! Says in the log that the certificate of an account ends: once, 30, 7 and 1 days ahead, and when it has ended.

use std::collections::BTreeMap;
use std::time::Duration;

use kabao_api::AccountId;

use crate::abort::AbortOnDrop;
use crate::clients::WeakClients;
use crate::clock;
use crate::telemetry::kind_name;

/// So many days ahead, the nearest last.
const DAYS: [i64; 4] = [30, 7, 1, 0];
const DAY: i64 = 24 * 3600;
/// How often certificates are looked at.
const EVERY: Duration = Duration::from_secs(3600);

/// What has been said, by account and kind of credential: of which end, and how many days ahead.
#[derive(Debug, Default)]
struct Expiries(BTreeMap<(AccountId, &'static str), (i64, i64)>);

/// A certificate of which something is to be said.
#[derive(Debug, PartialEq, Eq)]
struct Warning {
    account: AccountId,
    credential: &'static str,
    ends: i64,
    days: i64,
}

/// Looks at the certificates of all accounts now and once an hour, until the value is dropped.
pub(crate) fn watch(clients: WeakClients) -> AbortOnDrop {
    let task = tokio::spawn(async move {
        let mut expiries = Expiries::default();
        loop {
            let now = clock::unix_seconds();
            for warning in expiries.look(seen(&clients), now) {
                tell(&warning, now);
            }
            tokio::time::sleep(EVERY).await;
        }
    });
    AbortOnDrop(task.abort_handle())
}

/// When the last certificate of each credential ends.
fn seen(clients: &WeakClients) -> Vec<((AccountId, &'static str), i64)> {
    let mut seen = Vec::new();
    for client in clients.list() {
        for credential in client.vitals().credentials {
            if let Some(ends) = credential.certificate_ends {
                let name = (client.account().clone(), kind_name(credential.kind));
                seen.push((name, ends));
            }
        }
    }
    seen
}

fn tell(warning: &Warning, now: i64) {
    let Warning {
        account,
        credential,
        ends,
        days,
    } = warning;
    if *days == 0 {
        tracing::error!(%account, credential, ends, "the account's own certificate has ended; WeChat refuses what it signs");
        return;
    }
    let left = (ends - now) / DAY;
    tracing::warn!(
        %account,
        credential,
        ends,
        "the account's own certificate ends in {left} days; renew it, and configure the new key beside this one"
    );
}

impl Expiries {
    /// Returns what has not been said yet. Another end is another certificate; what is not seen any more is forgotten.
    fn look(
        &mut self,
        seen: impl IntoIterator<Item = ((AccountId, &'static str), i64)>,
        now: i64,
    ) -> Vec<Warning> {
        let mut known = BTreeMap::new();
        let mut warnings = Vec::new();
        for (name, ends) in seen {
            let before = self.0.get(&name).filter(|(known, _)| *known == ends);
            let before = before.map(|(_, days)| *days);
            let reached = DAYS.into_iter().rfind(|days| ends - now < days * DAY);
            if let Some(days) = reached
                && before.is_none_or(|before| days < before)
            {
                let (account, credential) = name.clone();
                warnings.push(Warning {
                    account,
                    credential,
                    ends,
                    days,
                });
            }
            if let Some(days) = reached.or(before) {
                known.insert(name, (ends, days));
            }
        }
        self.0 = known;
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_threshold_is_said_once_and_a_new_certificate_begins_anew() {
        const ENDS: i64 = 1_000 * DAY;
        let name = || ("acme".parse::<AccountId>().unwrap(), "merchant");
        let mut expiries = Expiries::default();
        let mut look = |ends, now| -> Vec<i64> {
            let warnings = expiries.look([(name(), ends)], now);
            warnings.iter().map(|warning| warning.days).collect()
        };
        let none: [i64; 0] = [];
        for (now, expected) in [
            (ENDS - 31 * DAY, none.as_slice()),
            (ENDS - 30 * DAY, &none),
            (ENDS - 30 * DAY + 1, &[30]),
            (ENDS - 20 * DAY, &none),
            (ENDS - 7 * DAY, &none),
            (ENDS - 6 * DAY, &[7]),
            (ENDS - 5 * DAY, &none),
            (ENDS - DAY / 2, &[1]),
            (ENDS, &none),
            (ENDS + 1, &[0]),
            (ENDS + DAY, &none),
        ] {
            assert_eq!(look(ENDS, now), expected, "{} s before", ENDS - now);
        }
        // A renewed one is not told of until its time comes.
        assert_eq!(look(ENDS + 400 * DAY, ENDS + DAY), none);
        assert_eq!(look(ENDS + 400 * DAY, ENDS + 399 * DAY + 1), [1]);
        // Who starts late hears of the nearest threshold alone.
        let mut late = Expiries::default();
        let told = late.look([(name(), ENDS)], ENDS - 2 * DAY);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].days, 7);
        // What comes back is told of again.
        assert_eq!(late.look([], ENDS - 2 * DAY), []);
        assert_eq!(late.look([(name(), ENDS)], ENDS - 2 * DAY).len(), 1);
    }
}
