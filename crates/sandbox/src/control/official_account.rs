//! User actions and state of the official-account family.

use bytes::Bytes;
use kabao_models::official_account::UserInfo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{Problem, parse};
use super::users::{Card, Claim, Member, note};
use crate::account::Account;
use crate::official_account::{
    self, CardExt, Choice, Context, Core, Payment, Refused, Review, Submission, Use,
};
use crate::serve::Core as _;
use crate::sync::lock;
use crate::world::World;

/// Shows cards, members and pay rules.
pub(super) fn state(world: &World) -> Value {
    let settings = world.settings();
    let context = Context::new("", world.now(), &settings.official_account);
    let core = lock(&world.official_account);
    json!({
        "templates": core.templates().collect::<Vec<_>>(),
        "members": core.members(&context).collect::<Vec<_>>(),
        "pay_rules": core.pay_rules().collect::<Vec<_>>(),
        "landing_pages": core.landing_pages().collect::<Vec<_>>(),
        "test_whitelists": core.testers(),
    })
}

/// A user takes a card, or takes back a deleted one.
pub(super) fn claim(world: &World, account: &Account, claim: Claim) -> Result<Value, Problem> {
    let Claim {
        card_id,
        openid,
        code,
        activated,
        phone_number,
        ..
    } = claim;
    if phone_number.is_some() {
        let problem = "phone_number: official accounts learn no number when a card is claimed";
        return Err(Problem::field("phone_number", problem));
    }
    let claim = official_account::Claim {
        card_id: card_id.clone(),
        openid,
        code,
        ..Default::default()
    };
    act(
        world,
        account,
        "control.cards.claim",
        &card_id,
        |core, context| {
            let claimed = if activated {
                core.claim(context, &claim)?
            } else {
                core.claim_waiting(context, &claim)?
            };
            if activated && !claimed.has_active {
                core.activate_by_control(context, &card_id, &claimed.code)?;
            }
            core.member(context, &card_id, &claimed.code)
        },
    )
}

/// A card becomes active, whoever would do it.
pub(super) fn activate(
    world: &World,
    account: &Account,
    member: &Member,
) -> Result<Value, Problem> {
    act(
        world,
        account,
        "control.members.activate",
        &member.card_id,
        |core, context| {
            core.activate_by_control(context, &member.card_id, &member.code)?;
            core.member(context, &member.card_id, &member.code)
        },
    )
}

/// The user deletes the card.
pub(super) fn delete(world: &World, account: &Account, member: &Member) -> Result<Value, Problem> {
    act(
        world,
        account,
        "control.members.delete",
        &member.card_id,
        |core, context| {
            core.delete_user_card(context, &member.card_id, &member.code)?;
            core.member(context, &member.card_id, &member.code)
        },
    )
}

/// WeChat's staff ends a review.
pub(super) fn review(
    world: &World,
    account: &Account,
    card_id: &str,
    approved: bool,
) -> Result<Value, Problem> {
    let (operation, review) = if approved {
        ("control.templates.approve", Review::Approve)
    } else {
        ("control.templates.reject", Review::Refuse)
    };
    act(world, account, operation, card_id, |core, context| {
        core.review_card(context, card_id, review)?;
        core.card(context, card_id)
    })
}

/// A claim with everything that this family knows of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FullClaim {
    card_id: String,
    openid: String,
    nickname: Option<String>,
    code: Option<String>,
    outer_str: Option<String>,
    qr_ticket: Option<String>,
    /// `cardExt` of `wx.addCard`, as the text that the page passed on or as an object.
    card_ext: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    card_id: String,
    code: String,
    friend_openid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    card_id: String,
    code: String,
    user_info: UserInfo,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paid {
    mchid: String,
    openid: String,
    fee: i64,
    #[serde(default)]
    joins: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    card_id: String,
}

