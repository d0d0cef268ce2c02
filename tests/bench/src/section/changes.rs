//! What it costs that a change happens once: the store by itself, and a write with and without it.

use std::fs;
use std::path::Path;

use super::Run;
use super::path::Cost;
use crate::Result;
use crate::clock::float;
use crate::cores::Core;
use crate::load::Load;
use crate::measure::{Report, Samples, Target, Unit};
use crate::process::Program;
use crate::role::Role;
use crate::stage::Stage;

const GROUPED: &str = "changes.grouped.w64";
const START: &str = "changes.start";
const WRITE: [(&str, usize); 2] = [("changes.write.c1", 1), ("changes.write.c64", 64)];
const ADDED: &str = "changes.added_p50.c1";

/// Writers that wait for the disk at the same time.
const WRITERS: usize = 64;
/// The share of the disk's own speed that the store reaches with them.
const SHARE: f64 = 0.35;
/// Microseconds within which a store is open, however much it remembers.
const OPENED: f64 = 1000.0;
/// What a write may cost of what it costs without a memory.
const REMEMBERED: f64 = 1.20;
/// The share of a measurement that goes before it, unmeasured.
const WARM_UP: u32 = 7;

pub(super) async fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let folder = run.executables.target.join("bench").join("changes");
    if run.filter.wants_any([GROUPED, START]) {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        grouped(run, report, &folder).await?;
        start(run, report, &folder).await?;
    }
    let names = WRITE.map(|(name, _)| name);
    if run.filter.wants_any(names) || run.filter.wants(ADDED) {
        writes(run, report, &folder).await?;
    }
    Ok(())
}

/// Starts a store; returns how long its start took, in milliseconds.
async fn store(run: &Run, folder: &Path) -> Result<(Program, f64)> {
    let mut command = run.cores.command(Core::Tested, &run.executables.own);
    command.arg(folder.join("store"));
    let mut program = Program::start(Role::Store.of(command), folder, "store")?;
    let micros: u64 = program.wait_for("ready").await?.parse()?;
    Ok((program, float(micros) / 1000.0))
}

async fn grouped(run: &Run, report: &mut Report, folder: &Path) -> Result<()> {
    if !run.filter.wants(GROUPED) {
        return Ok(());
    }
    let (mut store, _) = store(run, folder).await?;
    let milliseconds = run.form.length.as_millis();
    let mut samples = Samples {
        name: GROUPED.to_owned(),
        unit: Unit::PerSecond,
        values: Vec::new(),
        against: "raw fdatasync of 64",
        limits: Vec::new(),
        target: Target::AtLeast(SHARE),
    };
    let question = |what: &str| format!("{what} {WRITERS} {milliseconds}");
    store.ask(&question("commit"), "ran").await?;
    for _ in 0..run.form.rounds {
        let raw: Load = store.ask(&question("raw"), "ran").await?.parse()?;
        let ours: Load = store.ask(&question("commit"), "ran").await?.parse()?;
        samples.limits.push(raw.per_second());
        samples.values.push(ours.per_second());
    }
    report.add(&samples)
}

async fn start(run: &Run, report: &mut Report, folder: &Path) -> Result<()> {
    if !run.filter.wants(START) {
        return Ok(());
    }
    let (mut filled, _) = store(run, folder).await?;
    filled
        .ask(&format!("fill {}", run.form.changes), "filled")
        .await?;
    drop(filled);
    let mut samples = Samples {
        name: START.to_owned(),
        unit: Unit::Milliseconds,
        values: Vec::new(),
        against: "promised",
        limits: Vec::new(),
        target: Target::AtMost(1.0),
    };
    for _ in 0..run.form.rounds {
        let (_store, milliseconds) = store(run, folder).await?;
        samples.values.push(milliseconds);
        samples.limits.push(OPENED);
    }
    report.add(&samples)
}

async fn writes(run: &Run, report: &mut Report, folder: &Path) -> Result<()> {
    let stage = Stage::set(&run.executables.own, &run.cores, &folder.join("stage")).await?;
    let mut with = stage.writer(true).await?;
    let mut without = stage.writer(false).await?;
    let (mut store, _) = store(run, folder).await?;
    let mut added = samples(ADDED, "two commits alone", Target::Nothing);
    for (name, in_flight) in WRITE {
        let mut write = samples(name, "without memory", Target::AtMost(REMEMBERED));
        for _ in 0..run.form.rounds {
            let plain = writer(run, &mut without, in_flight).await?;
            let journalled = writer(run, &mut with, in_flight).await?;
            write.limits.push(plain.on_core);
            write.values.push(journalled.on_core);
            if in_flight == 1 {
                let question = format!("raw 1 {}", run.form.length.as_millis() / 2);
                let raw: Load = store.ask(&question, "ran").await?.parse()?;
                added.limits.push(raw.p50 * 2.0);
                added.values.push(journalled.load.p50 - plain.load.p50);
            }
        }
        if run.filter.wants(name) {
            report.add(&write)?;
        }
    }
    match run.filter.wants(ADDED) {
        true => report.add(&added),
        false => Ok(()),
    }
}

fn samples(name: &str, against: &'static str, target: Target) -> Samples {
    Samples {
        name: name.to_owned(),
        unit: Unit::Microseconds,
        values: Vec::new(),
        against,
        limits: Vec::new(),
        target,
    }
}

async fn writer(run: &Run, program: &mut Program, in_flight: usize) -> Result<Cost> {
    let length = run.form.length;
    let question = |milliseconds: u128| format!("run {in_flight} {milliseconds}");
    let warm_up = (length / WARM_UP).as_millis();
    program.ask(&question(warm_up), "ran").await?;
    let before = program.on_core()?;
    let load = program.ask(&question(length.as_millis()), "ran").await?;
    Ok(super::path::cost(before, program.on_core()?, load.parse()?))
}
