//! The sandbox as a whole: its clock, its settings, its faults, and the way back to the start.

use serde_json::{Value, json};

use super::answer::{self, Problem};
use super::asked::Asked;
use super::query;
use super::request::{Move, Reset};
use crate::clock;
use crate::error::StartError;
use crate::fault::FaultRule;
use crate::sync::lock;
use crate::world::World;

/// `GET /clock`.
pub(super) fn clock(world: &World) -> Value {
    json!({
        "now": clock::rfc3339(world.now()),
        "unix_seconds": world.now().as_second(),
        "shift_seconds": world.time.shift_seconds(),
    })
}

/// `POST /clock`.
pub(super) fn move_clock(asked: &Asked<'_>, body: Move) -> Result<Value, Problem> {
    let time = &asked.world.time;
    match (body.advance_seconds, body.set) {
        (Some(seconds), None) => time.advance(seconds),
        (None, Some(text)) => {
            let moment = query::moment(&text).ok_or_else(|| {
                Problem::field("set", "must be an RFC 3339 time or Unix seconds as text")
            })?;
            time.set(moment);
        }
        _ => {
            return Err(Problem::field(
                "advance_seconds",
                "give either advance_seconds or set",
            ));
        }
    }
    Ok(clock(asked.world))
}

/// `PATCH /settings`.
pub(super) fn change_settings(asked: &Asked<'_>, patch: Value) -> Result<Value, Problem> {
    let settings = asked
        .world
        .settings()
        .patched(&patch)
        .map_err(|problem| Problem::new(400, problem))?;
    asked.world.set_settings(settings);
    Ok(json!(*asked.world.settings()))
}

/// `POST /faults`.
pub(super) fn add_fault(asked: &Asked<'_>, rule: FaultRule) -> Result<Value, Problem> {
    if let Some(operation) = &rule.operation {
        answer::operation(operation)?;
    }
    if let Some(account) = &rule.account {
        answer::account(asked.world, account)?;
    }
    let mut faults = lock(&asked.world.faults);
    faults
        .add(rule)
        .map_err(|problem| Problem::new(400, problem))?;
    Ok(json!({ "faults": faults.waiting() }))
}

/// `POST /reset`.
pub(super) fn reset(asked: &Asked<'_>, reset: Reset) -> Result<Value, Problem> {
    let world = asked.world;
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
