//! Access tokens: two kinds that know nothing of each other.

use std::collections::{BTreeMap, HashMap};

use super::Refused;
use super::tickets::{Issued, Tickets};
use crate::bounded::Bounded;
use crate::ledger::Effect;
use crate::settings::OfficialAccount;
use crate::{random, serve};

/// How many tokens are remembered, so that an old one is told from an unknown one.
const CAPACITY: usize = 10_000;
/// A stable token is renewed this many seconds before its end.
const RENEWAL_SECONDS: i64 = 300;

/// Every token that was issued, and the counters of the calls that issue them.
#[derive(Default)]
pub(crate) struct Tokens {
    issued: Bounded<String, Token, CAPACITY>,
    plain: HashMap<String, String>,
    stable: HashMap<String, String>,
    counters: BTreeMap<(String, Counter), Window>,
    forced: HashMap<String, i64>,
    pub(crate) tickets: Tickets,
}

#[derive(Clone)]
struct Token {
    appid: String,
    /// When its lifetime is over: 42001 from then on.
    expires: i64,
    /// When it was replaced and its grace is over: 40001 from then on.
    replaced: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Counter {
    PlainDay,
    StableDay,
    StableMinute,
    ForcedDay,
}

#[derive(Default)]
struct Window {
    start: i64,
    calls: u32,
}

impl serve::Core for Tokens {
    type Refusal = Refused;

    fn internal() -> Refused {
        Refused::Internal
    }

    /// Tokens are no effects: the ledger holds what happened to cards.
    fn take_effects(&mut self) -> Vec<Effect> {
        Vec::new()
    }
}

impl Tokens {
    /// Issues a token of the plain kind: always a new one. The one before works on for a while.
    pub(crate) fn issue(
        &mut self,
        appid: &str,
        now: i64,
        rules: &OfficialAccount,
    ) -> Result<Issued, Refused> {
        if !self.admit(appid, Counter::PlainDay, rules.token_calls_per_day, now) {
            return Err(Refused::DailyQuota);
        }
        let issued = self.new_token(appid, now, rules);
        if let Some(previous) = self.plain.insert(appid.to_owned(), issued.token.clone()) {
            self.replace(&previous, now.saturating_add(rules.previous_token_seconds));
        }
        Ok(issued)
    }

    /// Returns the stable token, a new one shortly before its end.
    pub(crate) fn stable(
        &mut self,
        appid: &str,
        now: i64,
        rules: &OfficialAccount,
    ) -> Result<Issued, Refused> {
        self.admit_stable(appid, now, rules)?;
        Ok(self.present_stable(appid, now, rules))
    }

    /// Replaces the stable token; the one before dies at once.
    pub(crate) fn force_stable(
        &mut self,
        appid: &str,
        now: i64,
        rules: &OfficialAccount,
    ) -> Result<Issued, Refused> {
        self.admit_stable(appid, now, rules)?;
        let last = self.forced.get(appid).copied();
        if last.is_some_and(|last| now.saturating_sub(last) < rules.force_refresh_interval_seconds)
        {
            return Ok(self.present_stable(appid, now, rules));
        }
        if !self.admit(appid, Counter::ForcedDay, rules.force_refresh_per_day, now) {
            if rules.force_refresh_limit_is_error {
                return Err(Refused::DailyQuota);
            }
            return Ok(self.present_stable(appid, now, rules));
        }
        self.forced.insert(appid.to_owned(), now);
        let issued = self.new_token(appid, now, rules);
        if let Some(previous) = self.stable.insert(appid.to_owned(), issued.token.clone()) {
            self.replace(&previous, now);
        }
        Ok(issued)
    }

    /// Returns the AppID that a token stands for.
    pub(crate) fn verify(&self, token: &str, now: i64) -> Result<String, Refused> {
        let Some(known) = self.issued.get(token) else {
            return Err(if has_form(token) {
                Refused::TokenNotLatest
            } else {
                Refused::TokenMalformed
            });
        };
        if now >= known.expires {
            return Err(Refused::TokenExpired);
        }
        if now >= known.replaced {
            return Err(Refused::TokenNotLatest);
        }
        Ok(known.appid.clone())
    }

    /// Returns the AppID that a token was issued to, valid or not.
    pub(crate) fn owner(&self, token: &str) -> Option<String> {
        self.issued.get(token).map(|token| token.appid.clone())
    }

    /// Ends every token of an account before its time.
    pub(crate) fn revoke(&mut self, appid: &str, now: i64) {
        for token in self
            .issued
            .values_mut()
            .filter(|token| token.appid == appid)
        {
            token.replaced = token.replaced.min(now);
        }
        self.plain.remove(appid);
        self.stable.remove(appid);
    }

    fn present_stable(&mut self, appid: &str, now: i64, rules: &OfficialAccount) -> Issued {
        let renewal = RENEWAL_SECONDS.min(rules.token_seconds.saturating_sub(1));
        if let Some(token) = self.stable.get(appid)
            && let Some(known) = self.issued.get(token)
            && known.expires.saturating_sub(now) >= renewal
        {
            return Issued {
                token: token.clone(),
                expires_in: known.expires.saturating_sub(now),
            };
        }
        // The old token lives on until its own end.
        let issued = self.new_token(appid, now, rules);
        self.stable.insert(appid.to_owned(), issued.token.clone());
        issued
    }

    fn new_token(&mut self, appid: &str, now: i64, rules: &OfficialAccount) -> Issued {
        let token = format!("80_{}", random::secret(133));
        let expires_in = rules.token_seconds;
        let known = Token {
            appid: appid.to_owned(),
            expires: now.saturating_add(expires_in),
            replaced: i64::MAX,
        };
        self.issued.insert(token.clone(), known);
        Issued { token, expires_in }
    }

