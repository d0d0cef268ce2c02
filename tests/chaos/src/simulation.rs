//! The journal over models, with one seed: every run of a seed is the same.
//!
//! What the models promise, and so what the proof rests on: a request arrives within 200 milliseconds or never,
//! and nobody draws a conclusion sooner than that after it has left; no process is stopped for longer than a takeover
//! takes between the question whether a request may leave and its leaving.

mod callers;
mod disturb;
mod gateway;
mod network;
mod process;
mod profile;
mod store;
mod world;

use std::sync::Arc;

use tokio::time::sleep;

use self::gateway::Slot;
use self::world::World;
use crate::{Bug, Violation, check};

/// How to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The bug that is planted.
    pub bug: Option<Bug>,
    /// Whether to keep what happened as text.
    pub trace: bool,
}

/// What a run was.
#[derive(Debug)]
pub struct Run {
    /// How the promise was broken.
    pub violations: Vec<Violation>,
    /// What happened, where that was asked for.
    pub trace: Vec<String>,
    /// How much happened, so that nobody takes silence for peace.
    pub counts: Counts,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that began.
    pub calls: u64,
    /// Calls that were answered OK.
    pub ok: u64,
    /// Rows of the ledger.
    pub effects: u64,
    /// Requests whose answer was lost.
    pub lost: u64,
    /// Processes and databases that crashed.
    pub crashes: u64,
    /// Processes that stood still.
    pub pauses: u64,
    /// Times that the store failed.
    pub store_faults: u64,
    /// Changes that were left to a person.
    pub decisions: u64,
}

impl Counts {
    /// Adds another run.
    pub const fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.ok += other.ok;
        self.effects += other.effects;
        self.lost += other.lost;
        self.crashes += other.crashes;
        self.pauses += other.pauses;
        self.store_faults += other.store_faults;
        self.decisions += other.decisions;
    }
}

/// Runs one seed.
///
/// # Errors
///
/// If the system gives no runtime.
pub fn simulate(seed: u64, options: Options) -> std::io::Result<Run> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let world = runtime.block_on(async {
        let world = World::new(seed, options);
        run(&world).await;
        world
    });
    let (evidence, counts) = world.evidence();
    drop(runtime);
    let violations = check(&evidence);
    Ok(Run {
        violations,
        trace: world.trace(),
        counts,
    })
}

async fn run(world: &Arc<World>) {
    let slots: Vec<Arc<Slot>> = (0..world.profile().replicas)
        .map(|_| Slot::start(world))
        .collect();
    let disturbing = disturb::spawn(world, &slots);
    callers::run(world, &slots).await;
    for task in disturbing {
        task.abort();
    }
    world.calm();
    for slot in &slots {
        slot.heal();
    }
    settle(world).await;
    callers::repeat_all(world, &slots).await;
    settle(world).await;
}

/// Waits until nothing is open but what a person has to decide.
async fn settle(world: &World) {
    const ROUNDS: u32 = 300;
    for _ in 0..ROUNDS {
        if !world.has_open() {
            return;
        }
        sleep(std::time::Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests;
