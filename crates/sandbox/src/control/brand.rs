//! User actions and state of the brand family.

use bytes::Bytes;
use kabao_models::Sensitive;
use kabao_models::VisitSensitive as _;
use kabao_models::brand::{UserCard, UserInformation};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Problem, parse};
use super::users::{Claim, Member, note};
use crate::account::Account;
use crate::brand::{Core, ExchangeTemplate, Join, Refused, User, Way};
use crate::serve::Core as _;
use crate::settings;
use crate::sync::lock;
use crate::world::World;

/// Shows everything that the family holds.
pub(super) fn state(world: &World) -> Value {
    let settings = world.settings();
    lock(&world.brand).state(world.now(), &settings.brand)
}

/// A user takes a card: with a code it is an order-time enrolment, without one the user joins on
/// the business card, and unless the card shall wait the merchant confirms at once.
pub(super) fn claim(world: &World, account: &Account, claim: Claim) -> Result<Value, Problem> {
    let Claim {
        card_id,
        openid,
        code,
        phone_number,
        activated,
        ..
    } = claim;
    check_brand(world, account, &card_id)?;
    let join = Join {
        card_id,
        openid,
        way: Way::BusinessCard,
        phone_number,
        user_information: None,
    };
    if code.is_some() && !activated {
        let problem = "a card that waits has no code of the merchant's: it comes with confirm";
        return Err(Problem::field("code", problem));
    }
    act(world, account, "control.cards.claim", |core, rules| {
        let now = world.now();
        if activated {
            core.enrol(&join, code.as_deref(), now, rules)
        } else {
            core.join(&join, now, rules)
        }
        .map(card)
    })
}

/// The merchant confirms a card that waits.
pub(super) fn activate(
    world: &World,
    account: &Account,
    member: &Member,
) -> Result<Value, Problem> {
    check_brand(world, account, &member.card_id)?;
    act(world, account, "control.members.activate", |core, rules| {
        core.activate(&member.card_id, &member.code, world.now(), rules)
            .map(card)
    })
}

/// The user deletes the card.
pub(super) fn delete(world: &World, account: &Account, member: &Member) -> Result<Value, Problem> {
    check_brand(world, account, &member.card_id)?;
    act(world, account, "control.members.delete", |core, rules| {
        core.delete_code(&member.card_id, &member.code, world.now(), rules)
            .map(card)
    })
}

/// Brand templates are not reviewed.
pub(super) fn review(_: &World, _: &Account, _: &str, _: bool) -> Result<Value, Problem> {
    Err(Problem::new(
        409,
        "templates of the brand family are not reviewed: they are effective at once",
    ))
}

/// What only this family has.
pub(super) fn action(
    world: &World,
    account: &Account,
    name: &str,
    body: &Bytes,
) -> Option<Result<Value, Problem>> {
    let done = match name {
        "join" => parse(body).and_then(|body| join(world, account, body)),
        "delete-card" => parse(body).and_then(|body: OfUser| {
            check_brand(world, account, &body.card_id)?;
            act(
                world,
                account,
                "control.brand.delete-card",
                |core, rules| {
                    core.delete_by_user(&body.card_id, &body.openid, world.now(), rules)
                        .map(card)
                },
            )
        }),
        "pay-order" => parse(body).and_then(|body: Order| {
            act(world, account, "control.brand.pay-order", |core, rules| {
                let paid = core.pay_order(&body.openid, &body.attach, world.now(), rules)?;
                Ok(json!({ "member": paid.map(card) }))
            })
        }),
        "request-exchange" => parse(body).and_then(|body: Exchange| {
            act(
                world,
                account,
                "control.brand.request-exchange",
                |core, rules| {
                    let template = &body.exchange_coupon_template_id;
                    core.request_exchange(template, &body.openid, world.now(), rules)
                        .map(|record| json!(record))
                },
            )
        }),
        "open-payment-code" => parse(body).and_then(|body: PaymentCode| {
            act(
                world,
                account,
                "control.brand.open-payment-code",
                |core, _| {
                    core.open_payment_code(&body.token, world.now())
                        .map(|()| json!({ "opened": true }))
                },
            )
        }),
        "user" => parse(body).and_then(|body: Described| {
            act(world, account, "control.brand.user", |core, _| {
                let user = User {
                    appid: body.appid.clone(),
                    phone_number: body.phone_number.clone(),
                };
                core.put_user(&body.openid, user);
                Ok(json!({ "openid": body.openid }))
            })
        }),
        "coupon-stock" => parse(body).and_then(|body: Stock| {
            if body.available < 0 {
                return Err(Problem::field(
                    "available",
                    "available: must not be negative",
                ));
            }
            act(world, account, "control.brand.coupon-stock", |core, _| {
                core.put_stock(&body.stock_id, body.available);
                Ok(json!({ "stock_id": body.stock_id, "available": body.available }))
            })
        }),
        "exchange-template" => parse(body).and_then(|body: ExchangeTemplate| {
            act(
                world,
                account,
                "control.brand.exchange-template",
                |core, _| {
                    core.put_exchange_template(body.clone());
                    Ok(json!(body))
                },
            )
        }),
        _ => return None,
    };
    Some(done)
}

