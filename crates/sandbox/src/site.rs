//! Where a request goes, and what a waiting fault does to it.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SERVER,
};
use http::{HeaderMap, Method, StatusCode};
use jiff::SignedDuration;
use kabao_models::{Family, Operation};
use serde_json::json;

use crate::brand;
use crate::exchange::{OFFICIAL_ACCOUNT_JSON, PAY_JSON, Received, Reply, Signing};
use crate::fault::{self, Fault, FaultTarget};
use crate::gate::pay::{self, SignaturePlan};
use crate::gate::{command, official_account};
use crate::random;
use crate::requests::{self, Exchange, Message};
use crate::server::{AnswerBody, Outcome};
use crate::sync::lock;
use crate::trail::Check;
use crate::world::World;

/// How an operation is served.
enum Route {
    Pay(pay::Route),
    OfficialAccount(Box<official_account::Route>),
}

impl Route {
    fn operation(&self) -> &'static Operation {
        match self {
            Self::Pay(route) => route.operation(),
            Self::OfficialAccount(route) => route.operation(),
        }
    }
}

/// Every operation that is served.
static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    macro_rules! commands {
        ($($request:ty,)*) => { [$(command::<$request, _>(),)*] };
    }
    let merchant = kabao_models::merchant_endpoints!(commands);
    let brand = kabao_models::brand_endpoints!(commands);
    let pay = merchant.into_iter().chain(brand).map(pay::Route::Command);
    let pay = pay.chain([pay::Route::Certificates]).map(Route::Pay);
    let official_account = kabao_models::official_account_endpoints!(commands);
    pay.chain(official_account.map(Route::OfficialAccount))
        .collect()
});

/// What a method and a path lead to.
enum Found {
    /// This operation.
    Route(&'static Route),
    /// An operation that wants another method.
    OtherMethod(&'static Route),
    /// Nothing.
    Nothing,
}

/// Finds the operation of a method and a raw path among those that are there: of several the one with
/// the most literal path, then the one that is meant.
fn find(
    method: &Method,
    path: &str,
    is_there: impl Fn(&Operation) -> bool,
    is_meant: impl Fn(&Operation) -> bool,
) -> Found {
    let rank = |operation: &Operation| {
        let parts = operation.path.split('/');
        let literal = parts.filter(|part| !part.starts_with('{')).count();
        (operation.method == *method, literal, is_meant(operation))
    };
    let found = ROUTES
        .iter()
        .filter(|route| route.operation().match_path(path).is_some())
        .filter(|route| is_there(route.operation()))
        .max_by_key(|route| rank(route.operation()));
    match found {
        Some(route) if route.operation().method == *method => Found::Route(route),
        Some(route) => Found::OtherMethod(route),
        None => Found::Nothing,
    }
}

/// Where a request goes.
enum Destination<'a> {
    Pay(pay::Visit<'a>),
    OfficialAccount(official_account::Target),
    OtherMethod,
    Nothing,
}

impl<'a> Destination<'a> {
    fn of(world: &'a World, received: &'a Received) -> Self {
        use official_account::Target;

        let path = received.path();
        // Two families share the upload of pictures.
        let family = pay::claimed_family(world, received);
        let is_meant = |operation: &Operation| match operation.family {
            Family::OfficialAccount => official_account::is_meant(operation, &received.body),
            of_pay => family == Some(of_pay),
        };
        let settings = world.settings();
        let is_there = |operation: &Operation| brand::is_there(operation, &settings.brand);
        let found = find(&received.method, path, is_there, is_meant);
        match found {
            Found::Route(Route::Pay(route)) => Self::Pay(pay::Visit::new(world, route, received)),
            Found::Route(Route::OfficialAccount(route)) => {
                Self::OfficialAccount(Target::Operation(route.as_ref()))
            }
            Found::OtherMethod(Route::OfficialAccount(route)) => {
                Self::OfficialAccount(Target::OtherMethod(route.as_ref()))
            }
            Found::OtherMethod(Route::Pay(_)) => Self::OtherMethod,
            Found::Nothing if official_account::owns(path) => {
                Self::OfficialAccount(Target::Nothing)
            }
            Found::Nothing => Self::Nothing,
        }
    }

    fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Pay(visit) => Some(visit.operation().id),
            Self::OfficialAccount(target) => target.operation().map(|operation| operation.id),
            Self::OtherMethod | Self::Nothing => None,
        }
    }

