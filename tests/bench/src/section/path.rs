//! What a call costs the gateway, beside the bare client and an answer of its own.

use std::path::Path;
use std::time::Duration;

use super::Run;
use crate::clock::float;
use crate::limits;
use crate::load::{Callers, Load};
use crate::measure::{Report, Samples, Target, Unit};
use crate::member::Question;
use crate::process::Program;
use crate::stage::{Gateway, Stage};
use crate::variants::Variant;
use crate::{Result, cores::Cores};

const IN_FLIGHT: [usize; 2] = [1, 64];
/// The share of a measurement that goes before it, unmeasured.
const WARM_UP: u32 = 7;
/// Connections of the callers.
const CONNECTIONS: usize = 4;

/// Questions that go on to WeChat, by name.
const CALLS: [(&str, Question); 3] = [
    ("portable_read", Question::PortableRead),
    ("family_read", Question::FamilyRead),
    ("write", Question::Write),
];

pub(super) async fn measure(run: &Run, report: &mut Report) -> Result<()> {
    if run
        .filter
        .wants_any(names("path").iter().map(String::as_str))
    {
        let promises = Promises {
            read: limits::READ,
            throughput: Target::AtLeast(limits::THROUGHPUT),
        };
        series(run, report, "path", &run.executables.own, promises).await?;
    }
    let without_rsa = names("without_rsa");
    if !run.form.short && run.filter.wants_any(without_rsa.iter().map(String::as_str)) {
        report.line("(building without RSA)")?;
        let executable = run.executables.build(Variant::WithoutRsa).await?;
        // The gateway answers two protocols where the bare client speaks one.
        let promises = Promises {
            read: limits::READ_WITHOUT_RSA,
            throughput: Target::Nothing,
        };
        series(run, report, "without_rsa", &executable, promises).await?;
    }
    Ok(())
}

/// What is promised of a series.
struct Promises {
    read: f64,
    throughput: Target,
}

/// Every name that a series can have.
fn names(prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for in_flight in IN_FLIGHT {
        let calls = CALLS.iter().map(|(call, _)| cpu(prefix, call, in_flight));
        names.extend(calls);
    }
    names.extend(
        ["throughput.c64", "added_p50.c1", "added_p99.c1"].map(|name| format!("{prefix}.{name}")),
    );
    names
}

fn cpu(prefix: &str, call: &str, in_flight: usize) -> String {
    format!("{prefix}.{call}.c{in_flight}")
}

/// Microseconds of the tested core that a call took, and what its caller saw.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    pub(super) on_core: f64,
    pub(super) load: Load,
}

/// One latency of what callers saw.
type Quantile = fn(&Load) -> f64;

/// Everything that takes turns.
struct Contest {
    gateway: Gateway,
    callers: Callers,
    bare: Program,
    length: Duration,
}

/// What one round at one number of calls in flight has shown.
struct Round {
    account: Cost,
    bare_read: Cost,
    bare_write: Cost,
    calls: [Cost; CALLS.len()],
}

