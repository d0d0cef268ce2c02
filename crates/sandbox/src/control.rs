//! The control API: acts for WeChat users and operators. Plain HTTP, JSON, no authentication.

mod accounts;
mod answer;
mod brand;
mod keys;
mod merchant;
mod official_account;
mod query;
mod records;
mod state;
mod users;

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use self::state::state;

use self::answer::{Problem, parse, respond};
use self::query::Query;
use crate::clock;
use crate::error::StartError;
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

    fn unread(&self, _: &Received, _: u16) {}
}

/// One endpoint: what it is called, and what it may be asked with.
struct Endpoint {
    /// Methods, `, ` between them, a blank, the path.
    line: &'static str,
    /// The query parameters of its GET.
    filters: &'static [&'static str],
}

const fn endpoint(line: &'static str) -> Endpoint {
    filtered(line, &[])
}

const fn filtered(line: &'static str, filters: &'static [&'static str]) -> Endpoint {
    Endpoint { line, filters }
}

/// Every endpoint.
const ENDPOINTS: [Endpoint; 19] = [
    endpoint("GET /healthz"),
    filtered("GET /state", &["family"]),
    filtered(
        "GET /ledger",
        &["account", "operation", "since", "cursor", "limit"],
    ),
    filtered(
        "GET, DELETE /requests",
        &[
            "account",
            "operation",
            "outcome",
            "since",
            "cursor",
            "limit",
            "bodies",
        ],
    ),
    endpoint("GET, POST /clock"),
    endpoint("GET, PATCH /settings"),
    endpoint("GET, POST, DELETE /faults"),
    filtered("GET, POST /accounts", &["family"]),
    endpoint("GET, PATCH, DELETE /accounts/{account}"),
    endpoint("POST /cards/claim"),
    endpoint("POST /members/activate"),
    endpoint("POST /members/delete"),
    endpoint("POST /templates/approve"),
    endpoint("POST /templates/reject"),
    endpoint("POST /keys/rotate"),
    endpoint("POST /keys/revoke"),
    endpoint("POST /keys/restore"),
    endpoint("POST /actions/{account}/{action}"),
    endpoint("POST /reset"),
];

impl Endpoint {
    fn matches(&self, path: &str) -> bool {
        let known = self.line.rsplit(' ').next().unwrap_or_default();
        match known.split_once('{') {
            None => known == path,
            Some((prefix, rest)) => path.strip_prefix(prefix).is_some_and(|given| {
                given.split('/').count() == rest.split('/').count()
                    && given.split('/').all(|part| !part.is_empty())
            }),
        }
    }

    fn has(&self, method: &Method) -> bool {
        let methods = self
            .line
            .rsplit_once(' ')
            .map_or("", |(methods, _)| methods);
        methods.split(", ").any(|known| known == method.as_str())
    }

    /// Refuses what a request carries and nobody would read.
    fn check(&self, received: &Received) -> Result<Query, Problem> {
        let reads = [Method::GET, Method::DELETE].contains(&received.method);
        if reads && !received.body.is_empty() {
            return Err(Problem::new(
                400,
                format!("{} {} takes no body", received.method, received.path()),
            ));
        }
        let filters = if received.method == Method::GET {
            self.filters
        } else {
            &[]
        };
        Query::read(received.query(), filters)
    }
}

/// All endpoints in one line, for the answer to an unknown one.
fn lines() -> String {
    ENDPOINTS.map(|endpoint| endpoint.line).join("; ")
}

fn handle(world: &World, received: &Received) -> Result<Value, Problem> {
    let path = received.path();
    let method = &received.method;
    let endpoint = ENDPOINTS
        .iter()
        .find(|endpoint| endpoint.matches(path))
        .ok_or_else(|| Problem::new(404, format!("there is no {path}; there are: {}", lines())))?;
    if !endpoint.has(method) {
        return Err(Problem::new(
            405,
            format!("{method} is not a method of {path}; there are: {}", lines()),
        ));
    }
    let query = endpoint.check(received)?;
    run(world, received, &query)
}

fn run(world: &World, received: &Received, query: &Query) -> Result<Value, Problem> {
    let body = &received.body;
    match (received.method.as_str(), received.path()) {
        ("GET", "/healthz") => Ok(json!({ "status": "ok" })),
        ("GET", "/state") => Ok(state::of(world, query.family()?)),
        ("GET", "/ledger") => records::ledger(world, query),
        ("GET", "/requests") => records::requests(world, query),
        ("DELETE", "/requests") => {
            lock(&world.requests).clear();
            Ok(json!({ "requests": [] }))
        }
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
        ("GET", "/accounts") => Ok(accounts::list(world, query.family()?)),
        ("POST", "/accounts") => accounts::add(world, parse(body)?),
        (method, path) if path.starts_with("/accounts/") => {
            let name = path.trim_start_matches("/accounts/");
            match method {
                "PATCH" => accounts::change(world, name, &parse(body)?),
                "DELETE" => accounts::remove(world, name),
                _ => accounts::get(world, name),
            }
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
        ("POST", "/reset") => reset(world, &parse(body)?),
        (method, path) => Err(Problem::new(404, format!("there is no {method} {path}"))),
    }
}

/// What else than data, settings, faults, records and clock returns to the start.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// The keys that every account had when it came.
    #[serde(default)]
    keys: bool,
    /// No accounts but those of the start.
    #[serde(default)]
    accounts: bool,
}

fn reset(world: &World, reset: &Reset) -> Result<Value, Problem> {
    let failed = |error: StartError| Problem::new(500, error.to_string());
    if reset.accounts {
        for account in world.accounts.all().iter().filter(|account| account.added) {
            world.remove_account(&account.name).map_err(failed)?;
        }
    }
    world.reset();
    if reset.keys {
        world.restore_keys().map_err(failed)?;
    }
    Ok(json!({ "status": "reset" }))
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
            let moment = query::moment(&text).ok_or_else(|| {
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
        answer::operation(operation)?;
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
