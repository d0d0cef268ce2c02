//! What users and WeChat's staff do in the official-account family, and what it holds.

use serde::Serialize;
use serde_json::{Value, json};

use super::answer::Problem;
use super::family::{self, Action, FamilyControl, Order, Part, action};
use super::request::official_account::{Acceptance, Form, FullClaim, Nothing, OneCard, Paid};
use super::request::{Card, Claim, Member};
use crate::official_account::{
    self, CardExt, Choice, Context, Core, Payment, Refused, Review, Submission, Use,
};
use crate::settings::Settings;
use crate::sync::lock;
use crate::world::World;

/// The official-account family.
pub(super) struct OfficialAccount;

impl FamilyControl for OfficialAccount {
    fn state(&self, world: &World) -> Value {
        family::show(world, &PARTS)
    }

    fn parts(&self) -> Vec<(&'static str, &'static str)> {
        family::describe(&PARTS)
    }

    fn claim(&self, order: &Order<'_>, claim: Claim) -> Result<Value, Problem> {
        if claim.phone_number.is_some() {
            let problem = "phone_number: official accounts learn no number when a card is claimed";
            return Err(Problem::field("phone_number", problem));
        }
        let (card_id, activated) = (claim.card_id.clone(), claim.activated);
        let claim = official_account::Claim {
            card_id: claim.card_id,
            openid: claim.openid,
            code: claim.code,
            ..Default::default()
        };
        act(order, &card_id, |core, context| {
            let claimed = if activated {
                core.claim(context, &claim)?
            } else {
                core.claim_waiting(context, &claim)?
            };
            if activated && !claimed.has_active {
                core.activate_by_control(context, &card_id, &claimed.code)?;
            }
            core.member_state(context, &card_id, &claimed.code)
        })
    }

    fn activate(&self, order: &Order<'_>, member: &Member) -> Result<Value, Problem> {
        on_member(
            order,
            &member.card_id,
            &member.code,
            Core::activate_by_control,
        )
    }

    fn delete(&self, order: &Order<'_>, member: &Member) -> Result<Value, Problem> {
        on_member(order, &member.card_id, &member.code, Core::delete_member)
    }

    fn review(&self, order: &Order<'_>, card_id: &str, approved: bool) -> Result<Value, Problem> {
        let review = if approved {
            Review::Approve
        } else {
            Review::Refuse
        };
        act(order, card_id, |core, context| {
            core.review_template(context, card_id, review)?;
            core.get_template(context, card_id)
        })
    }

    fn actions(&self) -> &'static [Action] {
        &ACTIONS
    }

    fn word(&self) -> &'static str {
        "actions"
    }
}

const PARTS: [Part<Core>; 5] = [
    Part {
        name: "templates",
        about: "Cards with the AppID of the account that made them.",
        show: |core, _, _| json!(core.templates().collect::<Vec<_>>()),
    },
    Part {
        name: "members",
        about: "User cards with everything that is known of their holders.",
        show: |core, now, settings| {
            let context = Context::new("", now, &settings.official_account);
            json!(core.members(&context).collect::<Vec<_>>())
        },
    },
    Part {
        name: "pay_rules",
        about: "Which payments offer which card.",
        show: |core, _, _| json!(core.pay_rules().collect::<Vec<_>>()),
    },
    Part {
        name: "landing_pages",
        about: "Pages that show several cards.",
        show: |core, _, _| json!(core.landing_pages().collect::<Vec<_>>()),
    },
    Part {
        name: "test_whitelists",
        about: "The testers by AppID, of accounts that set a list.",
        show: |core, _, _| json!(core.testers()),
    },
];

const ACTIONS: [Action; 15] = [
    action!(
        "claim",
        FullClaim,
        claim_fully,
        "A user takes a card, with everything that this family knows of a claim."
    ),
    action!(
        "gift",
        Card,
        |order, card| on_card(order, card, Core::gift),
        "The holder gives the card away; a friend may take it."
    ),
    action!(
        "accept-gift",
        Acceptance,
        accept_gift,
        "The friend takes the card, under a new code."
    ),
    action!(
        "return-gift",
        Card,
        |order, card| on_card(order, card, Core::return_gift),
        "Nobody took the card in time; it returns to its holder."
    ),
    action!(
        "restore",
        Card,
        |order, card| on_card(order, card, Core::restore_member),
        "A user brings a deleted card back."
    ),
    action!(
        "view",
        Card,
        |order, card| on_card(order, card, Core::view),
        "A member opens the card, which the figures count."
    ),
    action!(
        "consume",
        Card,
        |order, card| on_card(order, card, Core::consume),
        "The code is redeemed, which member cards normally never are."
    ),
    action!(
        "use",
        Use,
        use_card,
        "A member uses the card at the till, or pays with it."
    ),
    action!(
        "submit-form",
        Form,
        submit_form,
        "A user fills in the form of a card and gets an `activate_ticket`: the card has `wx_activate` and `wx_activate_after_submit`, its form was set by `activateuserform/set`, the member is not active (claimed with `\"activated\":false`), and every required field is filled in. The ticket is good for one read, for as long as `official_account.activate_ticket_seconds` says. With `wx_activate` alone the form activates the card and there is no ticket; with `auto_activate` the claim does."
    ),
    action!(
        "encrypt-code",
        Card,
        encrypt_code,
        "Gives the `encrypt_code` that a page of the card gets; the member exists."
    ),
    action!(
        "show-code",
        Card,
        show_code,
        "Shows the code that the card shows now, which changes if the card has dynamic codes."
    ),
    action!(
        "choose-card",
        Choice,
        choose_card,
        "A page calls `wx.chooseCard`; the user may choose one of these cards."
    ),
    action!(
        "dispatch",
        OneCard,
        dispatch,
        "An approved card is distributed in the console."
    ),
    action!(
        "pay",
        Paid,
        pay,
        "A user pays one of the merchants of a pay rule; `offer` is what the message then offers, null if no rule fits."
    ),
    action!(
        "revoke-tokens",
        Nothing,
        revoke_tokens,
        "All access tokens of the account are invalid from now on."
    ),
];

