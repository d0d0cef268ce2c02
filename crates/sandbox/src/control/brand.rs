//! What users do in the brand family, and what it holds.

use kabao_models::Sensitive;
use kabao_models::VisitSensitive as _;
use kabao_models::brand::UserCard;
use serde_json::{Value, json};

use super::answer::Problem;
use super::family::{self, Action, FamilyControl, Order, Part, action};
use super::request::brand::{
    Described, Joining, OfUser, PaidOrder, PaymentCode, PointExchange, Stock,
};
use super::request::{Claim, Member};
use crate::brand::{Context, Core, ExchangeTemplate, Join, User, Way, in_clear};
use crate::sync::lock;
use crate::world::World;

/// The brand family.
pub(super) struct Brand;

impl FamilyControl for Brand {
    fn state(&self, world: &World) -> Value {
        family::show(world, &PARTS)
    }

    fn parts(&self) -> Vec<(&'static str, &'static str)> {
        family::describe(&PARTS)
    }

    /// With a code it is an order-time enrolment, without one the user joins on the business card,
    /// and unless the card shall wait the merchant confirms at once.
    fn claim(&self, order: &Order<'_>, claim: Claim) -> Result<Value, Problem> {
        check_brand(order, &claim.card_id)?;
        let join = Join {
            card_id: claim.card_id,
            openid: claim.openid,
            way: Way::BusinessCard,
            phone_number: claim.phone_number,
            user_information: None,
        };
        let code = claim.code;
        if code.is_some() && !claim.activated {
            let problem = "a card that waits has no code of the merchant's: it comes with confirm";
            return Err(Problem::field("code", problem));
        }
        order.act(|core: &mut Core, now, settings| {
            if claim.activated {
                core.enrol(&join, code.as_deref(), now, &settings.brand)
            } else {
                core.join(&join, now, &settings.brand)
            }
            .map(card)
        })
    }

    fn activate(&self, order: &Order<'_>, member: &Member) -> Result<Value, Problem> {
        check_brand(order, &member.card_id)?;
        order.act(|core: &mut Core, now, settings| {
            core.activate(&member.card_id, &member.code, now, &settings.brand)
                .map(card)
        })
    }

    fn delete(&self, order: &Order<'_>, member: &Member) -> Result<Value, Problem> {
        check_brand(order, &member.card_id)?;
        order.act(|core: &mut Core, now, settings| {
            core.delete_member_of_code(&member.card_id, &member.code, now, &settings.brand)
                .map(card)
        })
    }

    fn review(&self, _: &Order<'_>, _: &str, _: bool) -> Result<Value, Problem> {
        Err(Problem::new(
            409,
            "templates of the brand family are not reviewed: they are effective at once",
        ))
    }

    fn actions(&self) -> &'static [Action] {
        &ACTIONS
    }

    fn word(&self) -> &'static str {
        "brand"
    }
}

const PARTS: [Part<Core>; 6] = [
    Part {
        name: "templates",
        about: "Templates as their own brand sees them.",
        show: |core, now, settings| {
            core.templates()
                .map(|template| {
                    let context = Context {
                        brand: template.brand(),
                        appid: None,
                        now,
                        rules: &settings.brand,
                    };
                    json!({ "card": template.shown(&context) })
                })
                .collect()
        },
    },
    Part {
        name: "members",
        about: "User cards with their points and the newest feeds.",
        show: |core, now, settings| {
            core.members()
                .map(|member| {
                    json!({
                        "card": in_clear(&member.shown(now, &settings.brand)),
                        "point_balance": member.points,
                        "feeds": member.feeds,
                    })
                })
                .collect()
        },
    },
    Part {
        name: "membership_activities",
        about: "Activities as they stand now.",
        show: |core, now, _| json!(core.activities(now).collect::<Vec<_>>()),
    },
    Part {
        name: "coupon_stocks",
        about: "How many coupons are available, by stock; only stocks that were described or used.",
        show: |core, _, _| json!(core.stocks()),
    },
    Part {
        name: "exchange_templates",
        about: "What can be exchanged for points.",
        show: |core, _, _| json!(core.exchange_templates().collect::<Vec<_>>()),
    },
    Part {
        name: "exchange_records",
        about: "What users asked to exchange, and what the merchant answered.",
        show: |core, _, _| json!(core.exchange_records().collect::<Vec<_>>()),
    },
];

