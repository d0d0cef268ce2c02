//! The bearer tokens of callers: those that the configuration knows by their digests, and those that an issuer signs.

use std::sync::Arc;
use std::time::Duration;

use kabao_api::CallerId;
use kabao_auth::{JwtError, TokenDigest};
use kabao_grpc::Tokens;

use crate::clock;
use crate::jwt::Jwt;
use crate::telemetry::Metrics;

/// One `[[callers]]` entry.
#[derive(Clone, Debug)]
pub struct CallerSettings {
    /// `name`, by which the policy knows the caller; unique.
    pub name: CallerId,
    /// `token_sha256`, one or two: the digests of its tokens.
    pub tokens: Vec<TokenDigest>,
}

/// What tokens are judged with, whoever the configuration knows at a time.
#[derive(Clone, Debug)]
pub(crate) struct Bearers {
    jwt: Option<Arc<Jwt>>,
    metrics: Metrics,
}

impl Bearers {
    /// Believes the tokens of an issuer, if there is one, and counts those that nobody knows.
    pub(crate) fn new(jwt: Option<Arc<Jwt>>, metrics: Metrics) -> Self {
        Self { jwt, metrics }
    }

    /// Knows these callers as well; `None` if no call needs a token.
    pub(crate) fn tokens(&self, callers: &[CallerSettings]) -> Option<Arc<dyn Tokens>> {
        if callers.is_empty() && self.jwt.is_none() {
            return None;
        }
        let bearers = self.clone();
        let holders = Holders::new(callers);
        Some(Arc::new(Known { holders, bearers }))
    }
}

/// Every token that is accepted.
#[derive(Debug)]
struct Known {
    holders: Holders,
    bearers: Bearers,
}

impl Known {
    /// Returns who holds a token at a moment in Unix seconds, or why nobody does.
    fn holder_at(&self, token: &str, moment: i64) -> Result<CallerId, &'static str> {
        if let Some(holder) = self.holders.holder(token) {
            return Ok(holder);
        }
        let is_signed = token.bytes().filter(|byte| *byte == b'.').count() == 2;
        match &self.bearers.jwt {
            Some(jwt) if is_signed => jwt.caller(token, moment).map_err(kind),
            _ => Err("unknown"),
        }
    }
}

impl Tokens for Known {
    fn holder(&self, token: &str) -> Option<CallerId> {
        let judged = self.holder_at(token, clock::unix_seconds());
        let metrics = &self.bearers.metrics;
        judged.map_err(|kind| metrics.token_refused(kind)).ok()
    }

    /// With the digests and the keys of today, at the time at which the call began.
    fn still_holder(&self, token: &str, began: Duration) -> Option<CallerId> {
        let ago = i64::try_from(began.as_secs()).unwrap_or(i64::MAX);
        let moment = clock::unix_seconds().saturating_sub(ago);
        self.holder_at(token, moment).ok()
    }
}

/// Why a signed token is refused, as a label.
fn kind(error: JwtError) -> &'static str {
    match error {
        JwtError::UnknownKey => "unknown_key",
        JwtError::Algorithm => "algorithm",
        JwtError::Signature => "signature",
        JwtError::Expired => "expired",
        JwtError::NotYetValid => "not_yet_valid",
        JwtError::Issuer => "issuer",
        JwtError::Audience => "audience",
        JwtError::Nameless => "no_name",
        _ => "malformed",
    }
}

/// The tokens that the configuration knows, and who holds them.
#[derive(Debug)]
struct Holders(Vec<(TokenDigest, CallerId)>);

impl Holders {
    /// Knows these callers.
    fn new(callers: &[CallerSettings]) -> Self {
        let tokens = callers.iter().flat_map(|caller| {
            let token = |digest: &TokenDigest| (*digest, caller.name.clone());
            caller.tokens.iter().map(token)
        });
        Self(tokens.collect())
    }

    fn holder(&self, token: &str) -> Option<CallerId> {
        let digest = TokenDigest::of(token.as_bytes());
        let mut found = None;
        // To the end, so that the time says nothing of the place.
        for (known, holder) in &self.0 {
            if *known == digest {
                found = Some(holder);
            }
        }
        found.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_two_tokens_while_they_change() {
        let caller = |name: &str, tokens: &[&str]| CallerSettings {
            name: name.parse().unwrap(),
            tokens: tokens
                .iter()
                .map(|token| TokenDigest::of(token.as_bytes()))
                .collect(),
        };
        let holders = Holders::new(&[caller("till", &["old", "new"]), caller("office", &["key"])]);
        let holder = |token| holders.holder(token).map(|holder| holder.to_string());
        assert_eq!(holder("old").as_deref(), Some("till"));
        assert_eq!(holder("new").as_deref(), Some("till"));
        assert_eq!(holder("key").as_deref(), Some("office"));
        assert_eq!(holder("older"), None);
    }
}
