//! What is left of the gateway when callers ask for more than it can do, and do not wait for long.

use std::time::Duration;

use super::Run;
use super::path::Cost;
use crate::clock::float;
use crate::limits;
use crate::load::Callers;
use crate::measure::{Report, Samples, Target, Unit};
use crate::member::Question;
use crate::stage::{Gateway, Stage};
use crate::{Result, cores::Cores};

/// How many times the peak callers ask for, and how long they wait.
const FLOODS: [(&str, f64, Duration); 4] = [
    ("goodput.x2.500ms", 2.0, Duration::from_millis(500)),
    ("goodput.x2.5s", 2.0, Duration::from_secs(5)),
    ("goodput.x5.500ms", 5.0, Duration::from_millis(500)),
    ("goodput.x5.5s", 5.0, Duration::from_secs(5)),
];
const REJECTION: &str = "goodput.rejection";
const MEMORY: &str = "goodput.memory";

/// Calls in flight that keep the tested core busy.
const BUSY: usize = 64;
/// Connections of the callers, of which each may have only so many calls in flight.
const CONNECTIONS: usize = 16;

pub(super) async fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let names = FLOODS.map(|(name, ..)| name);
    if !run.filter.wants_any(names) && !run.filter.wants_any([REJECTION, MEMORY]) {
        return Ok(());
    }
    let folder = run.executables.target.join("bench").join("goodput");
    let cores: &Cores = &run.cores;
    let stage = Stage::set(&run.executables.own, cores, &folder).await?;
    let gateway = stage.gateway(1).await?;
    let callers = stage.callers(gateway.address(), CONNECTIONS).await?;
    let mut floods = FLOODS.map(|(name, ..)| samples(name, Unit::PerSecond, "the peak"));
    let mut rejection = samples(REJECTION, Unit::Microseconds, "an admitted call");
    rejection.target = Target::AtMost(limits::REJECTION);
    // What calls cost when there is no flood: any, and one of those that the floods are made of.
    for _ in 0..run.form.rounds {
        let calm = cost(run, &gateway, &callers, Question::FamilyRead).await?;
        let (peak, admitted) = (calm.load.per_second(), calm.on_core);
        let answered = cost(run, &gateway, &callers, Question::UnknownRead).await?;
        for (samples, (_, times, patience)) in floods.iter_mut().zip(FLOODS) {
            let before = gateway.program.on_core()?;
            let length = run.form.length * 3;
            let flood = callers
                .flood(Question::UnknownRead, peak * times, patience, length)
                .await?;
            let on_core = float(gateway.program.on_core()?.saturating_sub(before)) / 1000.0;
            samples.limits.push(peak);
            samples.values.push(flood.good_per_second());
            if times > 2.0 && flood.refused > 0.0 {
                let rejected = on_core - flood.good * answered.on_core;
                rejection.limits.push(admitted);
                rejection.values.push(rejected.max(0.0) / flood.refused);
            }
            // Whoever is still being answered must not weigh on the next one.
            callers
                .run(Question::Account, 1, run.form.length / 2)
                .await?;
        }
    }
    for samples in floods.iter().chain([&rejection]) {
        if run.filter.wants(&samples.name) {
            report.add(samples)?;
        }
    }
    if run.filter.wants(MEMORY) {
        report.add(&super::flow::memory(MEMORY, &[&gateway])?)?;
    }
    Ok(())
}

/// Calls a second at most, and what each takes of the core.
async fn cost(run: &Run, gateway: &Gateway, callers: &Callers, question: Question) -> Result<Cost> {
    super::path::gateway(gateway, callers, question, BUSY, run.form.length).await
}

fn samples(name: &str, unit: Unit, against: &'static str) -> Samples {
    Samples {
        name: name.to_owned(),
        unit,
        values: Vec::new(),
        against,
        limits: Vec::new(),
        target: Target::AtLeast(limits::GOODPUT),
    }
}
