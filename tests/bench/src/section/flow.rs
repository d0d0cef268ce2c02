//! WeChat's quota, calls that are not made, and hosts that fail.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use super::Run;
use crate::Result;
use crate::clock::{float, float_of, now};
use crate::limits;
use crate::load::Callers;
use crate::measure::{Report, Samples, Target, Unit};
use crate::member::{self, Question};
use crate::stage::{Gateway, Stage};

const QUOTA: &str = "flow.quota";
const REFUSED: &str = "flow.quota_refused";
const FAIRNESS: &str = "flow.fairness";
const COALESCING: &str = "flow.coalescing";
const FAILOVER: &str = "flow.failover";
const AMPLIFICATION: &str = "flow.amplification";
const MEMORY: &str = "flow.memory";

/// What WeChat takes of a brand's lists a second.
const RATE: f64 = 10.0;
/// Callers of the same weight.
const CALLERS: usize = 10;
/// Calls that each has open.
const WANTED: usize = 2;
/// Until nobody lives on the second's worth that may leave at once.
const SETTLED: Duration = Duration::from_secs(2);

/// Calls that read one member at the same time.
const CROWD: usize = 1000;
/// Machines that they come from.
const MACHINES: usize = 25;
/// As long as that takes to arrive, and not so long that WeChat counts as slow.
const SLOW: Duration = Duration::from_millis(300);

/// Connections of each caller.
const CONNECTIONS: usize = 4;

/// Calls in flight that keep the tested core busy.
const BUSY: usize = 64;
/// Calls after which an outage is known.
const FIRST: usize = 100;
/// Groups of as many that come later.
const LATER: usize = 20;

const LIST: &str = "brand.user_cards.list";
const READ: &str = "merchant.user_cards.get";

pub(super) async fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let names = [
        QUOTA,
        REFUSED,
        FAIRNESS,
        COALESCING,
        FAILOVER,
        AMPLIFICATION,
        MEMORY,
    ];
    if !run.filter.wants_any(names) {
        return Ok(());
    }
    let folder = run.executables.target.join("bench").join("flow");
    let stage = Stage::set(&run.executables.own, &run.cores, &folder).await?;
    let gateway = stage.gateway(1).await?;
    let strained = stage.gateway_of_callers(CALLERS).await?;
    if run.filter.wants_any([QUOTA, REFUSED, FAIRNESS]) {
        quota(run, &stage, &strained, report).await?;
    }
    if run.filter.wants(COALESCING) {
        coalescing(run, &stage, &strained, report).await?;
    }
    if run.filter.wants(FAILOVER) {
        failover(run, &stage, [&gateway, &strained], report).await?;
    }
    if run.filter.wants(AMPLIFICATION) {
        amplification(&stage, &gateway, report).await?;
    }
    if run.filter.wants(MEMORY) {
        report.add(&memory(MEMORY, &[&gateway, &strained])?)?;
    }
    Ok(())
}

/// The most memory that gateways have occupied.
pub(super) fn memory(name: &str, gateways: &[&Gateway]) -> Result<Samples> {
    let mut samples = samples(name, Unit::Mebibytes, "promised", Target::AtMost(1.0));
    for gateway in gateways {
        let most = float(gateway.program.most_resident()?) / 1024.0;
        samples.values.push(most);
        samples.limits.push(limits::MEMORY);
    }
    Ok(samples)
}

/// Ten callers who want more than there is.
async fn quota(run: &Run, stage: &Stage, gateway: &Gateway, report: &mut Report) -> Result<()> {
    let strict = json!({"answers": {"enforce_rate_limits": true}});
    stage.control().set(&strict).await?;
    stage.control().calm().await?;
    let length = run.form.length * 40;
    let from = now() + SETTLED;
    let to = from + length;
    let connections = stage.callers(gateway.address(), CALLERS).await?;
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let caller = connections.with_token(&member::token(number))?;
        callers.spawn(async move { caller.served(Question::BrandList, WANTED, from, to).await });
    }
    let mut served = Vec::new();
    while let Some(caller) = callers.join_next().await {
        served.push(caller??);
    }
    let sum = float_of(served.iter().sum());
    let refused = stage.control().count(LIST, Some("429")).await?;
    let loose = json!({"answers": {"enforce_rate_limits": false}});
    stage.control().set(&loose).await?;

    let mut quota = samples(
        QUOTA,
        Unit::PerSecond,
        "documented",
        Target::AtLeast(limits::QUOTA),
    );
    quota.values.push(sum / length.as_secs_f64());
    quota.limits.push(RATE);
    let mut refusals = samples(REFUSED, Unit::Calls, "calls that left", Target::AtMost(0.0));
    refusals.values.push(float(refused));
    refusals
        .limits
        .push(float(stage.control().count(LIST, None).await?));
    let target = Target::AtMost(limits::FAIRNESS);
    let mut fairness = samples(FAIRNESS, Unit::Calls, "least served caller", target);
    let shares = served.iter().copied();
    fairness
        .values
        .push(float_of(shares.clone().max().unwrap_or_default()));
    fairness
        .limits
        .push(float_of(shares.min().unwrap_or_default()));
    for samples in [&quota, &refusals, &fairness] {
        if run.filter.wants(&samples.name) {
            report.add(samples)?;
        }
    }
    Ok(())
}

