//! What users and WeChat's staff do in the merchant family, and what it holds.

use jiff::Timestamp;
use kabao_models::merchant::user_cards::ActivateUserCard;
use serde_json::{Value, json};

use super::answer::Problem;
use super::family::{self, Action, FamilyControl, Order, Part, action};
use super::request::merchant::{OpenLink, Payment, Remind, StartActivation, SubmitForm};
use super::request::{Card, Claim, Member};
use crate::clock::{parse_rfc3339, rfc3339};
use crate::merchant::{self, Context, Core, OldCard, Refused, User};
use crate::world::World;
use crate::{dynamic_code, settings};

/// The merchant family.
pub(super) struct Merchant;

impl FamilyControl for Merchant {
    fn state(&self, world: &World) -> Value {
        family::show(world, &PARTS)
    }

    fn parts(&self) -> Vec<(&'static str, &'static str)> {
        family::describe(&PARTS)
    }

    fn claim(&self, order: &Order<'_>, claim: Claim) -> Result<Value, Problem> {
        let activated = claim.activated;
        let user = User {
            phone_number: claim.phone_number,
            ..User::of(&claim.openid)
        };
        let claim = merchant::Claim {
            card_id: claim.card_id,
            user,
            code: claim.code,
            activated,
            ..merchant::Claim::default()
        };
        run(order, |core, context| {
            if activated {
                core.claim(context, &claim)
            } else {
                core.check_would_wait(context, &claim)?;
                core.start_activation(context, &claim).map(|(card, _)| card)
            }
        })
        .map(|card| json!(card))
    }

    fn activate(&self, order: &Order<'_>, member: &Member) -> Result<Value, Problem> {
        let request = ActivateUserCard::new(member.card_id.as_str(), member.code.as_str());
        run(order, |core, context| {
            core.activate_member(context, &request)
        })
        .map(|card| json!(card))
    }

    fn delete(&self, order: &Order<'_>, member: &Member) -> Result<Value, Problem> {
        run(order, |core, context| {
            core.delete_member(context, &member.card_id, &member.code)
        })
        .map(|card| json!(card))
    }

    fn review(&self, order: &Order<'_>, card_id: &str, approved: bool) -> Result<Value, Problem> {
        run(order, |core, context| {
            core.review_template(context, card_id, approved)
        })
        .map(|card| json!(card))
    }

    fn actions(&self) -> &'static [Action] {
        &ACTIONS
    }

    fn word(&self) -> &'static str {
        "merchant"
    }
}

const PARTS: [Part<Core>; 5] = [
    Part {
        name: "templates",
        about: "Templates: `owner` is the merchant number, `upgraded` says whether an old card of the public platform is upgraded, `sections` are the parts of its page.",
        show: |core, _, _| core.templates().map(show_template).collect(),
    },
    Part {
        name: "members",
        about: "User cards with what their pages show, when they expire and what they wait for.",
        show: |core, now, settings| {
            core.members()
                .map(|member| show_member(member, now, settings))
                .collect()
        },
    },
    Part {
        name: "activities",
        about: "Activities with the merchant number as `owner`.",
        show: |core, now, _| {
            core.activities()
                .map(|activity| json!({ "owner": activity.owner, "activity": activity.shown(now) }))
                .collect()
        },
    },
    Part {
        name: "phone_members",
        about: "Members that are registered by phone number and have no card yet.",
        show: |core, _, _| {
            core.phone_members()
                .map(|(card_id, phone_number, member)| {
                    json!({ "card_id": card_id, "phone_number": phone_number, "member": member })
                })
                .collect()
        },
    },
    Part {
        name: "callbacks",
        about: "The notification URL by merchant number.",
        show: |core, _, _| core.callbacks().collect(),
    },
];

fn show_template(template: &merchant::Template) -> Value {
    json!({
        "owner": template.owner,
        "upgraded": template.upgraded,
        "sections": template.sections,
        "card": template.card,
    })
}

fn show_member(member: &merchant::Member, now: Timestamp, settings: &settings::Settings) -> Value {
    let seconds = settings.merchant.dynamic_code_seconds;
    let card = member.shown(now);
    let card_id = card.card_id.as_deref().unwrap_or_default();
    json!({
        "dynamic_code": dynamic_code::of(card_id, member.code(), now, seconds),
        "issued": rfc3339(member.issued),
        "expires": member.expires.map(rfc3339),
        "in_wallet": member.in_wallet.map(rfc3339),
        "phone_number": member.phone_number,
        "outer_str": member.outer_str,
        "member_price_word": member.member_price_word,
        "confirmation": member.confirmation,
        "reason": member.reason,
        "pass": member.pass,
        "card": card,
    })
}