    fn claimed_account(&self, world: &World, received: &Received) -> Option<String> {
        match self {
            Self::Pay(visit) => visit.claimed_account(),
            Self::OfficialAccount(_) => official_account::claimed_account(world, received),
            Self::OtherMethod | Self::Nothing => None,
        }
    }

    /// Answers as without faults.
    fn answer(&self, world: &World, received: &Received) -> Reply {
        received.trail.begin(Check::Path);
        if !self.is_nothing() {
            received.trail.begin(Check::Method);
        }
        match self {
            Self::Pay(visit) => visit.answer(),
            Self::OfficialAccount(target) => official_account::answer(world, target, received),
            Self::OtherMethod => Reply::empty(405),
            Self::Nothing => Reply::empty(404),
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(
            self,
            Self::Nothing | Self::OfficialAccount(official_account::Target::Nothing)
        )
    }

    fn signing(&self) -> Option<Signing> {
        match self {
            Self::Pay(visit) => visit.signing(),
            Self::OfficialAccount(_) | Self::OtherMethod | Self::Nothing => None,
        }
    }
}

/// Answers one request.
pub(crate) fn answer(world: &World, received: &Received) -> Outcome {
    let destination = Destination::of(world, received);
    let account = destination.claimed_account(world, received);
    let fault = lock(&world.faults).take(&FaultTarget {
        operation: destination.operation(),
        path: received.path(),
        method: received.method.as_str(),
        account: account.as_deref(),
    });
    if let Some(fault) = &fault {
        tracing::info!(
            operation = destination.operation(),
            fault = fault.kind(),
            "a fault hits a request"
        );
        world.happened.send_replace(());
    }
    let begun = world.time.base();
    let mut exchange = requests::record(world.now(), received);
    exchange.account = account;
    exchange.operation = destination.operation().map(str::to_owned);
    exchange.fault = fault.as_ref().map(|fault| fault.kind().to_owned());
    let outcome = match fault {
        None => finish(
            world,
            destination.answer(world, received),
            &probe_plan(world),
        ),
        Some(fault) => faulty(world, &destination, received, fault),
    };
    let mut duration = world.time.base().duration_since(begun);
    if let Outcome::Answer { after, response } = &outcome {
        duration = duration.saturating_add(SignedDuration::try_from(*after).unwrap_or_default());
        let body = response.body().bytes();
        let status = response.status().as_u16();
        exchange.answered(status, &body);
        exchange.answer = Some(Message::new(response.headers(), &body));
    }
    exchange.duration_microseconds = u64::try_from(duration.as_micros()).unwrap_or_default();
    journal(world, received, exchange);
    outcome
}

/// Answers one request as without faults, before the answer is signed, and tells its operation.
#[cfg(test)]
pub(crate) fn reply(world: &World, received: &Received) -> (Option<&'static str>, Reply) {
    let destination = Destination::of(world, received);
    (destination.operation(), destination.answer(world, received))
}

/// Notes a request whose body was not read.
pub(crate) fn unread(world: &World, received: &Received, status: u16) {
    received.trail.begin(Check::Size);
    let destination = Destination::of(world, received);
    let mut exchange = requests::record(world.now(), received);
    exchange.account = destination.claimed_account(world, received);
    exchange.operation = destination.operation().map(str::to_owned);
    exchange.answered(status, b"");
    journal(world, received, exchange);
}

/// Completes the record of an exchange and keeps it.
fn journal(world: &World, received: &Received, mut exchange: Exchange) {
    (exchange.passed, exchange.failed) = received.trail.checks();
    exchange.complaints = received.trail.complaints();
    exchange.remarks = received.trail.remarks();
    tracing::debug!(
        method = exchange.method,
        path = exchange.path,
        account = exchange.account,
        operation = exchange.operation,
        outcome = ?exchange.outcome,
        status = exchange.status,
        code = exchange.code,
        failed = ?exchange.failed,
        complaint = exchange.complaints.first().map(|complaint| complaint.field.as_str()),
        remark = exchange.remarks.first(),
        fault = exchange.fault,
        duration_microseconds = exchange.duration_microseconds,
        "exchange"
    );
    lock(&world.requests).add(world.now(), exchange);
    world.happened.send_replace(());
}

fn faulty(
    world: &World,
    destination: &Destination<'_>,
    received: &Received,
    fault: Fault,
) -> Outcome {
    let apply = |applied: bool| applied.then(|| destination.answer(world, received));
    let usual = || destination.answer(world, received);
    let plain = SignaturePlan::default();
    match fault {
        Fault::Hang { applied } => {
            drop(apply(applied));
            Outcome::Hang
        }
        Fault::DropConnection { applied } => {
            drop(apply(applied));
            Outcome::Drop
        }
        Fault::Delay { milliseconds } => match finish(world, usual(), &plain) {
            Outcome::Answer { response, .. } => Outcome::Answer {
                after: Duration::from_millis(milliseconds),
                response,
            },
            other => other,
        },
        Fault::Status {
            status,
            code,
            message,
            body,
            applied,
            signed,
        } => {
            drop(apply(applied));
            let mut reply = match code {
                Some(code) => {
                    let message = message.unwrap_or_else(|| "injected by a fault".to_owned());
                    Reply::json(
                        status,
                        PAY_JSON,
                        json!({ "code": code, "message": message }).to_string(),
                    )
                }
                None => Reply::json(status, "text/html", body.unwrap_or_default()),
            };
            reply
                .headers
                .push(("Request-ID", random::request_id(269_546_525)));
            reply.signing = signed.then(|| destination.signing()).flatten();
            finish(world, reply, &plain)
        }
        Fault::RateLimited {
            retry_after_seconds,
        } => {
            let reply = match destination {
                Destination::Pay(visit) => visit.rate_limited(retry_after_seconds),
                _ => official_account::errcode(world, 45011, "api minute-quota reach limit"),
            };
            finish(world, reply, &plain)
        }
        Fault::Errcode {
            errcode,
            errmsg,
            applied,
        } => {
            drop(apply(applied));
            let errmsg = errmsg.unwrap_or_else(|| "injected by a fault".to_owned());
            finish(
                world,
                official_account::errcode(world, errcode, &errmsg),
                &plain,
            )
        }
        Fault::Redirect { location } => {
            let mut reply = Reply::empty(302);
            reply.headers.push(("Location", location));
            finish(world, reply, &plain)
        }
        Fault::HugeBody { bytes } => {
            let head = Reply::json(200, OFFICIAL_ACCOUNT_JSON, Bytes::new());
            with_body(finish(world, head, &plain), AnswerBody::endless(bytes))
        }
        Fault::ContentType { value } => {
            let outcome = finish(world, usual(), &plain);
            change(outcome, |response| {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(CONTENT_TYPE, value);
                }
            })
        }
        Fault::TamperBody => {
            let reply = usual();
            let tampered = tampered(&reply.body);
            with_body(finish(world, reply, &plain), AnswerBody::whole(tampered))
        }
        Fault::TruncateBody => {
            let reply = usual();
            let body = AnswerBody::truncated(reply.body.clone());
            with_body(finish(world, reply, &plain), body)
        }
        Fault::GarbageBody => {
            let mut reply = usual();
            reply.body = Bytes::from_static(b"<html>not JSON</html>");
            finish(world, reply, &plain)
        }
        Fault::Unsigned => finish(
            world,
            Reply {
                signing: None,
                ..usual()
            },
            &plain,
        ),
        Fault::MissingHeader { name } => finish(
            world,
            usual(),
            &SignaturePlan {
                leave_out: Some(name),
                ..plain
            },
        ),
        Fault::StaleTimestamp { seconds } => finish(
            world,
            usual(),
            &SignaturePlan {
                stale_seconds: seconds,
                ..plain
            },
        ),
        Fault::WrongSerial { serial } => {
            let serial =
                serial.unwrap_or_else(|| "7E0000000000000000000000000000000000DEAD".to_owned());
            finish(
                world,
                usual(),
                &SignaturePlan {
                    serial: Some(serial),
                    ..plain
                },
            )
        }
        Fault::BadSignature => finish(
            world,
            usual(),
            &SignaturePlan {
                wrong: true,
                ..plain
            },
        ),
        Fault::SignTest => finish(
            world,
            usual(),
            &SignaturePlan {
                probe: true,
                ..plain
            },
        ),
        Fault::EditJson { merge, raw } => {
            let mut reply = usual();
            match fault::edit(&reply.body, merge.as_ref(), &raw) {
                Ok(body) => reply.body = body.into(),
                Err(problem) => {
                    tracing::warn!(operation = destination.operation(), problem, "edit_json");
                    reply = Reply::json(500, "text/plain", format!("edit_json: {problem}\n"));
                }
            }
            finish(world, reply, &plain)
        }
        Fault::ReplaceBody {
            status,
            headers,
            body,
            signed,
            applied,
        } => {
            drop(apply(applied));
            let content_type = match destination {
                Destination::OfficialAccount(_) => OFFICIAL_ACCOUNT_JSON,
                _ => PAY_JSON,
            };
            let mut reply = Reply::json(status, content_type, body.as_bytes().to_vec());
            reply.signing = signed.then(|| destination.signing()).flatten();
            change(finish(world, reply, &plain), |response| {
                for (name, value) in &headers {
                    if let (Ok(name), Ok(value)) = (
                        HeaderName::from_bytes(name.as_bytes()),
                        HeaderValue::from_str(value),
                    ) {
                        response.headers_mut().insert(name, value);
                    }
                }
            })
        }
    }
}

