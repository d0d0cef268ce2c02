//! What users and WeChat's reviewers do, whichever the family.

use bytes::Bytes;
use kabao_models::Family;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Problem, account};
use super::{brand, merchant, official_account};
use crate::account::Account;
use crate::ledger::Effect;
use crate::serve::record;
use crate::world::World;

/// A user takes a card.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) account: String,
    pub(super) card_id: String,
    pub(super) openid: String,
    /// The code; without one the family's rules give it.
    pub(super) code: Option<String>,
    /// The user's number, where the family knows it.
    pub(super) phone_number: Option<String>,
    /// False to leave the card waiting for the merchant.
    #[serde(default = "yes")]
    pub(super) activated: bool,
}

fn yes() -> bool {
    true
}

/// One member of one account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) account: String,
    pub(super) card_id: String,
    pub(super) code: String,
}

/// One member, where the path names the account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Card {
    pub(super) card_id: String,
    pub(super) code: String,
}

/// One template of one account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    account: String,
    card_id: String,
}

/// `POST /cards/claim`.
pub(super) fn claim(world: &World, claim: Claim) -> Result<Value, Problem> {
    if claim.openid.is_empty() {
        return Err(Problem::field("openid", "must not be empty"));
    }
    let account = account(world, &claim.account)?;
    let member = match account.family {
        Family::Merchant => merchant::claim(world, &account, claim),
        Family::Brand => brand::claim(world, &account, claim),
        Family::OfficialAccount => official_account::claim(world, &account, claim),
    }?;
    Ok(json!({ "member": member }))
}

/// `POST /members/activate`.
pub(super) fn activate(world: &World, member: &Member) -> Result<Value, Problem> {
    let account = account(world, &member.account)?;
    let member = match account.family {
        Family::Merchant => merchant::activate(world, &account, member),
        Family::Brand => brand::activate(world, &account, member),
        Family::OfficialAccount => official_account::activate(world, &account, member),
    }?;
    Ok(json!({ "member": member }))
}

/// `POST /members/delete`.
pub(super) fn delete(world: &World, member: &Member) -> Result<Value, Problem> {
    let account = account(world, &member.account)?;
    let member = match account.family {
        Family::Merchant => merchant::delete(world, &account, member),
        Family::Brand => brand::delete(world, &account, member),
        Family::OfficialAccount => official_account::delete(world, &account, member),
    }?;
    Ok(json!({ "member": member }))
}

/// `POST /templates/approve` and `/templates/reject`.
pub(super) fn review(world: &World, template: &Template, approved: bool) -> Result<Value, Problem> {
    let account = account(world, &template.account)?;
    let card_id = template.card_id.as_str();
    let template = match account.family {
        Family::Merchant => merchant::review(world, &account, card_id, approved),
        Family::Brand => brand::review(world, &account, card_id, approved),
        Family::OfficialAccount => official_account::review(world, &account, card_id, approved),
    }?;
    Ok(json!({ "template": template }))
}

/// `POST /actions/{account}/{name}`: what only one family has.
pub(super) fn action(world: &World, path: &str, body: &Bytes) -> Result<Value, Problem> {
    let (name, action) = path.split_once('/').unwrap_or((path, ""));
    let account = account(world, name)?;
    let done = match account.family {
        Family::Merchant => merchant::action(world, &account, action, body),
        Family::Brand => brand::action(world, &account, action, body),
        Family::OfficialAccount => official_account::action(world, &account, action, body),
    };
    done.unwrap_or_else(|| {
        let problem = format!("the {} family has no action `{action}`", account.family);
        Err(Problem::new(404, problem))
    })
}

/// Writes the effects of an action into the ledger.
pub(super) fn note(world: &World, account: &Account, operation: &str, effects: Vec<Effect>) {
    record(world, world.now(), operation, &account.name, effects);
}