const ACTIONS: [Action; 8] = [
    action!(
        "dynamic-code",
        Card,
        show_dynamic_code,
        "Shows the code that the member's page shows now."
    ),
    action!(
        "open-link",
        OpenLink,
        open_link,
        "A user scans a QR code or follows a token. A link that was made for `JUMP_ACTIVATE` gives an `encrypt_code` and an `activate_ticket` as `start-activation` does."
    ),
    action!(
        "start-activation",
        StartActivation,
        start_activation,
        "A user opens a card in the merchant's mini program, which has to activate it, and gets an `encrypt_code` and an `activate_ticket`. The template must be approved and not invalid, stock must be left, and the user must hold no active card of it; `REAL_TIME` templates need `code`. A new pass replaces the user's earlier one; each half is good once."
    ),
    action!(
        "submit-form",
        SubmitForm,
        submit_form,
        "A user fills in the form of a card."
    ),
    action!(
        "restore",
        Card,
        restore,
        "A user takes a deleted card back."
    ),
    action!(
        "record-payment",
        Payment,
        record_payment,
        "A user paid the merchant."
    ),
    action!(
        "remind-phone-member",
        Remind,
        remind,
        "WeChat shows the reminder to a member that is registered by phone number."
    ),
    action!(
        "create-old-card",
        OldCard,
        create_old_card,
        "The public platform has a card that is not upgraded yet."
    ),
];

/// Runs a command for the merchant number of the account.
fn run<T>(
    order: &Order<'_>,
    command: impl FnOnce(&mut Core, &Context<'_>) -> Result<T, Refused>,
) -> Result<T, Problem> {
    order.act(|core, now, settings| command(core, &Context::at(order.account, now, settings)))
}

fn show_dynamic_code(order: &Order<'_>, card: Card) -> Result<Value, Problem> {
    let code = run(order, |core, context| {
        core.find_member(context, &card.card_id, &card.code)?;
        let seconds = context.rules.dynamic_code_seconds;
        Ok(dynamic_code::of(
            &card.card_id,
            &card.code,
            context.now,
            seconds,
        ))
    })?;
    Ok(json!({ "dynamic_code": code }))
}

fn open_link(order: &Order<'_>, open: OpenLink) -> Result<Value, Problem> {
    let claim = merchant::Claim {
        user: open.user,
        code: open.code,
        user_information: open.user_information,
        ..merchant::Claim::default()
    };
    check_user(&claim.user)?;
    run(order, |core, context| {
        core.open_link(context, &open.link, &claim)
    })
    .map(|opened| json!(opened))
}

fn start_activation(order: &Order<'_>, start: StartActivation) -> Result<Value, Problem> {
    check_user(&start.user)?;
    let claim = merchant::Claim {
        card_id: start.card_id,
        user: start.user,
        code: start.code,
        activated: false,
        outer_str: start.outer_str,
        user_information: start.user_information,
    };
    run(order, |core, context| {
        core.start_activation(context, &claim)
    })
    .map(|(card, pass)| json!({ "card": card, "pass": pass }))
}

fn check_user(user: &User) -> Result<(), Problem> {
    if user.openid.is_empty() {
        return Err(Problem::field("openid", "must not be empty"));
    }
    Ok(())
}

fn submit_form(order: &Order<'_>, form: SubmitForm) -> Result<Value, Problem> {
    run(order, |core, context| {
        core.submit_form(context, &form.card_id, &form.code, &form.user_information)
    })
    .map(|card| json!({ "member": card }))
}

fn restore(order: &Order<'_>, card: Card) -> Result<Value, Problem> {
    run(order, |core, context| {
        core.restore_member(context, &card.card_id, &card.code)
    })
    .map(|card| json!({ "member": card }))
}

fn record_payment(order: &Order<'_>, payment: Payment) -> Result<Value, Problem> {
    let paid = match payment.at.as_deref() {
        None => order.world.now(),
        Some(text) => {
            parse_rfc3339(text).ok_or_else(|| Problem::field("at", "must be an RFC 3339 time"))?
        }
    };
    let people: Vec<_> = [&payment.openid, &payment.phone_number]
        .into_iter()
        .flatten()
        .collect();
    if people.is_empty() {
        return Err(Problem::field(
            "openid",
            "give openid, phone_number or both",
        ));
    }
    run(order, |core, context| {
        for person in people {
            core.record_payment(context, person, paid);
        }
        Ok(())
    })
    .map(|()| json!({ "paid": rfc3339(paid) }))
}

fn remind(order: &Order<'_>, member: Remind) -> Result<Value, Problem> {
    run(order, |core, context| {
        core.remind_phone_member(context, &member.card_id, &member.phone_number)
    })
    .map(|()| json!({ "reminded": true }))
}

fn create_old_card(order: &Order<'_>, old: OldCard) -> Result<Value, Problem> {
    run(order, |core, context| core.create_old_card(context, &old))
        .map(|card| json!({ "template": card }))
}
