//! Every endpoint of the control API: what it is called, what it may be asked with, what it does.

use serde_json::{Value, json};

use super::answer::{Problem, parse};
use super::asked::Asked;
use super::query::Query;
use super::request::{Claim, Member, Move, NewAccount, Reset, Revoke, Rotate, Standing, Template};
use super::{accounts, keys, records, sandbox, state, users};
use crate::described::{Form, Parameter};
use crate::exchange::Received;
use crate::fault::FaultRule;
use crate::sync::lock;
use crate::world::World;

type Run = fn(&Asked<'_>) -> Result<Value, Problem>;

/// One endpoint.
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    /// With the names of its variable parts in braces.
    pub(super) path: &'static str,
    pub(super) query: &'static [Parameter],
    /// The members of its body.
    pub(super) takes: &'static [Parameter],
    pub(super) about: &'static str,
    run: Run,
}

/// What an endpoint reads from its body, and what it does then.
struct Taking {
    members: &'static [Parameter],
    run: Run,
}

macro_rules! taking {
    ($request:ty, $run:expr) => {
        Taking {
            members: <$request as Form>::MEMBERS,
            run: |asked| {
                let request: $request = parse(asked.body)?;
                $run(asked, request)
            },
        }
    };
}

const FAMILY: Parameter = Parameter::query(
    "family",
    "merchant|brand|official_account",
    "Only what belongs to this family.",
);
const ACCOUNT: Parameter = Parameter::query("account", "text", "Only records of this account.");
const OPERATION: Parameter = Parameter::query(
    "operation",
    "text",
    "Only records of this operation of WeChat's, such as `merchant.user_cards.update`; in the ledger also of a control action, such as `control.cards.claim`.",
);
const SINCE: Parameter = Parameter::query(
    "since",
    "text",
    "Only records from this moment on, RFC 3339 or Unix seconds, on the sandbox's clock.",
);
const CURSOR: Parameter = Parameter::query(
    "cursor",
    "number",
    "The number of a record: only those behind it. The answer's `cursor` is where the next page begins.",
);
const LIMIT: Parameter = Parameter::query(
    "limit",
    "number",
    "How many records at most: without `cursor` the newest ones, with it the oldest ones; they come oldest first. The answer's `left_out` says how many more match.",
);

/// Every endpoint; those of one path stand together.
pub(super) const ENDPOINTS: [Endpoint; 27] = [
    get("/healthz", &[], "Answers `{\"status\":\"ok\"}`.", |_| {
        Ok(json!({ "status": "ok" }))
    }),
    get(
        "/state",
        &[FAMILY],
        "Shows templates, members and the like, personal data in clear.",
        |asked| Ok(state(asked.world, asked.query.family()?)),
    ),
    get(
        "/ledger",
        &[ACCOUNT, OPERATION, SINCE, CURSOR, LIMIT],
        "Lists every effect that was applied.",
        |asked| records::ledger(asked.world, &asked.query),
    ),
    get(
        "/requests",
        &[
            ACCOUNT,
            OPERATION,
            Parameter::query(
                "outcome",
                "text",
                "`ok`, `refused`, `unanswered`, an HTTP status, or a code or errcode of WeChat's.",
            ),
            SINCE,
            CURSOR,
            LIMIT,
            Parameter::query(
                "bodies",
                "true or false",
                "Whether heads and bodies are shown, without secrets.",
            ),
        ],
        "Lists every exchange: its outcome, its duration, the checks that it passed, the one that it failed and why.",
        |asked| records::requests(asked.world, &asked.query),
    ),
    delete("/requests", "Forgets them.", |asked| {
        lock(&asked.world.requests).clear();
        Ok(json!({ "requests": [] }))
    }),
    get("/clock", &[], "Shows the sandbox's time.", |asked| {
        Ok(sandbox::clock(asked.world))
    }),
    post(
        "/clock",
        "Moves the clock by which cards and tokens age; signatures keep the real time unless `authentication.signatures_follow_clock` is set.",
        taking!(Move, sandbox::move_clock),
    ),
    get(
        "/settings",
        &[],
        "Shows every choice that WeChat's documents leave open; docs/sandbox-settings.md tells what each means.",
        |asked| Ok(json!(*asked.world.settings())),
    ),
    patch(
        "/settings",
        "Changes the members that are named; the body has the shape of the answer.",
        taking!(Value, sandbox::change_settings),
    ),
    get(
        "/faults",
        &[],
        "Lists the faults that wait for a request.",
        |asked| Ok(json!({ "faults": lock(&asked.world.faults).waiting() })),
    ),
    post(
        "/faults",
        "Lets a fault wait for its requests, of which all conditions must hold: `{\"operation\": \"merchant.user_cards.update\", \"fault\": {\"kind\": \"drop_connection\", \"applied\": true}}`.",
        taking!(FaultRule, sandbox::add_fault),
    ),
    delete("/faults", "Removes them.", |asked| {
        lock(&asked.world.faults).clear();
        Ok(json!({ "faults": [] }))
    }),
    get(
        "/accounts",
        &[FAMILY],
        "Lists accounts: credentials, permission, key phase, certificates.",
        |asked| Ok(accounts::list(asked.world, asked.query.family()?)),
    ),
    post(
        "/accounts",
        "Adds an account, whose requests are accepted at once; the answer is what a client needs.",
        taking!(NewAccount, accounts::add),
    ),
    get(
        "/accounts/{account}",
        &[],
        "Shows one account, with its PEM texts.",
        |asked| accounts::get(asked.world, asked.part),
    ),
    patch(
        "/accounts/{account}",
        "Changes permission and key phase.",
        taking!(Standing, accounts::change),
    ),
    delete(
        "/accounts/{account}",
        "Removes an added account and its folder.",
        |asked| accounts::remove(asked.world, asked.part),
    ),
    post(
        "/cards/claim",
        "A user takes a card.",
        taking!(Claim, users::claim),
    ),
    post(
        "/members/activate",
        "A waiting card becomes active.",
        taking!(Member, users::activate),
    ),
    post(
        "/members/delete",
        "The user deletes the card.",
        taking!(Member, users::delete),
    ),
    post(
        "/templates/approve",
        "WeChat's staff approves a template that is under review.",
        taking!(Template, users::approve),
    ),
    post(
        "/templates/reject",
        "WeChat's staff rejects it.",
        taking!(Template, users::reject),
    ),
    post(
        "/keys/rotate",
        "Makes a new key.",
        taking!(Rotate, keys::rotate),
    ),
    post(
        "/keys/revoke",
        "Revokes certificates: requests with them are answered 401.",
        taking!(Revoke, keys::revoke),
    ),
    post(
        "/keys/restore",
        "Makes them good again.",
        taking!(Revoke, keys::restore),
    ),
    post(
        "/actions/{account}/{action}",
        "Does what only one family has, see below.",
        Taking {
            members: &[],
            run: users::action,
        },
    ),
    post(
        "/reset",
        "Brings data, settings, faults, ledger, requests and clock back to the start; keys and added accounts stay unless the body says otherwise.",
        taking!(Reset, sandbox::reset),
    ),
];