const ACTIONS: [Action; 8] = [
    action!(
        "join",
        Joining,
        join,
        "A user fills in the form; the card waits for the merchant. A token is good if the account's own call made it for this user and this template, and it is neither used nor expired."
    ),
    action!(
        "delete-card",
        OfUser,
        delete_card,
        "A user deletes the card that the user holds."
    ),
    action!(
        "pay-order",
        PaidOrder,
        pay_order,
        "A user pays an order that enrols in its `attach`."
    ),
    action!(
        "request-exchange",
        PointExchange,
        request_exchange,
        "A member asks for a coupon in exchange for points; the merchant has to answer."
    ),
    action!(
        "open-payment-code",
        PaymentCode,
        open_payment_code,
        "A user opens the payment code with a token that the account's own call made, and that is neither used nor expired."
    ),
    action!(
        "user",
        Described,
        describe_user,
        "Describes a user. Users that nobody described exist as well: their openids belong to the brand, and they have no phone number."
    ),
    action!(
        "coupon-stock",
        Stock,
        set_stock,
        "Says how many coupons of a stock are available."
    ),
    action!(
        "exchange-template",
        ExchangeTemplate,
        set_exchange_template,
        "WeChat's staff sets up an exchange of points for coupons, or changes one."
    ),
];

fn join(order: &Order<'_>, body: Joining) -> Result<Value, Problem> {
    let Joining {
        card_id,
        openid,
        token,
        phone_number,
        mut user_information,
    } = body;
    check_brand(order, &card_id)?;
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
    order.act(|core: &mut Core, now, settings| core.join(&join, now, &settings.brand).map(card))
}

fn delete_card(order: &Order<'_>, body: OfUser) -> Result<Value, Problem> {
    check_brand(order, &body.card_id)?;
    order.act(|core: &mut Core, now, settings| {
        core.delete_member(&body.card_id, &body.openid, now, &settings.brand)
            .map(card)
    })
}

fn pay_order(order: &Order<'_>, body: PaidOrder) -> Result<Value, Problem> {
    order.act(|core: &mut Core, now, settings| {
        let paid = core.pay_order(&body.openid, &body.attach, now, &settings.brand)?;
        Ok(json!({ "member": paid.map(card) }))
    })
}

fn request_exchange(order: &Order<'_>, body: PointExchange) -> Result<Value, Problem> {
    order.act(|core: &mut Core, now, settings| {
        let template = &body.exchange_coupon_template_id;
        core.request_exchange(template, &body.openid, now, &settings.brand)
            .map(|record| json!(record))
    })
}

fn open_payment_code(order: &Order<'_>, body: PaymentCode) -> Result<Value, Problem> {
    order.act(|core: &mut Core, now, _| {
        core.open_payment_code(&body.token, now)
            .map(|()| json!({ "opened": true }))
    })
}

fn describe_user(order: &Order<'_>, body: Described) -> Result<Value, Problem> {
    order.act(|core: &mut Core, _, _| {
        let user = User {
            appid: body.appid,
            phone_number: body.phone_number,
        };
        core.put_user(&body.openid, user);
        Ok(json!({ "openid": body.openid }))
    })
}

fn set_stock(order: &Order<'_>, body: Stock) -> Result<Value, Problem> {
    if body.available < 0 {
        return Err(Problem::field(
            "available",
            "available: must not be negative",
        ));
    }
    order.act(|core: &mut Core, _, _| {
        core.put_stock(&body.stock_id, body.available);
        Ok(json!({ "stock_id": body.stock_id, "available": body.available }))
    })
}

fn set_exchange_template(order: &Order<'_>, body: ExchangeTemplate) -> Result<Value, Problem> {
    order.act(|core: &mut Core, _, _| {
        let shown = json!(body);
        core.put_exchange_template(body);
        Ok(shown)
    })
}

/// Refuses a template of another brand than the account acts for.
fn check_brand(order: &Order<'_>, card_id: &str) -> Result<(), Problem> {
    let core = lock(&order.world.brand);
    let own = order.account.brand_id.as_deref();
    match core.owner(card_id) {
        Some(owner) if own != Some(owner) => {
            let problem = format!(
                "card_id: the template belongs to brand {owner}, and `{}` acts for brand {}",
                order.account.name,
                own.unwrap_or_default()
            );
            Err(Problem::field("card_id", problem))
        }
        // An unknown one is refused by the family's own rule.
        _ => Ok(()),
    }
}

/// Writes a card in clear.
fn card(card: UserCard) -> Value {
    json!(in_clear(&card))
}
