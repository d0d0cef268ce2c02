//! The family at the level of HTTP: the status is always 200, `errcode` decides.
//!
//! Checks run in this order: path, method, empty body, token, permission, quota, JSON, members,
//! business rules.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use kabao_models::official_account::colors::GET_COLORS;
use kabao_models::{Answer as _, Body, Incoming, Operation, ParamsIn, RateLimit, Scheme};
use serde_json::{Value, json};

use super::route::{Route, Target};
use super::{Refused, forms, parameters};
use crate::account::Account;
use crate::exchange::{OFFICIAL_ACCOUNT_JSON, Received, Reply};
use crate::odd_values;
use crate::random;
use crate::serve::{self, Call, Core, Remarks, Serve};
use crate::settings::{Settings, Trace, UnknownPath};
use crate::sync::lock;
use crate::trail::{Check, Complaint};
use crate::world::World;

/// One authenticated request on its way to its core.
pub(crate) struct Inbound<'a> {
    world: &'a World,
    received: &'a Received,
    call: Call,
}

/// Answers a request on a path of this family.
pub(crate) fn answer(world: &World, target: &Target, received: &Received) -> Reply {
    let settings = world.settings();
    let answered = match target {
        Target::Nothing if settings.official_account.unknown_path == UnknownPath::NotFound => {
            return Reply::empty(404);
        }
        Target::Nothing => Err(Refused::Path),
        Target::OtherMethod(route)
            if route.operation.path == GET_COLORS.path && settings.official_account.colors_post =>
        {
            run(world, &settings, route, received)
                .map_err(|refused| refused.fitted(route.operation))
        }
        Target::OtherMethod(route) if route.operation.method == Method::GET => {
            Err(Refused::GetRequired)
        }
        Target::OtherMethod(_) => Err(Refused::PostRequired),
        Target::Operation(route) => run(world, &settings, route, received)
            .map_err(|refused| refused.fitted(route.operation)),
    };
    match answered {
        Ok(body) => {
            received.trail.pass();
            Reply::json(200, OFFICIAL_ACCOUNT_JSON, body)
        }
        Err(refused) => {
            if received.trail.complaints().is_empty()
                && let Some(complaint) = refused.complaint()
            {
                received.trail.complain(complaint);
            }
            refusal(&settings, &refused, received.trail.complaints().first())
        }
    }
}

fn run(
    world: &World,
    settings: &Arc<Settings>,
    route: &Route,
    received: &Received,
) -> Result<Bytes, Refused> {
    let operation = route.operation;
    let trail = &received.trail;
    if operation.method == Method::POST && received.body.is_empty() {
        trail.begin(Check::Body);
        return Err(Refused::EmptyBody);
    }
    trail.begin(Check::Credentials);
    let account = match operation.scheme {
        Scheme::Credentials => credentials(world, settings, operation, received)?,
        _ => token(world, settings, operation, received)?,
    };
    let call = Call {
        operation,
        account,
        now: world.now(),
        settings: Arc::clone(settings),
        remarks: Remarks::default(),
    };
    (route.run)(&Inbound {
        world,
        received,
        call,
    })
}