fn claim_fully(order: &Order<'_>, claim: FullClaim) -> Result<Value, Problem> {
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
        return act(order, &card_id, |core, context| core.claim(context, &claim));
    };
    let ext = card_ext_of(ext)?;
    let tickets = tickets(order);
    act(order, &card_id, |core, context| {
        let claim = core.signed_claim(context, &tickets, claim, &ext)?;
        let claimed = core.claim(context, &claim)?;
        let key = (claimed.card_id.clone(), claimed.code.clone());
        let mut answer = json!(claimed);
        if let Value::Object(members) = &mut answer {
            // What the page gets.
            members.insert("encrypt_code".to_owned(), core.encrypt_code(&key).into());
        }
        Ok(answer)
    })
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
fn tickets(order: &Order<'_>) -> Vec<String> {
    let appid = order.account.appid.as_deref().unwrap_or_default();
    lock(&order.world.tokens)
        .tickets
        .of_cards(appid, order.world.now().as_second())
}

fn accept_gift(order: &Order<'_>, acceptance: Acceptance) -> Result<Value, Problem> {
    let Acceptance {
        card_id,
        code,
        friend_openid,
    } = acceptance;
    act(order, &card_id, |core, context| {
        let code = core.accept_gift(context, &card_id, &code, &friend_openid)?;
        core.member_state(context, &card_id, &code)
    })
}

fn use_card(order: &Order<'_>, used: Use) -> Result<Value, Problem> {
    act(order, &used.card_id, |core, context| {
        core.use_card(context, &used)?;
        core.member_state(context, &used.card_id, &used.code)
    })
}

fn submit_form(order: &Order<'_>, form: Form) -> Result<Value, Problem> {
    let card_id = form.card_id.clone();
    let submission = Submission {
        card_id: form.card_id,
        code: form.code,
        info: form.user_info,
    };
    act(order, &card_id, |core, context| {
        core.submit_form(context, submission)
    })
}

fn encrypt_code(order: &Order<'_>, card: Card) -> Result<Value, Problem> {
    act(order, &card.card_id, |core, context| {
        core.member_state(context, &card.card_id, &card.code)?;
        let key = (card.card_id.clone(), card.code.clone());
        Ok(json!({ "encrypt_code": core.encrypt_code(&key) }))
    })
}

fn show_code(order: &Order<'_>, card: Card) -> Result<Value, Problem> {
    act(order, &card.card_id, |core, context| {
        core.member_state(context, &card.card_id, &card.code)?;
        let shown = core.show_code(context, &card.card_id, &card.code)?;
        Ok(json!({ "code": shown }))
    })
}

fn choose_card(order: &Order<'_>, choice: Choice) -> Result<Value, Problem> {
    let tickets = tickets(order);
    run(order, |core, context| {
        let cards = core.choose(context, &tickets, &choice)?;
        Ok(json!({ "card_list": cards }))
    })
}

fn dispatch(order: &Order<'_>, card: OneCard) -> Result<Value, Problem> {
    act(order, &card.card_id, |core, context| {
        core.dispatch_template(context, &card.card_id)?;
        core.get_template(context, &card.card_id)
    })
}

fn pay(order: &Order<'_>, paid: Paid) -> Result<Value, Problem> {
    if paid.fee <= 0 {
        return Err(Problem::field("fee", "fee: must be positive, in fen"));
    }
    let payment = Payment {
        mchid: paid.mchid,
        openid: paid.openid,
        fee: paid.fee,
        joins: paid.joins,
    };
    run(order, |core, context| {
        core.pay(context, &payment)
            .map(|offer| json!({ "offer": offer }))
    })
}

fn revoke_tokens(order: &Order<'_>, _: Nothing) -> Result<Value, Problem> {
    let appid = order.account.appid.as_deref().unwrap_or_default();
    lock(&order.world.tokens).revoke(appid, order.world.now().as_second());
    Ok(json!({ "status": "revoked" }))
}

type OnMember = fn(&mut Core, &Context<'_>, &str, &str) -> Result<(), Refused>;

fn on_card(order: &Order<'_>, card: Card, command: OnMember) -> Result<Value, Problem> {
    on_member(order, &card.card_id, &card.code, command)
}

/// Does something with one user card and shows it afterwards.
fn on_member(
    order: &Order<'_>,
    card_id: &str,
    code: &str,
    command: OnMember,
) -> Result<Value, Problem> {
    act(order, card_id, |core, context| {
        command(core, context, card_id, code)?;
        core.member_state(context, card_id, code)
    })
}

/// Runs a command on a card of the account.
fn act<T: Serialize>(
    order: &Order<'_>,
    card_id: &str,
    command: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
) -> Result<Value, Problem> {
    run(order, |core, context| {
        if core.owner(card_id) != Some(context.appid) {
            return Err(Refused::CardId);
        }
        command(core, context)
    })
}

/// Runs a command for the AppID of the account.
fn run<T: Serialize>(
    order: &Order<'_>,
    command: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
) -> Result<Value, Problem> {
    let appid = order.account.appid.as_deref().unwrap_or_default();
    let done = order.act(|core: &mut Core, now, settings: &Settings| {
        command(core, &Context::new(appid, now, &settings.official_account))
    })?;
    Ok(json!(done))
}

#[cfg(test)]
mod tests;