const fn endpoint(
    method: &'static str,
    path: &'static str,
    about: &'static str,
    body: Taking,
) -> Endpoint {
    Endpoint {
        method,
        path,
        query: &[],
        takes: body.members,
        about,
        run: body.run,
    }
}

const fn get(
    path: &'static str,
    query: &'static [Parameter],
    about: &'static str,
    run: Run,
) -> Endpoint {
    Endpoint {
        query,
        ..endpoint("GET", path, about, Taking { members: &[], run })
    }
}

const fn delete(path: &'static str, about: &'static str, run: Run) -> Endpoint {
    endpoint("DELETE", path, about, Taking { members: &[], run })
}

const fn post(path: &'static str, about: &'static str, body: Taking) -> Endpoint {
    endpoint("POST", path, about, body)
}

const fn patch(path: &'static str, about: &'static str, body: Taking) -> Endpoint {
    endpoint("PATCH", path, about, body)
}

impl Endpoint {
    /// Returns the variable part of a path, which is empty for most, if the path is this one.
    fn part<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.path.split_once('{') {
            None => (self.path == path).then_some(""),
            Some((prefix, rest)) => path.strip_prefix(prefix).filter(|given| {
                given.split('/').count() == rest.split('/').count()
                    && given.split('/').all(|part| !part.is_empty())
            }),
        }
    }

    /// Reads the query and refuses what a request carries and nobody would read.
    fn query(&self, received: &Received) -> Result<Query, Problem> {
        let reads = ["GET", "DELETE"].contains(&self.method);
        if reads && !received.body.is_empty() {
            return Err(Problem::new(
                400,
                format!("{} {} takes no body", self.method, received.path()),
            ));
        }
        Query::read(received.query(), self.query)
    }
}

/// Answers a request of the control API.
pub(super) fn answer(world: &World, received: &Received) -> Result<Value, Problem> {
    let path = received.path();
    let mut of_path = ENDPOINTS
        .iter()
        .filter_map(|endpoint| Some((endpoint, endpoint.part(path)?)))
        .peekable();
    if of_path.peek().is_none() {
        let problem = format!("there is no {path}; there are: {}", lines());
        return Err(Problem::new(404, problem));
    }
    let method = received.method.as_str();
    let (endpoint, part) = of_path
        .find(|(endpoint, _)| endpoint.method == method)
        .ok_or_else(|| {
            let problem = format!("{method} is not a method of {path}; there are: {}", lines());
            Problem::new(405, problem)
        })?;
    let asked = Asked {
        world,
        query: endpoint.query(received)?,
        body: &received.body,
        part,
    };
    (endpoint.run)(&asked)
}

/// All endpoints in one line, for the answer to an unknown one.
fn lines() -> String {
    let mut lines: Vec<String> = Vec::new();
    for of_path in ENDPOINTS.chunk_by(|one, next| one.path == next.path) {
        let methods: Vec<_> = of_path.iter().map(|endpoint| endpoint.method).collect();
        let path = of_path.first().map_or("", |endpoint| endpoint.path);
        lines.push(format!("{} {path}", methods.join(", ")));
    }
    lines.join("; ")
}
