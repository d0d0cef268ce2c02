//! The bearer tokens of callers.

use kabao_api::CallerId;
use kabao_auth::TokenDigest;
use kabao_grpc::Tokens;

use crate::config::CallerSettings;

/// Every token that is accepted, and who holds it.
#[derive(Debug)]
pub(crate) struct Holders(Vec<(TokenDigest, CallerId)>);

impl Holders {
    /// Knows these callers.
    pub(crate) fn new(callers: &[CallerSettings]) -> Self {
        let tokens = callers.iter().flat_map(|caller| {
            let token = |digest: &TokenDigest| (*digest, caller.name.clone());
            caller.tokens.iter().map(token)
        });
        Self(tokens.collect())
    }
}

impl Tokens for Holders {
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