/// What only this family has.
pub(super) fn action(
    world: &World,
    account: &Account,
    name: &str,
    body: &Bytes,
) -> Option<Result<Value, Problem>> {
    let done = match name {
        "claim" => parse(body).and_then(|claim| full_claim(world, account, claim)),
        "gift" => on_card(world, account, "gift", body, Core::gift),
        "accept-gift" => parse(body).and_then(|acceptance| accept(world, account, &acceptance)),
        "return-gift" => on_card(world, account, "return-gift", body, Core::return_gift),
        "restore" => on_card(world, account, "restore", body, Core::restore_user_card),
        "view" => on_card(world, account, "view", body, Core::view),
        "consume" => on_card(world, account, "consume", body, Core::consume),
        "use" => parse(body).and_then(|used: Use| {
            act(
                world,
                account,
                "control.actions.use",
                &used.card_id,
                |core, context| {
                    core.use_card(context, &used)?;
                    core.member(context, &used.card_id, &used.code)
                },
            )
        }),
        "submit-form" => parse(body).and_then(|form| submit(world, account, form)),
        "encrypt-code" => parse(body).and_then(|card: Card| {
            act(
                world,
                account,
                "control.actions.encrypt-code",
                &card.card_id,
                |core, context| {
                    core.member(context, &card.card_id, &card.code)?;
                    let encrypt_code =
                        core.encrypt_code(&(card.card_id.clone(), card.code.clone()));
                    Ok(json!({ "encrypt_code": encrypt_code }))
                },
            )
        }),
        "show-code" => parse(body).and_then(|card: Card| {
            act(
                world,
                account,
                "control.actions.show-code",
                &card.card_id,
                |core, context| {
                    core.member(context, &card.card_id, &card.code)?;
                    let shown = core.show_code(context, &card.card_id, &card.code)?;
                    Ok(json!({ "code": shown }))
                },
            )
        }),
        "choose-card" => parse(body).and_then(|choice: Choice| {
            let tickets = tickets(world, account);
            run(
                world,
                account,
                "control.actions.choose-card",
                |core, context| {
                    core.choose(context, &tickets, &choice)
                        .map(|cards| json!({ "card_list": cards }))
                },
            )
        }),
        "dispatch" => parse(body).and_then(|template: Template| {
            act(
                world,
                account,
                "control.actions.dispatch",
                &template.card_id,
                |core, context| {
                    core.dispatch_card(context, &template.card_id)?;
                    core.card(context, &template.card_id)
                },
            )
        }),
        "pay" => parse(body).and_then(|paid| pay(world, account, paid)),
        "revoke-tokens" => parse(body).map(|Nothing {}| {
            let appid = account.appid.as_deref().unwrap_or_default();
            lock(&world.tokens).revoke(appid, world.now().as_second());
            json!({ "status": "revoked" })
        }),
        _ => return None,
    };
    Some(done)
}

fn full_claim(world: &World, account: &Account, claim: FullClaim) -> Result<Value, Problem> {
    let FullClaim {
        card_id,
        openid,
        nickname,
        code,
        outer_str,
        qr_ticket,
        card_ext,
    } = claim;
    let claim = official_account::Claim {
        card_id: card_id.clone(),
        openid,
        nickname,
        code,
        outer_str,
        qr_ticket,
        ..Default::default()
    };
    let Some(ext) = card_ext else {
        return act(
            world,
            account,
            "control.actions.claim",
            &card_id,
            |core, context| core.claim(context, &claim),
        );
    };
    let ext = card_ext_of(ext)?;
    let tickets = tickets(world, account);
    act(
        world,
        account,
        "control.actions.claim",
        &card_id,
        |core, context| {
            let claim = core.signed_claim(context, &tickets, claim, &ext)?;
            let claimed = core.claim(context, &claim)?;
            let key = (claimed.card_id.clone(), claimed.code.clone());
            let mut answer = json!(claimed);
            if let Value::Object(members) = &mut answer {
                // What the page gets.
                members.insert("encrypt_code".to_owned(), core.encrypt_code(&key).into());
            }
            Ok(answer)
        },
    )
}

