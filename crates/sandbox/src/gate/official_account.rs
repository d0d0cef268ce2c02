//! The family at the level of HTTP: the status is always 200, `errcode` decides.
//!
//! Checks run in this order: path, method, empty body, token, permission, quota, JSON, members,
//! business rules.

mod parameters;

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use kabao_models::official_account::card::UPDATE_CARD_MESSAGE;
use kabao_models::official_account::colors::GET_COLORS;
use kabao_models::official_account::datacube::{GET_MEMBER_CARD_DETAIL, GET_MEMBER_CARD_INFO};
use kabao_models::official_account::media::UPLOAD_IMAGE;
use kabao_models::{AnyEndpoint, Body, Errcode, Incoming, Operation, ParamsIn, RateLimit, Scheme};
use serde_json::{Value, json};

use super::Command;
use crate::account::Account;
use crate::exchange::{OFFICIAL_ACCOUNT_JSON, Received, Reply};
use crate::odd_values;
use crate::official_account::{Refused, tolerance};
use crate::random;
use crate::serve::{Call, Remarks};
use crate::settings::{OfficialAccount, Settings, Trace, UnknownPath};
use crate::sync::lock;
use crate::trail::{Check, Complaint};
use crate::world::World;

/// How an operation is served.
pub(crate) type Route = dyn Command<Refused>;

/// What a path of this family leads to.
pub(crate) enum Target {
    /// To an operation.
    Operation(&'static Route),
    /// To an operation that wants the other method.
    OtherMethod(&'static Route),
    /// Nowhere.
    Nothing,
}

impl Target {
    /// Returns the operation, if there is one.
    pub(crate) fn operation(&self) -> Option<&'static Operation> {
        match self {
            Self::Operation(route) | Self::OtherMethod(route) => Some(route.operation()),
            Self::Nothing => None,
        }
    }
}

/// Tells whether a path belongs to `api.weixin.qq.com`.
pub(crate) fn owns(path: &str) -> bool {
    ["/card/", "/cgi-bin/", "/datacube/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// Tells whether an operation is the one that a request on its path means. One path serves two: the
/// body decides.
pub(crate) fn is_meant(operation: &Operation, body: &[u8]) -> bool {
    operation.path != UPDATE_CARD_MESSAGE.path
        || (operation.id == UPDATE_CARD_MESSAGE.id) == changes_only_message(body)
}

/// Tells whether a change is about the message slot and nothing else.
fn changes_only_message(body: &[u8]) -> bool {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let change = body
        .as_ref()
        .and_then(|body| body.get("member_card"))
        .and_then(Value::as_object);
    // Members that are `null` count as absent; where the settings refuse them, either operation does.
    change.is_some_and(|change| {
        let mut given = change.iter().filter(|(_, member)| !member.is_null());
        given
            .next()
            .is_some_and(|(name, _)| name == "modify_msg_operation")
            && given.next().is_none()
    })
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
            if route.operation().path == GET_COLORS.path
                && settings.official_account.colors_post =>
        {
            run(world, &settings, *route, received)
        }
        Target::OtherMethod(route) if route.operation().method == Method::GET => {
            Err(Refused::GetRequired)
        }
        Target::OtherMethod(_) => Err(Refused::PostRequired),
        Target::Operation(route) => run(world, &settings, *route, received),
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

/// Authenticates a request and serves it; what is refused is said in the words of the operation.
fn run(
    world: &World,
    settings: &Arc<Settings>,
    route: &Route,
    received: &Received,
) -> Result<Bytes, Refused> {
    let operation = route.operation();
    authenticate(world, settings, operation, received)
        .and_then(|account| {
            let call = Call {
                operation,
                account,
                now: world.now(),
                settings: Arc::clone(settings),
                remarks: Remarks::default(),
            };
            serve(world, route, received, &call)
        })
        .map_err(|refused| refused.fitted(operation))
}

fn authenticate(
    world: &World,
    settings: &Settings,
    operation: &'static Operation,
    received: &Received,
) -> Result<Arc<Account>, Refused> {
    let trail = &received.trail;
    if operation.method == Method::POST && received.body.is_empty() {
        trail.begin(Check::Body);
        return Err(Refused::EmptyBody);
    }
    trail.begin(Check::Credentials);
    match operation.scheme {
        Scheme::Credentials => credentials(world, settings, operation, received),
        _ => token(world, settings, operation, received),
    }
}

fn serve(world: &World, route: &Route, received: &Received, call: &Call) -> Result<Bytes, Refused> {
    let trail = &received.trail;
    trail.begin(Check::Body);
    let request = decode(received, call)?;
    trail.begin(Check::Parameters);
    let violations = request.strict_violations();
    violations
        .iter()
        .for_each(|violation| trail.complain(violation.into()));
    parameters::check(call.operation, &violations)?;
    trail.begin(Check::Rules);
    let answer = route.run(world, call, request, trail)?;
    let body = answer.to_body().map_err(|_| Refused::Internal)?;
    let body = with_head(&call.settings.official_account, call.operation, body);
    let odd = &call.settings.odd_values;
    Ok(odd_values::written(odd, call.operation.id, body))
}

/// Reads a request in the forms of JSON that the settings take.
fn decode(received: &Received, call: &Call) -> Result<Box<dyn AnyEndpoint>, Refused> {
    let (rules, body) = (&call.settings.official_account, call.operation.body);
    if body == Body::Json {
        parameters::check_json(rules, &received.body)?;
    }
    let incoming = Incoming {
        path: received.path(),
        query: received.query(),
        content_type: received.header("content-type"),
        body: &received.body,
    };
    let mut request = call.operation.new_request();
    let deviations = request.read_http_tolerantly(incoming).map_err(|error| {
        let field = error.field().unwrap_or_default();
        let complaint = Complaint::new(field, error.to_string());
        received.trail.complain(complaint);
        match body {
            // A body that is no form has no file either.
            Body::Multipart => Refused::MediaMissing,
            Body::Json | Body::Empty => Refused::Body(error.to_string().into()),
        }
    })?;
    let refused = deviations
        .iter()
        .find(|found| !tolerance::takes(rules, found));
    match refused {
        Some(deviation) => {
            received.trail.complain(deviation.into());
            Err(Refused::Body(deviation.path.clone().into()))
        }
        None => Ok(request),
    }
}

/// Puts `errcode` and `errmsg` before the members of a success.
fn with_head(rules: &OfficialAccount, operation: &Operation, body: Bytes) -> Bytes {
    let has_head = match operation.errcode {
        Errcode::Required => true,
        Errcode::None => false,
        Errcode::Optional => match operation.id {
            id if id == UPLOAD_IMAGE.id => rules.upload_answer_errcode,
            id if [GET_MEMBER_CARD_INFO.id, GET_MEMBER_CARD_DETAIL.id].contains(&id) => {
                rules.datacube_errcode
            }
            _ => false,
        },
    };
    match body.strip_prefix(b"{") {
        Some(members) if has_head => {
            let comma: &[u8] = if members == b"}" { b"" } else { b"," };
            [br#"{"errcode":0,"errmsg":"ok""#, comma, members]
                .concat()
                .into()
        }
        _ => body,
    }
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
