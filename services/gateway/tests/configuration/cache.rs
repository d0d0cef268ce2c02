//! Answers that are kept for a while.

use kabao_gateway::config::Summary;

use crate::{NOW, OFFICIAL, with_official};

#[test]
fn answers_are_kept_of_operations_that_are_named() {
    let folder = with_official("cache");
    let plain = folder.parse(OFFICIAL).unwrap();
    assert!(
        plain.cache.lifetimes.is_empty(),
        "nothing unless it is said"
    );
    let cache = |keys: &str| format!("[cache.lifetimes]\n{keys}\n{OFFICIAL}");
    let settings = folder.parse(&cache("\"merchant.user_cards.get\" = \"5s\""));
    let settings = settings.unwrap();
    assert_eq!(settings.cache.lifetimes.len(), 1);
    let told = Summary::new(&settings, NOW).to_string();
    assert!(told.contains("1 operations, 10000 answers"), "{told}");
    folder.check_faults(
        &cache(
            "\"merchant.user_cards.get\" = \"1h\"\n\"merchant.user_cards.update\" = \"5s\"\n\
             \"official_account.token.get\" = \"5s\"\n\"merchant.user_cards.gte\" = \"5s\"",
        ),
        &[
            "kabao.toml:2:1: cache.lifetimes.merchant.user_cards.get: must be between 100ms and 10m",
            "kabao.toml:3:1: cache.lifetimes.merchant.user_cards.update: is a write, and only answers to reads are kept",
            "kabao.toml:4:1: cache.lifetimes.official_account.token.get: answers with a credential, which is never kept here",
            "kabao.toml:5:1: cache.lifetimes.merchant.user_cards.gte: is not a setting; did you mean \
             `merchant.user_cards.get`?",
        ],
    );
}
