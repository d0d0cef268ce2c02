//! The official-account family: access tokens and `/card/...`, always answered with HTTP 200.
//!
//! `core` and its neighbours hold rules and state, `cards`, `members` and `pay_gift` translate
//! HTTP operations into commands, `refused` is the one table of errors.

mod card_change;
mod cards;
mod core;
mod gate;
mod member;
mod members;
mod parameters;
mod pay_gift;
mod pay_rules;
mod refused;
mod route;
mod template;
mod token_operations;
mod tokens;

use bytes::Bytes;
use kabao_models::{Answer as _, Endpoint};
use serde_json::json;

pub(crate) use self::core::Core;
pub(crate) use self::gate::claimed_account;
pub(crate) use self::member::Claim;
pub(crate) use self::refused::Refused;
pub(crate) use self::route::{Target, find, owns};
pub(crate) use self::template::Template;
pub(crate) use self::tokens::Tokens;

use crate::exchange::{OFFICIAL_ACCOUNT_JSON, Received, Reply};
use crate::random;
use crate::serve::{self, Call, Core as _, Serve};
use crate::settings::Trace;
use crate::world::World;

/// One request on its way to its core.
pub(crate) struct Inbound<'a> {
    world: &'a World,
    received: &'a Received,
    operation: &'static kabao_models::Operation,
}

/// Answers a request of this family.
pub(crate) fn answer(world: &World, target: &Target, received: &Received) -> Reply {
    let result = match target {
        Target::Route(route) => {
            route.run(&Inbound { world, received, operation: route.operation() })
        }
        Target::WantsGet => Err(Refused::GetRequired),
        Target::WantsPost => Err(Refused::PostRequired),
        Target::Nothing => Err(Refused::PathInvalid),
    };
    match result {
        Ok(body) => Reply::json(200, OFFICIAL_ACCOUNT_JSON, body),
        Err(refused) => {
            let (code, text) = refused.row();
            errcode(world, code, text)
        }
    }
}

/// Makes the answer of a failure: an `errcode` and a text that ends in a trace id.
pub(crate) fn errcode(world: &World, code: i64, text: &str) -> Reply {
    let trace = random::trace_id();
    let text = match world.settings().official_account.trace {
        Trace::Rid => format!("{text} rid: {trace}"),
        Trace::Hint => format!("{text} hint: [{trace}]"),
    };
    Reply::json(200, OFFICIAL_ACCOUNT_JSON, json!({ "errcode": code, "errmsg": text }).to_string())
}

/// Serves an operation that carries an access token.
fn serve_endpoint<E>(inbound: &Inbound<'_>) -> Result<Bytes, Refused>
where
    E: Serve,
    E::Core: serve::Core<Refusal = Refused>,
{
    let world = inbound.world;
    let account = gate::account(world, inbound.received)?;
    let call = Call {
        operation: inbound.operation,
        account,
        now: world.now(),
        settings: world.settings(),
    };
    if !call.account.is_permitted() {
        return Err(Refused::Unauthorised);
    }
    let request: E = parameters::decode(inbound.received)?;
    let answer = serve::run(world, &call, request)?;
    answer.into_body().map_err(|_| Refused::Busy)
}

/// Makes the route of an operation.
const fn route<E>() -> route::Route
where
    E: Serve + Endpoint,
    E::Core: serve::Core<Refusal = Refused>,
{
    route::Route::new(E::OPERATION, serve_endpoint::<E>)
}

/// Locks the state of the family; for the control API.
pub(crate) fn lock(world: &World) -> std::sync::MutexGuard<'_, Core> {
    Core::lock(world)
}
