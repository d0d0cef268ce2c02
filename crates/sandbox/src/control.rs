//! The control API: acts for WeChat users and operators. Plain HTTP, JSON, no authentication.

mod accounts;
mod answer;
mod brand;
mod keys;
mod merchant;
mod official_account;
mod state;
mod users;

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use self::state::state;

use self::answer::{Problem, parse, respond};
use crate::clock;
use crate::exchange::Received;
use crate::fault::FaultRule;
use crate::server::Service;
use crate::site::Outcome;
use crate::sync::lock;
use crate::world::World;

/// Largest body of a control request.
const MAX_BODY: usize = 1 << 20;

/// The control API of a world.
pub(crate) struct Control(Arc<World>);

impl Control {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self(world)
    }
}

impl Service for Control {
    fn max_body_bytes(&self) -> usize {
        MAX_BODY
    }

    fn answer(&self, received: &Received) -> Outcome {
        respond(handle(&self.0, received))
    }
}

/// All paths, for the answer to an unknown one.
const PATHS: [&str; 18] = [
    "GET /healthz",
    "GET /state",
    "GET /ledger",
    "GET, POST /clock",
    "GET, PATCH /settings",
    "GET, POST, DELETE /faults",
    "GET /accounts",
    "PATCH /accounts/{account}",
    "POST /cards/claim",
    "POST /members/activate",
    "POST /members/delete",
    "POST /templates/approve",
    "POST /templates/reject",
    "POST /keys/rotate",
    "POST /keys/revoke",
    "POST /keys/restore",
    "POST /actions/{account}/{action}",
    "POST /reset",
];

fn handle(world: &World, received: &Received) -> Result<Value, Problem> {
    let path = received.path();
    let body = &received.body;
    match (received.method.as_str(), path) {
        ("GET", "/healthz") => Ok(json!({ "status": "ok" })),
        ("GET", "/state") => Ok(state(world)),
        ("GET", "/ledger") => Ok(json!({ "entries": lock(&world.ledger).entries() })),
        ("GET", "/clock") => Ok(show_clock(world)),
        ("POST", "/clock") => move_clock(world, parse(body)?),
        ("GET", "/settings") => Ok(json!(*world.settings())),
        ("PATCH", "/settings") => change_settings(world, &parse(body)?),
        ("GET", "/faults") => Ok(json!({ "faults": lock(&world.faults).waiting() })),
        ("POST", "/faults") => add_fault(world, parse(body)?),
        ("DELETE", "/faults") => {
            lock(&world.faults).clear();
            Ok(json!({ "faults": [] }))
        }
        ("GET", "/accounts") => Ok(accounts::list(world)),
        ("PATCH", path) if path.starts_with("/accounts/") => {
            accounts::change(world, path.trim_start_matches("/accounts/"), parse(body)?)
        }
        ("POST", "/cards/claim") => users::claim(world, parse(body)?),
        ("POST", "/members/activate") => users::activate(world, &parse(body)?),
        ("POST", "/members/delete") => users::delete(world, &parse(body)?),
        ("POST", "/templates/approve") => users::review(world, &parse(body)?, true),
        ("POST", "/templates/reject") => users::review(world, &parse(body)?, false),
        ("POST", "/keys/rotate") => keys::rotate(world, &parse(body)?),
        ("POST", "/keys/revoke") => keys::set_revoked(world, &parse(body)?, true),
        ("POST", "/keys/restore") => keys::set_revoked(world, &parse(body)?, false),
        ("POST", path) if path.starts_with("/actions/") => {
            users::action(world, path.trim_start_matches("/actions/"), body)
        }
        ("POST", "/reset") => {
            world.reset();
            Ok(json!({ "status": "reset" }))
        }
        _ => Err(unknown(&received.method, path)),
    }
}

fn unknown(method: &Method, path: &str) -> Problem {
    let known = PATHS.iter().any(|line| {
        line.rsplit(' ').next().is_some_and(|known| {
            known == path
                || known
                    .split_once('{')
                    .is_some_and(|(prefix, _)| path.starts_with(prefix))
        })
    });
    if known {
        Problem::new(
            405,
            format!(
                "{method} is not a method of {path}; there are: {}",
                PATHS.join("; ")
            ),
        )
    } else {
        Problem::new(
            404,
            format!("there is no {path}; there are: {}", PATHS.join("; ")),
        )
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_seconds: Option<i64>,
    set: Option<String>,
}

fn show_clock(world: &World) -> Value {
    json!({
        "now": clock::rfc3339(world.now()),
        "unix_seconds": world.now().as_second(),
        "shift_seconds": world.time.shift_seconds(),
    })
}

fn move_clock(world: &World, body: Move) -> Result<Value, Problem> {
    match (body.advance_seconds, body.set) {
        (Some(seconds), None) => world.time.advance(seconds),
        (None, Some(text)) => {
            let moment = clock::parse_rfc3339(&text)
                .or_else(|| {
                    text.parse()
                        .ok()
                        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
                })
                .ok_or_else(|| {
                    Problem::field("set", "must be an RFC 3339 time or Unix seconds as text")
                })?;
            world.time.set(moment);
        }
        _ => {
            return Err(Problem::field(
                "advance_seconds",
                "give either advance_seconds or set",
            ));
        }
    }
    Ok(show_clock(world))
}

fn change_settings(world: &World, patch: &Value) -> Result<Value, Problem> {
    let settings = world
        .settings()
        .patched(patch)
        .map_err(|problem| Problem::new(400, problem))?;
    world.set_settings(settings);
    Ok(json!(*world.settings()))
}

fn add_fault(world: &World, rule: FaultRule) -> Result<Value, Problem> {
    if let Some(operation) = &rule.operation {
        let known = operation == "certificates.get"
            || kabao_models::operations().any(|known| known.id == operation.as_str());
        if !known {
            return Err(Problem::field(
                "operation",
                format!("there is no operation `{operation}`"),
            ));
        }
    }
    if let Some(account) = &rule.account {
        answer::account(world, account)?;
    }
    let mut faults = lock(&world.faults);
    faults
        .add(rule)
        .map_err(|problem| Problem::new(400, problem))?;
    Ok(json!({ "faults": faults.waiting() }))
}
