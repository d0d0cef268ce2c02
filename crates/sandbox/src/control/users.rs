//! What users and WeChat's reviewers do, whichever the family.

use serde_json::{Value, json};

use super::answer::{Problem, account};
use super::asked::Asked;
use super::families;
use super::family::Order;
use super::request::{Claim, Member, Template};

/// `POST /cards/claim`.
pub(super) fn claim(asked: &Asked<'_>, claim: Claim) -> Result<Value, Problem> {
    if claim.openid.is_empty() {
        return Err(Problem::field("openid", "must not be empty"));
    }
    let account = account(asked.world, &claim.account)?;
    let order = Order {
        world: asked.world,
        account: &account,
        operation: "control.cards.claim".to_owned(),
    };
    let member = families::of(account.family).claim(&order, claim)?;
    Ok(json!({ "member": member }))
}

/// `POST /members/activate`.
pub(super) fn activate(asked: &Asked<'_>, member: Member) -> Result<Value, Problem> {
    let account = account(asked.world, &member.account)?;
    let order = Order {
        world: asked.world,
        account: &account,
        operation: "control.members.activate".to_owned(),
    };
    let member = families::of(account.family).activate(&order, &member)?;
    Ok(json!({ "member": member }))
}

/// `POST /members/delete`.
pub(super) fn delete(asked: &Asked<'_>, member: Member) -> Result<Value, Problem> {
    let account = account(asked.world, &member.account)?;
    let order = Order {
        world: asked.world,
        account: &account,
        operation: "control.members.delete".to_owned(),
    };
    let member = families::of(account.family).delete(&order, &member)?;
    Ok(json!({ "member": member }))
}

/// `POST /templates/approve`.
pub(super) fn approve(asked: &Asked<'_>, template: Template) -> Result<Value, Problem> {
    review(asked, template, "control.templates.approve", true)
}

/// `POST /templates/reject`.
pub(super) fn reject(asked: &Asked<'_>, template: Template) -> Result<Value, Problem> {
    review(asked, template, "control.templates.reject", false)
}

fn review(
    asked: &Asked<'_>,
    template: Template,
    operation: &str,
    approved: bool,
) -> Result<Value, Problem> {
    let account = account(asked.world, &template.account)?;
    let order = Order {
        world: asked.world,
        account: &account,
        operation: operation.to_owned(),
    };
    let template = families::of(account.family).review(&order, &template.card_id, approved)?;
    Ok(json!({ "template": template }))
}

/// `POST /actions/{account}/{action}`: what only one family has.
pub(super) fn action(asked: &Asked<'_>) -> Result<Value, Problem> {
    let (name, wanted) = asked.part.split_once('/').unwrap_or((asked.part, ""));
    let account = account(asked.world, name)?;
    let family = families::of(account.family);
    let action = family
        .actions()
        .iter()
        .find(|action| action.name == wanted)
        .ok_or_else(|| {
            let problem = format!("the {} family has no action `{wanted}`", account.family);
            Problem::new(404, problem)
        })?;
    let order = Order {
        world: asked.world,
        account: &account,
        operation: format!("control.{}.{wanted}", family.word()),
    };
    (action.run)(&order, asked.body)
}