async fn series(
    run: &Run,
    report: &mut Report,
    prefix: &str,
    executable: &Path,
    promises: Promises,
) -> Result<()> {
    let folder = run.executables.target.join("bench").join(prefix);
    let cores: &Cores = &run.cores;
    let stage = Stage::set(executable, cores, &folder).await?;
    let _awake = cores.keep_awake(executable, &folder)?;
    let gateway = stage.gateway(1).await?;
    let mut contest = Contest {
        callers: stage.callers(gateway.address(), CONNECTIONS).await?,
        gateway,
        bare: stage.bare().await?,
        length: run.form.length,
    };
    let mut rounds = IN_FLIGHT.map(|_| Vec::new());
    for in_flight in IN_FLIGHT {
        contest.round(in_flight).await?;
    }
    for _ in 0..run.form.rounds {
        for (rounds, in_flight) in rounds.iter_mut().zip(IN_FLIGHT) {
            rounds.push(contest.round(in_flight).await?);
        }
    }

    let add = |samples: Samples, report: &mut Report| match run.filter.wants(&samples.name) {
        true => report.add(&samples),
        false => Ok(()),
    };
    for (rounds, in_flight) in rounds.iter().zip(IN_FLIGHT) {
        for (index, (call, question)) in CALLS.iter().enumerate() {
            let values = rounds.iter().filter_map(|round| round.calls.get(index));
            let bare = |round: &Round| match question {
                Question::Write => round.bare_write.on_core,
                _ => round.bare_read.on_core,
            };
            let limits = rounds
                .iter()
                .map(|round| bare(round) + round.account.on_core);
            // A write is remembered; what that may cost is promised by `changes.write`.
            let target = match question {
                Question::Write => Target::Nothing,
                _ => Target::AtMost(promises.read),
            };
            let samples = Samples {
                name: cpu(prefix, call, in_flight),
                unit: Unit::Microseconds,
                values: values.map(|cost| cost.on_core).collect(),
                against: "bare + own answer",
                limits: limits.collect(),
                target,
            };
            add(samples, report)?;
        }
    }
    let [one, many] = &rounds;
    let family_read = |round: &Round| round.calls.get(1).map(|cost| cost.load);
    let throughput = Samples {
        name: format!("{prefix}.throughput.c64"),
        unit: Unit::PerSecond,
        values: many
            .iter()
            .filter_map(family_read)
            .map(|load| load.per_second())
            .collect(),
        against: "bare",
        limits: many
            .iter()
            .map(|round| round.bare_read.load.per_second())
            .collect(),
        target: promises.throughput,
    };
    add(throughput, report)?;
    let quantiles: [(&str, Quantile); 2] = [
        ("added_p50.c1", |load| load.p50),
        ("added_p99.c1", |load| load.p99),
    ];
    for (name, quantile) in quantiles {
        let added = one.iter().filter_map(|round| {
            Some(quantile(&family_read(round)?) - quantile(&round.bare_read.load))
        });
        let added = Samples {
            name: format!("{prefix}.{name}"),
            unit: Unit::Microseconds,
            values: added.collect(),
            against: "own answer",
            limits: one
                .iter()
                .map(|round| quantile(&round.account.load))
                .collect(),
            target: Target::Nothing,
        };
        add(added, report)?;
    }
    Ok(())
}

impl Contest {
    async fn round(&mut self, in_flight: usize) -> Result<Round> {
        let account = self.gateway(Question::Account, in_flight).await?;
        let bare_read = bare(&mut self.bare, "read", in_flight, self.length).await?;
        let mut calls = Vec::new();
        for (_, question) in CALLS {
            calls.push(self.gateway(question, in_flight).await?);
        }
        Ok(Round {
            account,
            bare_read,
            bare_write: bare(&mut self.bare, "write", in_flight, self.length).await?,
            calls: calls.try_into().map_err(|_| "a call is missing")?,
        })
    }

    async fn gateway(&self, question: Question, in_flight: usize) -> Result<Cost> {
        gateway(
            &self.gateway,
            &self.callers,
            question,
            in_flight,
            self.length,
        )
        .await
    }
}

/// What calls cost a gateway.
pub(super) async fn gateway(
    gateway: &Gateway,
    callers: &Callers,
    question: Question,
    in_flight: usize,
    length: Duration,
) -> Result<Cost> {
    // Connections that were idle for too long are opened again before anything is measured.
    callers.run(question, in_flight, length / WARM_UP).await?;
    let before = gateway.program.on_core()?;
    let load = callers.run(question, in_flight, length).await?;
    Ok(cost(before, gateway.program.on_core()?, load))
}

/// What calls cost a client that makes them itself.
pub(super) async fn bare(
    client: &mut Program,
    method: &str,
    in_flight: usize,
    length: Duration,
) -> Result<Cost> {
    let question = |length: Duration| format!("run {method} {in_flight} {}", length.as_millis());
    client.ask(&question(length / WARM_UP), "ran").await?;
    let question = question(length);
    let before = client.on_core()?;
    let load = client.ask(&question, "ran").await?.parse()?;
    Ok(cost(before, client.on_core()?, load))
}

/// What a load has cost between two looks at a program.
pub(super) fn cost(before: u64, after: u64, load: Load) -> Cost {
    Cost {
        on_core: float(after.saturating_sub(before)) / 1000.0 / load.calls,
        load,
    }
}