/// Decides whether this answer is one of the configured share of probes.
fn probe_plan(world: &World) -> SignaturePlan {
    let share = u32::from(world.settings().answers.probes_per_thousand);
    let mut counter = lock(&world.probes);
    *counter += share.min(1000);
    let probe = *counter >= 1000;
    if probe {
        *counter -= 1000;
    }
    SignaturePlan {
        probe,
        ..SignaturePlan::default()
    }
}

/// Signs a reply and turns it into a response.
fn finish(world: &World, reply: Reply, plan: &SignaturePlan) -> Outcome {
    let mut headers = HeaderMap::new();
    let mut put = |name: &str, value: &str| {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            headers.insert(name, value);
        }
    };
    if !reply.body.is_empty() || !reply.content_type.is_empty() {
        put(CONTENT_TYPE.as_str(), reply.content_type);
    }
    if reply.content_type == PAY_JSON {
        // Unless the reply names another below.
        put(CONTENT_LANGUAGE.as_str(), "zh-CN");
    }
    put(SERVER.as_str(), "nginx");
    put("keep-alive", "timeout=8");
    put(CACHE_CONTROL.as_str(), "no-cache, must-revalidate");
    put("x-content-type-options", "nosniff");
    for (name, value) in &reply.headers {
        put(name, value);
    }
    if let Some(signing) = &reply.signing {
        match pay::signature_headers(
            signing,
            world.signature_time().as_second(),
            &reply.body,
            plan,
        ) {
            Ok(signature) => signature.iter().for_each(|(name, value)| put(name, value)),
            Err(error) => {
                tracing::error!(account = signing.account.name, %error, "an answer cannot be signed")
            }
        }
    }
    // The real service describes the body that a 204 has not, and SDKs look at its type.
    let body = if reply.status == 204 && reply.body.is_empty() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        AnswerBody::nothing()
    } else {
        AnswerBody::whole(reply.body)
    };
    let mut response = http::Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    Outcome::Answer {
        after: Duration::ZERO,
        response,
    }
}

fn with_body(outcome: Outcome, body: AnswerBody) -> Outcome {
    change(outcome, |response| {
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = body;
    })
}

fn change(outcome: Outcome, change: impl FnOnce(&mut http::Response<AnswerBody>)) -> Outcome {
    match outcome {
        Outcome::Answer {
            after,
            mut response,
        } => {
            change(&mut response);
            Outcome::Answer { after, response }
        }
        other => other,
    }
}

/// Changes the last letter or digit, so that JSON stays JSON wherever possible.
fn tampered(body: &Bytes) -> Bytes {
    let mut bytes = body.to_vec();
    match bytes
        .iter_mut()
        .rev()
        .find(|byte| byte.is_ascii_alphanumeric())
    {
        Some(byte) => *byte = if *byte == b'7' { b'8' } else { b'7' },
        None => bytes.push(b' '),
    }
    Bytes::from(bytes)
}