/// A user fills in the form; with a token in the component, without one on the business card.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joining {
    card_id: String,
    openid: String,
    token: Option<String>,
    phone_number: Option<String>,
    /// In clear.
    user_information: Option<UserInformation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfUser {
    card_id: String,
    openid: String,
}

/// An order with the card in its `attach`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    openid: String,
    attach: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    exchange_coupon_template_id: String,
    openid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentCode {
    token: String,
}

/// A user whose AppID or number matters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    openid: String,
    appid: Option<String>,
    phone_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stock {
    stock_id: String,
    available: i64,
}

fn join(world: &World, account: &Account, body: Joining) -> Result<Value, Problem> {
    let Joining {
        card_id,
        openid,
        token,
        phone_number,
        mut user_information,
    } = body;
    check_brand(world, account, &card_id)?;
    if let Some(values) = &mut user_information {
        values.visit_sensitive(&mut |field| {
            *field = Sensitive::Plain(std::mem::take(field).into_exposed());
        });
    }
    let way = token.map_or(Way::BusinessCard, |token| Way::Component { token });
    let join = Join {
        card_id,
        openid,
        way,
        phone_number,
        user_information,
    };
    act(world, account, "control.brand.join", |core, rules| {
        core.join(&join, world.now(), rules).map(card)
    })
}

/// Refuses a template of another brand than the account acts for.
fn check_brand(world: &World, account: &Account, card_id: &str) -> Result<(), Problem> {
    let core = lock(&world.brand);
    let owner = core
        .templates()
        .find(|template| template.card.card_id.as_deref() == Some(card_id))
        .map(|template| template.brand().to_owned());
    match owner {
        Some(owner) if account.brand_id.as_deref() != Some(owner.as_str()) => {
            let problem = format!(
                "card_id: the template belongs to brand {owner}, and `{}` acts for brand {}",
                account.name,
                account.brand_id.as_deref().unwrap_or_default()
            );
            Err(Problem::field("card_id", problem))
        }
        // An unknown one is refused by the family's own rule.
        _ => Ok(()),
    }
}

/// Does something with the core and writes what it changed into the ledger.
fn act<T>(
    world: &World,
    account: &Account,
    operation: &str,
    act: impl FnOnce(&mut Core, &settings::Brand) -> Result<T, Refused>,
) -> Result<T, Problem> {
    let settings = world.settings();
    let mut core = lock(&world.brand);
    let result = act(&mut core, &settings.brand);
    note(world, account, operation, core.take_effects());
    result.map_err(Problem::refused)
}

/// Writes a card in clear.
fn card(mut card: UserCard) -> Value {
    card.visit_sensitive(&mut |field| {
        *field = Sensitive::Encrypted(std::mem::take(field).into_exposed());
    });
    json!(card)
}
