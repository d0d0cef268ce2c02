//! The two WeChat Pay families at the level of HTTP: routes, checks in their order, signatures.

mod certificates;
mod gate;
mod parameters;
mod refusal;
mod route;
mod sensitive;
mod signature;
mod strict;

use std::sync::Arc;

use bytes::Bytes;
use kabao_models::{Answer as _, Endpoint};

pub(crate) use self::gate::{claimed_family, claimed_identity};
pub(crate) use self::parameters::pointer;
pub(crate) use self::refusal::{Detail, Language, Refusal};
pub(crate) use self::route::{Found, Route, find, of_family};
pub(crate) use self::signature::{SignaturePlan, headers as signature_headers};
pub(crate) use self::strict::pointer_at;

use self::gate::Caller;
use crate::exchange::{PAY_JSON, Received, Reply, Signing};
use crate::serve::{Call, Core, Remarks, Serve};
use crate::settings::Settings;
use crate::sync::lock;
use crate::trail::Check;
use crate::world::World;
use crate::{odd_values, random, serve};

/// One authenticated request on its way to its core.
pub(crate) struct Inbound<'a> {
    world: &'a World,
    received: &'a Received,
    caller: &'a Caller,
    call: Call,
}

/// Answers a request that found its route: everything from `Accept` to the business rules.
pub(crate) fn answer(world: &World, route: &Route, received: &Received) -> Reply {
    let settings = world.settings();
    let language = Language::of(received.header("accept-language"));
    let caller = match gate::authenticate(world, &settings, route.operation(), received) {
        Ok(caller) => caller,
        // What fails before or in authentication leaves unsigned.
        Err(refusal) => return refusal.reply(language),
    };
    let signing = signing(&caller, received);
    match after_authentication(world, &settings, route, received, &caller) {
        Ok(body) => {
            received.trail.pass();
            Reply {
                headers: vec![
                    ("Request-ID", random::request_id(0)),
                    ("Content-Language", language.tag().to_owned()),
                ],
                signing: Some(signing),
                ..Reply::json(route.operation().success, PAY_JSON, body)
            }
        }
        Err(refusal) => {
            if let Some(complaint) = refusal.complaint() {
                received.trail.complain(complaint);
            }
            Reply {
                signing: settings.answers.sign_errors.then_some(signing),
                ..refusal.reply(language)
            }
        }
    }
}

/// Answers 429 as after authentication; used by the fault of that name.
pub(crate) fn rate_limited(
    world: &World,
    route: &Route,
    received: &Received,
    retry_after: Option<u32>,
) -> Reply {
    let settings = world.settings();
    let language = Language::of(received.header("accept-language"));
    match gate::authenticate(world, &settings, route.operation(), received) {
        Ok(caller) => {
            let mut reply =
                Refusal::rate_limited(&settings.answers.rate_limit_code).reply(language);
            reply.signing = settings
                .answers
                .sign_errors
                .then(|| signing(&caller, received));
            if let Some(seconds) = retry_after {
                reply.headers.push(("Retry-After", seconds.to_string()));
            }
            reply
        }
        Err(refusal) => refusal.reply(language),
    }
}

/// Returns who would sign an answer to this request, if it authenticates; used by faults.
pub(crate) fn signing_for(world: &World, route: &Route, received: &Received) -> Option<Signing> {
    let settings = world.settings();
    let caller = gate::authenticate(world, &settings, route.operation(), received).ok()?;
    Some(signing(&caller, received))
}

fn signing(caller: &Caller, received: &Received) -> Signing {
    let key = lock(&caller.pay.keyring).signing_key(received.header("wechatpay-serial"));
    Signing {
        key,
        scheme: caller.scheme,
        account: Arc::clone(&caller.account),
    }
}

fn after_authentication(
    world: &World,
    settings: &Arc<Settings>,
    route: &Route,
    received: &Received,
    caller: &Caller,
) -> Result<Bytes, Refusal> {
    let call = Call {
        operation: route.operation(),
        account: Arc::clone(&caller.account),
        now: world.now(),
        settings: Arc::clone(settings),
        remarks: Remarks::default(),
    };
    route.run(&Inbound {
        world,
        received,
        caller,
        call,
    })
}

/// Serves one operation of the catalogue.
pub(crate) fn serve_endpoint<E>(inbound: &Inbound<'_>) -> Result<Bytes, Refusal>
where
    E: Serve,
    <E::Core as Core>::Refusal: Into<Refusal>,
{
    let call = &inbound.call;
    let trail = &inbound.received.trail;
    trail.begin(Check::Body);
    let mut request: E = parameters::decode(inbound)?;
    trail.begin(Check::EncryptedFields);
    sensitive::decrypt_request(inbound, &mut request)?;
    trail.begin(Check::Parameters);
    parameters::check_limits(inbound, &request)?;
    trail.begin(Check::Permission);
    permission(inbound)?;
    trail.begin(Check::Rate);
    rate(inbound)?;
    trail.begin(Check::Rules);
    let mut answer =
        serve::run(inbound.world, call, request, &inbound.received.trail).map_err(Into::into)?;
    sensitive::encrypt_answer(inbound.caller, &mut answer)?;
    let body = answer.into_body().map_err(|_| Refusal::system_error())?;
    let odd = &call.settings.odd_values;
    Ok(odd_values::written(odd, call.operation.id, body))
}

fn permission(inbound: &Inbound<'_>) -> Result<(), Refusal> {
    let account = &inbound.call.account;
    let operation = inbound.call.operation;
    if account.family == operation.family && account.is_permitted() {
        Ok(())
    } else {
        Err(Refusal::no_permission())
    }
}

fn rate(inbound: &Inbound<'_>) -> Result<(), Refusal> {
    let call = &inbound.call;
    let answers = &call.settings.answers;
    let Some(limit) = call
        .operation
        .rate_limit
        .as_ref()
        .filter(|_| answers.enforce_rate_limits)
    else {
        return Ok(());
    };
    let now = inbound.world.signature_time().as_second();
    if lock(&inbound.world.rates).admit(&call.account.name, call.operation.id, limit, now) {
        return Ok(());
    }
    let mut refusal = Refusal::rate_limited(&answers.rate_limit_code);
    refusal.retry_after_seconds = answers.retry_after_seconds;
    Err(refusal)
}

/// Makes the route of an operation.
pub(crate) const fn route<E>() -> Route
where
    E: Serve + Endpoint,
    <E::Core as Core>::Refusal: Into<Refusal>,
{
    Route::new(E::OPERATION, serve_endpoint::<E>)
}