    fn replace(&mut self, token: &str, moment: i64) {
        if let Some(known) = self.issued.get_mut(token) {
            known.replaced = moment;
        }
    }

    fn admit_stable(
        &mut self,
        appid: &str,
        now: i64,
        rules: &OfficialAccount,
    ) -> Result<(), Refused> {
        if !self.admit(
            appid,
            Counter::StableMinute,
            rules.stable_token_calls_per_minute,
            now,
        ) {
            return Err(Refused::MinuteQuota);
        }
        if !self.admit(
            appid,
            Counter::StableDay,
            rules.stable_token_calls_per_day,
            now,
        ) {
            return Err(Refused::DailyQuota);
        }
        Ok(())
    }

    /// Counts a call and returns false if it is one too many.
    fn admit(&mut self, appid: &str, counter: Counter, allowed: u32, now: i64) -> bool {
        let start = match counter {
            Counter::StableMinute => now.div_euclid(60),
            // Days are those of the calendar in UTC+8.
            _ => now.saturating_add(8 * 3600).div_euclid(86_400),
        };
        let window = self
            .counters
            .entry((appid.to_owned(), counter))
            .or_default();
        if window.start != start {
            *window = Window { start, calls: 0 };
        }
        if window.calls >= allowed {
            return false;
        }
        window.calls += 1;
        true
    }
}

fn has_form(token: &str) -> bool {
    token.len() >= 16
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600;

    fn rules() -> OfficialAccount {
        OfficialAccount::default()
    }

    #[test]
    fn a_new_plain_token_leaves_the_previous_one_five_minutes() {
        let mut tokens = Tokens::default();
        let first = tokens.issue("wx1", NOW, &rules()).unwrap();
        let second = tokens.issue("wx1", NOW + 10, &rules()).unwrap();
        assert!(first != second && second.expires_in == 7200);
        assert_eq!(tokens.verify(&first.token, NOW + 309).as_deref(), Ok("wx1"));
        assert_eq!(
            tokens.verify(&first.token, NOW + 310),
            Err(Refused::TokenNotLatest)
        );
        assert_eq!(
            tokens.verify(&second.token, NOW + 7_209).as_deref(),
            Ok("wx1")
        );
        assert_eq!(
            tokens.verify(&second.token, NOW + 7_210),
            Err(Refused::TokenExpired)
        );
    }

    #[test]
    fn a_stable_token_repeats_and_renews_five_minutes_before_its_end() {
        let mut tokens = Tokens::default();
        let first = tokens.stable("wx1", NOW, &rules()).unwrap();
        let repeat = tokens.stable("wx1", NOW + 6_900, &rules()).unwrap();
        assert!(repeat.token == first.token && repeat.expires_in == 300);
        let renewed = tokens.stable("wx1", NOW + 6_901, &rules()).unwrap();
        assert!(renewed.token != first.token && renewed.expires_in == 7_200);
        assert_eq!(
            tokens.verify(&first.token, NOW + 7_199).as_deref(),
            Ok("wx1")
        );
        assert_eq!(
            tokens.verify(&first.token, NOW + 7_200),
            Err(Refused::TokenExpired)
        );
    }

    #[test]
    fn a_forced_refresh_kills_the_stable_token_and_not_the_plain_one() {
        let mut tokens = Tokens::default();
        let plain = tokens.issue("wx1", NOW, &rules()).unwrap();
        let first = tokens.stable("wx1", NOW, &rules()).unwrap();
        let second = tokens.force_stable("wx1", NOW, &rules()).unwrap();
        assert_eq!(
            tokens.verify(&first.token, NOW),
            Err(Refused::TokenNotLatest)
        );
        assert_eq!(tokens.verify(&plain.token, NOW).as_deref(), Ok("wx1"));
        let soon = tokens.force_stable("wx1", NOW + 29, &rules()).unwrap();
        assert!(
            soon.token == second.token,
            "two forced refreshes are 30 seconds apart"
        );
        assert!(
            tokens
                .force_stable("wx1", NOW + 30, &rules())
                .unwrap()
                .token
                != second.token
        );
    }

    #[test]
    fn daily_and_minute_limits_have_their_codes_and_end_with_their_window() {
        let mut tokens = Tokens::default();
        let few = OfficialAccount {
            token_calls_per_day: 1,
            stable_token_calls_per_minute: 2,
            force_refresh_per_day: 1,
            ..rules()
        };
        tokens.issue("wx1", NOW, &few).unwrap();
        assert_eq!(
            tokens.issue("wx1", NOW, &few).err(),
            Some(Refused::DailyQuota)
        );
        assert!(tokens.issue("wx2", NOW, &few).is_ok());
        assert!(tokens.issue("wx1", NOW + 86_400, &few).is_ok());
        tokens.force_stable("wx1", NOW, &few).unwrap();
        assert_eq!(
            tokens.force_stable("wx1", NOW + 31, &few).err(),
            Some(Refused::DailyQuota)
        );
        assert_eq!(
            tokens.stable("wx1", NOW + 32, &few).err(),
            Some(Refused::MinuteQuota)
        );
        let lenient = OfficialAccount {
            force_refresh_limit_is_error: false,
            ..few
        };
        assert!(tokens.force_stable("wx1", NOW + 90, &lenient).is_ok());
    }

    #[test]
    fn unknown_tokens_are_told_from_malformed_ones() {
        let tokens = Tokens::default();
        assert_eq!(
            tokens.verify("80_abcdefghijklmnop", NOW),
            Err(Refused::TokenNotLatest)
        );
        assert_eq!(tokens.verify("80_", NOW), Err(Refused::TokenMalformed));
        assert_eq!(
            tokens.verify("not a token at all", NOW),
            Err(Refused::TokenMalformed)
        );
    }
}