/// Twenty-five machines, forty times each, for one member.
async fn coalescing(
    run: &Run,
    stage: &Stage,
    gateway: &Gateway,
    report: &mut Report,
) -> Result<()> {
    // One machine gets no more than three quarters of the places that the others leave.
    let mut callers = Vec::new();
    for (machine, number) in (1..).zip((0..CALLERS).cycle().take(MACHINES)) {
        let connections = stage
            .callers_elsewhere(machine, gateway.address(), CONNECTIONS)
            .await?;
        callers.push(Arc::new(connections.with_token(&member::token(number))?));
    }
    let mut calls = samples(COALESCING, Unit::Calls, "member", Target::AtMost(1.0));
    // Whoever comes first finds out which host works.
    if let Some(first) = callers.first() {
        first.at_once(Question::SameRead, 1).await?;
    }
    for _ in 0..run.form.rounds {
        stage.control().calm().await?;
        let slow = json!({"kind": "delay", "milliseconds": u64::try_from(SLOW.as_millis())?});
        stage.control().fault(READ, 1, &slow).await?;
        let mut crowd = JoinSet::new();
        for caller in &callers {
            let caller = Arc::clone(caller);
            crowd.spawn(async move { caller.at_once(Question::SameRead, CROWD / MACHINES).await });
        }
        while let Some(caller) = crowd.join_next().await {
            let statuses = caller??;
            if statuses.get("0") != Some(&(CROWD / MACHINES)) {
                return Err(format!("not all were answered: {statuses:?}").into());
            }
        }
        let count = stage.control().count(READ, None).await?;
        calls.values.push(float(count));
        calls.limits.push(1.0);
    }
    report.add(&calls)
}

/// The main host takes no connections.
async fn failover(
    run: &Run,
    stage: &Stage,
    [gateway, strained]: [&Gateway; 2],
    report: &mut Report,
) -> Result<()> {
    stage.control().calm().await?;
    let target = Target::AtLeast(limits::FAILOVER);
    let mut rate = samples(FAILOVER, Unit::PerSecond, "with the main host", target);
    let well = stage.callers(gateway.address(), CONNECTIONS).await?;
    let strained = stage.callers(strained.address(), CONNECTIONS).await?;
    let strained = strained.with_token(&member::token(0))?;
    for _ in 0..run.form.rounds {
        for (callers, rates) in [(&well, &mut rate.limits), (&strained, &mut rate.values)] {
            let load = callers
                .run(Question::FamilyRead, BUSY, run.form.length)
                .await?;
            rates.push(load.per_second());
        }
    }
    report.add(&rate)
}

/// A WeChat that answers every call with an error.
async fn amplification(stage: &Stage, gateway: &Gateway, report: &mut Report) -> Result<()> {
    let callers: Callers = stage.callers(gateway.address(), CONNECTIONS).await?;
    stage.control().calm().await?;
    let down = json!({"kind": "status", "status": 500, "code": "SYSTEM_ERROR"});
    stage.control().fault(READ, u32::MAX, &down).await?;
    callers.at_once(Question::UnknownRead, FIRST).await?;
    let before = stage.control().count(READ, None).await?;
    for _ in 0..LATER {
        let statuses = callers.at_once(Question::UnknownRead, FIRST).await?;
        if statuses.contains_key("0") {
            return Err(format!("nobody can have been answered: {statuses:?}").into());
        }
    }
    let sent = stage.control().count(READ, None).await? - before;
    stage.control().calm().await?;
    let target = Target::AtMost(limits::AMPLIFICATION);
    let mut requests = samples(AMPLIFICATION, Unit::Calls, "calls in an outage", target);
    requests.values.push(float(sent));
    requests.limits.push(float_of(FIRST * LATER));
    report.add(&requests)
}

fn samples(name: &str, unit: Unit, against: &'static str, target: Target) -> Samples {
    Samples {
        name: name.to_owned(),
        unit,
        values: Vec::new(),
        against,
        limits: Vec::new(),
        target,
    }
}