/// Serves one operation of the catalogue.
pub(super) fn serve_endpoint<E>(inbound: &Inbound<'_>) -> Result<Bytes, Refused>
where
    E: Serve,
    E::Core: Core<Refusal = Refused>,
{
    let Inbound {
        world,
        received,
        call,
    } = inbound;
    let trail = &received.trail;
    trail.begin(Check::Body);
    let body = if call.operation.body == Body::Json {
        let rules = &call.settings.official_account;
        let tidied = forms::tidied(rules, &received.body);
        parameters::check_json(&tidied)?;
        forms::typed::<E>(rules, tidied)
    } else {
        received.body.clone()
    };
    let request = E::from_http(Incoming {
        path: received.path(),
        query: received.query(),
        content_type: received.header("content-type"),
        body: &body,
    })
    .map_err(|error| {
        let complaint = Complaint::of_type::<E>(&body).unwrap_or_else(|| {
            Complaint::new(error.field().unwrap_or_default(), error.to_string())
        });
        received.trail.complain(complaint);
        match call.operation.body {
            // A body that is no form has no file either.
            Body::Multipart => Refused::MediaMissing,
            Body::Json | Body::Empty => Refused::Body(error.to_string().into()),
        }
    })?;
    trail.begin(Check::Parameters);
    let violations = request.strict_violations();
    violations
        .iter()
        .for_each(|violation| trail.complain(violation.into()));
    parameters::check(call.operation, &violations)?;
    trail.begin(Check::Rules);
    let answer = serve::run(world, call, request, trail)?;
    let body = answer.into_body().map_err(|_| Refused::Internal)?;
    let odd = &call.settings.odd_values;
    Ok(odd_values::written(odd, call.operation.id, body))
}

/// Finds the account of a token, and whether it may call.
fn token(
    world: &World,
    settings: &Settings,
    operation: &'static Operation,
    received: &Received,
) -> Result<Arc<Account>, Refused> {
    let rules = &settings.official_account;
    let token = query(received, "access_token")
        .filter(|token| !token.is_empty())
        .ok_or(Refused::TokenMissing)?;
    let appid = lock(&world.tokens).verify(&token, world.now().as_second())?;
    let account = world
        .account_of_appid(&appid)
        .ok_or(Refused::TokenNotLatest)?;
    received.trail.begin(Check::Permission);
    if rules.banned {
        return Err(Refused::Banned);
    }
    if !account.is_permitted() {
        return Err(Refused::Unauthorised);
    }
    received.trail.begin(Check::Rate);
    admit(world, settings, operation, &account)?;
    Ok(account)
}

/// Counts a call against the quotas that the settings give every operation.
fn admit(
    world: &World,
    settings: &Settings,
    operation: &'static Operation,
    account: &Account,
) -> Result<(), Refused> {
    let rules = &settings.official_account;
    let now = world.now().as_second();
    let mut rates = lock(&world.rates);
    let mut admit = |per_minute, per_day| {
        let limit = RateLimit {
            per: "official account",
            per_second: None,
            per_minute,
            per_day,
        };
        rates.admit(&account.name, operation.id, &limit, now)
    };
    if !admit(None, rules.calls_per_day) {
        return Err(Refused::DailyQuota);
    }
    if !admit(rules.calls_per_minute, None) {
        return Err(Refused::MinuteQuota);
    }
    Ok(())
}

/// Finds the account that asks for a token.
fn credentials(
    world: &World,
    settings: &Settings,
    operation: &'static Operation,
    received: &Received,
) -> Result<Arc<Account>, Refused> {
    let rules = &settings.official_account;
    let body: Value = if operation.method == Method::GET {
        Value::Null
    } else {
        serde_json::from_slice(&received.body).map_err(|_| Refused::Body("".into()))?
    };
    let given = |name: &str| match &body {
        Value::Null => query(received, name),
        body => body.get(name).and_then(Value::as_str).map(str::to_owned),
    };
    let given = |name: &str| given(name).filter(|value| !value.is_empty());
    let appid = given("appid").ok_or(Refused::AppidMissing)?;
    let secret = given("secret").ok_or(Refused::SecretMissing)?;
    if given("grant_type").as_deref() != Some("client_credential") {
        return Err(Refused::GrantType);
    }
    let account = world.account_of_appid(&appid).ok_or(Refused::Appid)?;
    if rules.caller_ip_refused {
        return Err(Refused::CallerIp);
    }
    if rules.caller_ip_risky {
        return Err(Refused::RiskyIp);
    }
    if rules.secret_frozen {
        return Err(Refused::SecretFrozen);
    }
    if account.app_secret.as_deref() != Some(secret.as_str()) {
        return Err(match rules.wrong_secret_errcode {
            40125 => Refused::Secret,
            errcode => Refused::Chosen {
                errcode,
                errmsg: "invalid appsecret",
            },
        });
    }
    admit(world, settings, operation, &account)?;
    Ok(account)
}

/// Returns the name of the account that a request claims to come from; used by faults.
pub(crate) fn claimed_account(world: &World, received: &Received) -> Option<String> {
    let appid = match query(received, "access_token") {
        Some(token) => lock(&world.tokens).owner(&token)?,
        None => query(received, "appid").or_else(|| {
            let body: Value = serde_json::from_slice(&received.body).ok()?;
            body.get("appid")?.as_str().map(str::to_owned)
        })?,
    };
    world
        .account_of_appid(&appid)
        .map(|account| account.name.clone())
}

fn query(received: &Received, name: &str) -> Option<String> {
    ParamsIn::new(Vec::new(), received.query())
        .ok()?
        .query(name)
}

/// Answers a code and a text; used by faults.
pub(crate) fn errcode(world: &World, errcode: i64, errmsg: &str) -> Reply {
    reply(
        &world.settings(),
        json!({ "errcode": errcode, "errmsg": errmsg }),
    )
}

fn refusal(settings: &Settings, refused: &Refused, complaint: Option<&Complaint>) -> Reply {
    let errmsg = match complaint {
        Some(Complaint { field, issue }) if field.is_empty() => {
            format!("{} hint: the body {issue}", refused.text())
        }
        Some(Complaint { field, issue }) => format!("{} hint: {field} {issue}", refused.text()),
        None => refused.errmsg().into_owned(),
    };
    let mut body = json!({ "errcode": refused.errcode(), "errmsg": errmsg });
    if let (Refused::Redeemed { card_id, code }, Value::Object(members)) = (refused, &mut body) {
        members.insert("card".to_owned(), json!({ "card_id": card_id }));
        members.insert("code".to_owned(), json!(code));
    }
    reply(settings, body)
}

fn reply(settings: &Settings, mut body: Value) -> Reply {
    if let Some(Value::String(errmsg)) = body.get_mut("errmsg") {
        let trace = random::trace_id();
        let closing = match settings.official_account.trace {
            Trace::Rid => format!(" rid: {trace}"),
            Trace::Hint => format!(" hint: [{trace}]"),
        };
        errmsg.push_str(&closing);
    }
    Reply::json(200, OFFICIAL_ACCOUNT_JSON, body.to_string())
}

#[cfg(test)]
mod tests;
