//! Every documented code of every operation is produced, or named here with the reason why not.

mod access;
mod cards;
mod codes;
mod entries;
mod members;
mod rules;

use std::collections::BTreeSet;

use kabao_models::official_account::OPERATIONS;
use kabao_models::{Operation, Scheme};
use serde_json::{Value, json};

use super::super::Review;
use super::super::testing::{OTHER_APPID, new_card};
use super::super::testing::{Site, act, act_as, code as code_of};
use crate::settings::OfficialAccount;

/// Codes that no rule produces; a fault of the control API does.
const NOT_PRODUCED: [(&str, &str, &str); 9] = [
    ("", "-1", "the sandbox is never busy"),
    (
        "official_account.token.get",
        "50001",
        "no rule is documented",
    ),
    (
        "official_account.stable_token.get",
        "50001",
        "no rule is documented",
    ),
    (
        "official_account.card.create",
        "40009",
        "pictures are not opened",
    ),
    (
        "official_account.card.create",
        "43017",
        "no rule is documented",
    ),
    (
        "official_account.card.update",
        "40071",
        "only member cards exist",
    ),
    (
        "official_account.card.update_modify_msg",
        "45021",
        "no length of the slot is documented",
    ),
    (
        "official_account.landing_page.create",
        "45021",
        "no length of the title is documented",
    ),
    (
        "official_account.code.deposit",
        "40116",
        "malformed codes are listed in fail_code",
    ),
];

/// What was produced.
#[derive(Default)]
struct Produced(BTreeSet<(&'static str, i64)>);

impl Produced {
    /// Sends a body to an operation and notes the code, which must be the expected one.
    fn case(&mut self, site: &Site, operation: &'static Operation, body: &Value, expected: i64) {
        let answer = site.call(operation.path, body);
        assert_eq!(code_of(&answer), expected, "{} {body}", operation.id);
        self.0.insert((operation.id, expected));
    }
}

#[test]
fn every_documented_code_is_produced_or_excused() {
    let mut produced = Produced::default();
    access::access(&mut produced);
    access::credentials(&mut produced);
    cards::cards(&mut produced);
    cards::changes(&mut produced);
    codes::codes(&mut produced);
    codes::redemption(&mut produced);
    entries::pictures(&mut produced);
    entries::entries(&mut produced);
    members::members(&mut produced);
    rules::qrcodes(&mut produced);
    rules::rules(&mut produced);
    rules::reports(&mut produced);
    let mut missing = Vec::new();
    for operation in OPERATIONS {
        for row in operation.errors() {
            let excused = NOT_PRODUCED
                .iter()
                .any(|(id, code, _)| (id.is_empty() || *id == operation.id) && *code == row.code)
                // A token stands for one account, so its AppID cannot be wrong.
                || (row.code == "40013" && operation.scheme == Scheme::AccessToken);
            let found = produced
                .0
                .contains(&(operation.id, row.code.parse().unwrap()));
            if !found && !excused {
                missing.push((operation.id, row.code));
            }
            assert!(
                !(found && excused && row.code != "40013"),
                "{} {} needs no excuse",
                operation.id,
                row.code
            );
        }
    }
    assert_eq!(missing, []);
}

/// Refuses what the defaults accept although a code is documented for it.
fn strict(rules: &mut OfficialAccount) {
    rules.require_cdn_pictures = true;
    rules.refuse_past_message_ends = true;
}

/// Makes a card of another account.
fn foreign(site: &Site) -> String {
    act_as(site, OTHER_APPID, |core, context| {
        core.create_template(context, &new_card())
    })
    .unwrap()
}

/// Makes an approved card with a changed common part.
fn approved(site: &Site, members: &Value) -> String {
    let mut card = json!({"card": new_card()});
    for (name, value) in members.as_object().unwrap() {
        card["card"]["member_card"]["base_info"][name] = value.clone();
    }
    let card_id = site.call("/card/create", &card)["card_id"]
        .as_str()
        .unwrap()
        .to_owned();
    act(site, |core, context| {
        core.review_template(context, &card_id, Review::Approve)
    });
    card_id
}
