//! Tickets that sign what pages pass on: one kind each for cards and for `wx.config`.

use std::collections::BTreeMap;

use kabao_models::official_account::TicketType;

use super::Refused;
use crate::random;
use crate::settings::{OfficialAccount, TicketRepeat};

/// A token or ticket and the seconds that it lives on.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) expires_in: i64,
}

/// The tickets of all accounts, and how many calls for one there were.
#[derive(Default)]
pub(crate) struct Tickets {
    issued: BTreeMap<(String, String), Vec<Ticket>>,
    /// The day in UTC+8 and the calls on it.
    calls: BTreeMap<String, (i64, u32)>,
}

struct Ticket {
    value: String,
    /// When its lifetime is over.
    expires: i64,
    /// When it was replaced and its grace is over.
    replaced: i64,
}

impl Ticket {
    fn is_valid(&self, now: i64) -> bool {
        now < self.expires && now < self.replaced
    }
}

impl Tickets {
    /// Returns the ticket of a kind, or makes one.
    pub(crate) fn issue(
        &mut self,
        appid: &str,
        kind: &TicketType,
        now: i64,
        rules: &OfficialAccount,
    ) -> Result<Issued, Refused> {
        let day = now.saturating_add(8 * 3600).div_euclid(86_400);
        let (of, calls) = self.calls.entry(appid.to_owned()).or_insert((day, 0));
        if *of != day {
            (*of, *calls) = (day, 0);
        }
        if rules
            .ticket_calls_per_day
            .is_some_and(|most| *calls >= most)
        {
            return Err(Refused::DailyQuota);
        }
        *calls += 1;
        let key = (appid.to_owned(), kind.as_str().to_owned());
        let tickets = self.issued.entry(key).or_default();
        tickets.retain(|ticket| ticket.is_valid(now));
        if rules.ticket_repeat == TicketRepeat::Same
            && let Some(present) = tickets.last()
        {
            return Ok(Issued {
                token: present.value.clone(),
                expires_in: present.expires.saturating_sub(now),
            });
        }
        let grace = now.saturating_add(rules.previous_ticket_seconds);
        for ticket in tickets.iter_mut() {
            ticket.replaced = ticket.replaced.min(grace);
        }
        let issued = Issued {
            token: format!("E0o2-at6NcC2OsJiQTlwl{}", random::secret(65)),
            expires_in: rules.ticket_seconds,
        };
        tickets.push(Ticket {
            value: issued.token.clone(),
            expires: now.saturating_add(rules.ticket_seconds),
            replaced: i64::MAX,
        });
        Ok(issued)
    }

    /// Returns the tickets that sign cards validly now.
    pub(crate) fn of_cards(&self, appid: &str, now: i64) -> Vec<String> {
        let key = (appid.to_owned(), TicketType::WxCard.as_str().to_owned());
        self.issued
            .get(&key)
            .into_iter()
            .flatten()
            .filter(|ticket| ticket.is_valid(now))
            .map(|ticket| ticket.value.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600;

    #[test]
    fn a_ticket_repeats_until_it_runs_out_and_its_kinds_differ() {
        let (mut tickets, rules) = (Tickets::default(), OfficialAccount::default());
        let mut issue = |kind: &TicketType, now| tickets.issue("wx1", kind, now, &rules).unwrap();
        let first = issue(&TicketType::WxCard, NOW);
        assert_eq!(first.expires_in, 7200);
        assert!(issue(&TicketType::Jsapi, NOW).token != first.token);
        let again = issue(&TicketType::WxCard, NOW + 7_199);
        assert!(again.token == first.token && again.expires_in == 1);
        let next = issue(&TicketType::WxCard, NOW + 7_200);
        assert!(next.token != first.token);
        assert_eq!(tickets.of_cards("wx1", NOW + 7_200), [next.token]);
        assert!(tickets.of_cards("wx2", NOW).is_empty());
    }

    #[test]
    fn a_replaced_ticket_signs_a_while_longer() {
        let mut tickets = Tickets::default();
        let rules = OfficialAccount {
            ticket_repeat: TicketRepeat::New,
            ..OfficialAccount::default()
        };
        let first = tickets
            .issue("wx1", &TicketType::WxCard, NOW, &rules)
            .unwrap();
        let second = tickets
            .issue("wx1", &TicketType::WxCard, NOW + 1, &rules)
            .unwrap();
        assert_eq!(
            tickets.of_cards("wx1", NOW + 300),
            [first.token, second.token.clone()]
        );
        assert_eq!(tickets.of_cards("wx1", NOW + 301), [second.token]);
    }

    #[test]
    fn a_daily_number_ends_with_its_day() {
        let mut tickets = Tickets::default();
        let rules = OfficialAccount {
            ticket_calls_per_day: Some(1),
            ..OfficialAccount::default()
        };
        let mut issue = |now| tickets.issue("wx1", &TicketType::WxCard, now, &rules).err();
        assert_eq!(issue(NOW), None);
        assert_eq!(issue(NOW), Some(Refused::DailyQuota));
        assert_eq!(issue(NOW + 86_400), None);
    }
}
