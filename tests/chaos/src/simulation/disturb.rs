//! Whatever happens to processes, to the database and behind everybody's back.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::gateway::Slot;
use super::process::{Act, Point, Process};
use super::world::World;

/// All of it happens within so many milliseconds.
const MEANWHILE: u64 = 20_000;

#[derive(Clone, Copy)]
enum Disturbance {
    /// A process ends without a word.
    Crash,
    /// A process stands still for some time.
    Pause,
    /// The database loses what is not synced, in the middle of a write.
    DatabaseCrash,
    /// Somebody writes behind everybody's back.
    Foreign,
}

/// Starts what disturbs the run.
pub(super) fn spawn(world: &Arc<World>, slots: &[Arc<Slot>]) -> Vec<JoinHandle<()>> {
    let profile = world.profile();
    let database_crashes = match world.is_shared() {
        true => profile.database_crashes,
        false => 0,
    };
    let counts = [
        (Disturbance::Crash, profile.crashes),
        (Disturbance::Pause, profile.pauses),
        (Disturbance::DatabaseCrash, database_crashes),
        (Disturbance::Foreign, profile.foreign),
    ];
    let mut tasks = Vec::new();
    for (disturbance, count) in counts {
        for _ in 0..count {
            let (world, slots) = (Arc::clone(world), slots.to_vec());
            tasks.push(tokio::spawn(async move {
                sleep(world.draw(|random| random.millis(0..MEANWHILE))).await;
                happen(&world, &slots, disturbance).await;
            }));
        }
    }
    tasks
}

async fn happen(world: &World, slots: &[Arc<Slot>], disturbance: Disturbance) {
    let running: Vec<_> = slots.iter().filter_map(|slot| slot.gateway()).collect();
    let count = u64::try_from(running.len()).unwrap_or(u64::MAX);
    let chosen = world.draw(|random| random.within(0..count));
    let process = usize::try_from(chosen)
        .ok()
        .and_then(|chosen| running.get(chosen))
        .map(|gateway| &gateway.process);
    match (disturbance, process) {
        (Disturbance::Crash, Some(process)) => arm(world, process, Act::Crash),
        (Disturbance::Pause, Some(process)) => {
            arm(world, process, Act::Pause);
            while !process.is_paused() && !process.is_dead() {
                sleep(Duration::from_millis(20)).await;
            }
            let pause = world.draw(
                |random| match world.profile().is_duel || random.chance(500) {
                    true => random.millis(10_000..22_000),
                    false => random.millis(500..10_000),
                },
            );
            world.count(|counts| counts.pauses += 1);
            world.note(|| format!("a process stands still for {pause:?}"));
            sleep(pause).await;
            process.resume();
            world.note(|| "a process goes on".to_owned());
        }
        (Disturbance::DatabaseCrash, _) => {
            const WRITES: [&str; 4] = ["begin", "update", "forget", "claim"];
            if let Some(write) = world.draw(|random| random.pick(&WRITES)) {
                world.crash_store_in(write);
            }
        }
        (Disturbance::Foreign, _) => world.interfere(),
        (Disturbance::Crash | Disturbance::Pause, None) => {}
    }
}

/// Lets something happen to a process soon: anywhere, or at a named point.
fn arm(world: &World, process: &Process, act: Act) {
    const STEPS: [&str; 7] = [
        "acquire", "begin", "send", "update", "forget", "claim", "release",
    ];
    let (polls, step, is_before) = world.draw(|random| {
        let is_somewhere = random.chance(if world.profile().is_duel { 100 } else { 500 });
        let polls = is_somewhere.then(|| random.within(1..100));
        (polls, random.pick(&STEPS), random.chance(500))
    });
    match (polls, step) {
        (None, Some(step)) => {
            let point = match is_before {
                true => Point::Before(step),
                false => Point::After(step),
            };
            process.act_at(point, act);
        }
        (polls, _) => process.act_after(polls.unwrap_or(1), act),
    }
}
