//! Access tokens with their real lifetimes.
//!
//! `cgi-bin/token` issues a new one at every call and lets the previous one live on for five
//! minutes; `cgi-bin/stable_token` answers the same one until five minutes before its end. The two
//! kinds do not touch each other.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Refused;
use crate::clock;
use crate::random;
use crate::settings::OfficialAccount as Rules;

/// How many tokens of an account are remembered after their end, to tell expired from unknown.
const REMEMBERED: usize = 200;

/// The tokens of all accounts.
#[derive(Default)]
pub(crate) struct Tokens {
    accounts: HashMap<String, Account>,
}

#[derive(Default)]
struct Account {
    plain: Line,
    stable: Line,
    plain_calls: Calls,
    stable_calls: Calls,
    stable_minute: Calls,
    forced: Calls,
    last_forced: Option<i64>,
}

/// The tokens of one kind, newest last.
#[derive(Default)]
struct Line(Vec<Token>);

struct Token {
    text: String,
    expires: i64,
    /// When a newer token or the operator ended it.
    replaced: Option<i64>,
}

#[derive(Default)]
struct Calls {
    window: i64,
    count: u32,
}

impl Calls {
    /// Counts a call and returns false if it is one too many.
    fn admit(&mut self, window: i64, allowed: u32) -> bool {
        if self.window != window {
            *self = Self { window, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= allowed
    }
}

impl Line {
    fn newest(&self, now: i64) -> Option<&Token> {
        self.0.last().filter(|token| token.verdict(now).is_ok())
    }

    fn issue(&mut self, now: i64, lifetime: i64) -> String {
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        let text = format!("80_{}", random::secret(133));
        self.0.push(Token { text: text.clone(), expires: now.saturating_add(lifetime), replaced: None });
        text
    }

    /// Ends every token at `moment`, unless it ends earlier.
    fn replace_all(&mut self, moment: i64) {
        for token in &mut self.0 {
            let earlier = token.replaced.map_or(moment, |replaced| replaced.min(moment));
            token.replaced = Some(earlier);
        }
    }
}

impl Token {
    fn verdict(&self, now: i64) -> Result<(), Refused> {
        if self.replaced.is_some_and(|replaced| now >= replaced) {
            Err(Refused::TokenInvalid)
        } else if now >= self.expires {
            Err(Refused::TokenExpired)
        } else {
            Ok(())
        }
    }
}

impl Tokens {
    /// Issues a token of `cgi-bin/token`: text and seconds of life.
    pub(crate) fn issue(&mut self, account: &str, now: Timestamp, rules: &Rules) -> Result<(String, i64), Refused> {
        let tokens = self.accounts.entry(account.to_owned()).or_default();
        if !tokens.plain_calls.admit(clock::day(now), rules.token_calls_per_day) {
            return Err(Refused::DailyLimit);
        }
        let now = now.as_second();
        tokens.plain.replace_all(now.saturating_add(rules.previous_token_seconds));
        Ok((tokens.plain.issue(now, rules.token_seconds), rules.token_seconds))
    }

    /// Answers `cgi-bin/stable_token`: text and seconds of life.
    pub(crate) fn stable(
        &mut self,
        account: &str,
        force: bool,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<(String, i64), Refused> {
        let tokens = self.accounts.entry(account.to_owned()).or_default();
        let day = clock::day(now);
        let now = now.as_second();
        if !tokens.stable_calls.admit(day, rules.stable_token_calls_per_day) {
            return Err(Refused::DailyLimit);
        }
        if !tokens.stable_minute.admit(now.div_euclid(60), rules.stable_token_calls_per_minute) {
            return Err(Refused::MinuteLimit);
        }
        if force {
            let early = tokens
                .last_forced
                .is_some_and(|last| now.saturating_sub(last) < rules.force_refresh_interval_seconds);
            let admitted = !early && tokens.forced.admit(day, rules.force_refresh_per_day);
            if admitted {
                tokens.last_forced = Some(now);
                tokens.stable.replace_all(now);
                return Ok((tokens.stable.issue(now, rules.token_seconds), rules.token_seconds));
            }
            if !early && rules.force_refresh_limit_is_error {
                return Err(Refused::DailyLimit);
            }
        }
        match tokens.stable.newest(now) {
            // Renewed five minutes before its end; until then both work.
            Some(token) if token.expires.saturating_sub(now) > rules.previous_token_seconds => {
                Ok((token.text.clone(), token.expires.saturating_sub(now)))
            }
            _ => Ok((tokens.stable.issue(now, rules.token_seconds), rules.token_seconds)),
        }
    }

    /// Returns the account whose living token this is.
    pub(crate) fn owner(&self, text: &str, now: i64) -> Result<String, Refused> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if text.len() < 32 || !text.bytes().all(plain) {
            return Err(Refused::TokenMalformed);
        }
        let (account, token) = self.find(text).ok_or(Refused::TokenInvalid)?;
        token.verdict(now).map(|()| account.clone())
    }

    /// Returns the account whose token this is or was.
    pub(crate) fn any_owner(&self, text: &str) -> Option<String> {
        self.find(text).map(|(account, _)| account.clone())
    }

    /// Ends all tokens of an account, as WeChat sometimes does.
    pub(crate) fn revoke(&mut self, account: &str, now: i64) {
        if let Some(tokens) = self.accounts.get_mut(account) {
            tokens.plain.replace_all(now);
            tokens.stable.replace_all(now);
        }
    }

    /// Returns how many tokens of each kind were issued today, for `GET /state`.
    pub(crate) fn issued(&self, account: &str) -> (u32, u32) {
        self.accounts.get(account).map_or((0, 0), |tokens| (tokens.plain_calls.count, tokens.stable_calls.count))
    }

    fn find(&self, text: &str) -> Option<(&String, &Token)> {
        self.accounts.iter().find_map(|(name, tokens)| {
            let token = tokens.plain.0.iter().chain(&tokens.stable.0).find(|token| token.text == text)?;
            Some((name, token))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "demo-official-account";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + seconds).unwrap()
    }

    fn verdict(tokens: &Tokens, text: &str, seconds: i64) -> Result<String, Refused> {
        tokens.owner(text, at(seconds).as_second())
    }

    #[test]
    fn a_new_plain_token_lets_the_previous_one_live_five_minutes() {
        let (mut tokens, rules) = (Tokens::default(), Rules::default());
        let (first, lifetime) = tokens.issue(A, at(0), &rules).unwrap();
        assert_eq!(lifetime, 7200);
        let (second, _) = tokens.issue(A, at(100), &rules).unwrap();
        assert_ne!(first, second);
        assert_eq!(verdict(&tokens, &first, 399), Ok(A.to_owned()));
        assert_eq!(verdict(&tokens, &first, 400), Err(Refused::TokenInvalid));
        assert_eq!(verdict(&tokens, &second, 7_299), Ok(A.to_owned()));
        assert_eq!(verdict(&tokens, &second, 7_300), Err(Refused::TokenExpired));
    }

    #[test]
    fn a_stable_token_stays_until_five_minutes_before_its_end() {
        let (mut tokens, rules) = (Tokens::default(), Rules::default());
        let (first, _) = tokens.stable(A, false, at(0), &rules).unwrap();
        assert_eq!(tokens.stable(A, false, at(1_000), &rules).unwrap(), (first.clone(), 6_200));
        assert_eq!(tokens.stable(A, false, at(6_899), &rules).unwrap(), (first.clone(), 301));
        let (second, lifetime) = tokens.stable(A, false, at(6_900), &rules).unwrap();
        assert_ne!(first, second);
        assert_eq!(lifetime, 7_200);
        assert!(verdict(&tokens, &first, 7_199).is_ok() && verdict(&tokens, &second, 7_199).is_ok());
        assert_eq!(verdict(&tokens, &first, 7_200), Err(Refused::TokenExpired));
    }

    #[test]
    fn forced_refreshes_are_limited_in_pace_and_number() {
        let (mut tokens, rules) = (Tokens::default(), Rules::default());
        let (first, _) = tokens.stable(A, true, at(0), &rules).unwrap();
        assert_eq!(tokens.stable(A, true, at(29), &rules).unwrap().0, first);
        let (second, _) = tokens.stable(A, true, at(30), &rules).unwrap();
        assert_eq!(verdict(&tokens, &first, 30), Err(Refused::TokenInvalid));
        for round in 2..20 {
            tokens.stable(A, true, at(30 * round), &rules).unwrap();
        }
        assert_eq!(tokens.stable(A, true, at(700), &rules), Err(Refused::DailyLimit));
        assert_ne!(second, tokens.stable(A, false, at(700), &rules).unwrap().0);
    }

    #[test]
    fn the_two_kinds_do_not_touch_each_other_and_both_can_be_revoked() {
        let (mut tokens, rules) = (Tokens::default(), Rules::default());
        let (stable, _) = tokens.stable(A, false, at(0), &rules).unwrap();
        let (plain, _) = tokens.issue(A, at(0), &rules).unwrap();
        tokens.issue(A, at(1), &rules).unwrap();
        assert!(verdict(&tokens, &stable, 1_000).is_ok());
        tokens.revoke(A, at(10).as_second());
        assert_eq!(verdict(&tokens, &stable, 10), Err(Refused::TokenInvalid));
        assert_eq!(tokens.any_owner(&plain).as_deref(), Some(A));
    }

    #[test]
    fn a_day_has_a_number_of_calls() {
        let (mut tokens, rules) = (Tokens::default(), Rules { token_calls_per_day: 2, ..Rules::default() });
        assert!(tokens.issue(A, at(0), &rules).is_ok() && tokens.issue(A, at(1), &rules).is_ok());
        assert_eq!(tokens.issue(A, at(2), &rules), Err(Refused::DailyLimit));
        assert!(tokens.issue(A, at(86_400), &rules).is_ok());
        assert_eq!(verdict(&tokens, "short", 0), Err(Refused::TokenMalformed));
        assert_eq!(verdict(&tokens, &"a".repeat(136), 0), Err(Refused::TokenInvalid));
    }
}