/// Reads `cardExt`; a page passes it on as a text.
fn card_ext_of(given: Value) -> Result<CardExt, Problem> {
    let read = match given {
        Value::String(text) => serde_json::from_str(&text),
        object => serde_json::from_value(object),
    };
    read.map_err(|_| Problem::field("card_ext", "is not a cardExt: a JSON object or its text"))
}

/// The tickets of an account that sign validly now.
fn tickets(world: &World, account: &Account) -> Vec<String> {
    let appid = account.appid.as_deref().unwrap_or_default();
    lock(&world.tokens)
        .tickets
        .of_cards(appid, world.now().as_second())
}

fn accept(world: &World, account: &Account, acceptance: &Acceptance) -> Result<Value, Problem> {
    let Acceptance {
        card_id,
        code,
        friend_openid,
    } = acceptance;
    act(
        world,
        account,
        "control.actions.accept-gift",
        card_id,
        |core, context| {
            let code = core.accept_gift(context, card_id, code, friend_openid)?;
            core.member(context, card_id, &code)
        },
    )
}

fn submit(world: &World, account: &Account, form: Form) -> Result<Value, Problem> {
    let Form {
        card_id,
        code,
        user_info,
    } = form;
    act(
        world,
        account,
        "control.actions.submit-form",
        &card_id.clone(),
        |core, context| {
            core.submit_form(
                context,
                Submission {
                    card_id,
                    code,
                    info: user_info,
                },
            )
        },
    )
}

fn pay(world: &World, account: &Account, paid: Paid) -> Result<Value, Problem> {
    if paid.fee <= 0 {
        return Err(Problem::field("fee", "fee: must be positive, in fen"));
    }
    let payment = Payment {
        mchid: paid.mchid,
        openid: paid.openid,
        fee: paid.fee,
        joins: paid.joins,
    };
    run(world, account, "control.actions.pay", |core, context| {
        core.pay(context, &payment)
            .map(|offer| json!({ "offer": offer }))
    })
}

/// Does something with one user card and shows it afterwards.
fn on_card(
    world: &World,
    account: &Account,
    name: &str,
    body: &Bytes,
    command: fn(&mut Core, &Context<'_>, &str, &str) -> Result<(), Refused>,
) -> Result<Value, Problem> {
    let card: Card = parse(body)?;
    let operation = format!("control.actions.{name}");
    act(
        world,
        account,
        &operation,
        &card.card_id,
        |core, context| {
            command(core, context, &card.card_id, &card.code)?;
            core.member(context, &card.card_id, &card.code)
        },
    )
}

/// Runs a command on a card of the account.
fn act<T: Serialize>(
    world: &World,
    account: &Account,
    operation: &str,
    card_id: &str,
    command: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
) -> Result<Value, Problem> {
    run(world, account, operation, |core, context| {
        if core.owner(card_id) != Some(context.appid) {
            return Err(Refused::CardId);
        }
        command(core, context)
    })
}

/// Runs a command and writes its effects into the ledger.
fn run<T: Serialize>(
    world: &World,
    account: &Account,
    operation: &str,
    command: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
) -> Result<Value, Problem> {
    let settings = world.settings();
    let appid = account.appid.as_deref().unwrap_or_default();
    let context = Context::new(appid, world.now(), &settings.official_account);
    let mut core = lock(&world.official_account);
    let result = command(&mut core, &context);
    note(world, account, operation, core.take_effects());
    result
        .map(|value| json!(value))
        .map_err(|refused| match &refused {
            Refused::Action(_) | Refused::FormIncomplete(_) => Problem::new(409, refused.errmsg()),
            refused => Problem::new(409, format!("{}: {}", refused.errcode(), refused.errmsg())),
        })
}

#[cfg(test)]
mod tests;
