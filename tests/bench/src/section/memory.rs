//! What the gateway occupies: by itself, for a connection that does nothing, for an account.

use super::Run;
use crate::Result;
use crate::clock::{float, float_of};
use crate::load::Callers;
use crate::measure::{Report, Samples, Target, Unit};
use crate::member::Question;
use crate::process::Program;
use crate::stage::Stage;

const BASE: &str = "memory.base";
const CONNECTION: &str = "memory.connection";
const ACCOUNT: &str = "memory.account";

/// MiB that the process may occupy when it has served a hundred calls.
const MOST: f64 = 32.0;
/// Calls until memory has settled.
const SETTLED: usize = 100;
/// Connections until it has settled.
const FIRST_CONNECTIONS: usize = 4;

const HEALTH: &str = "/grpc.health.v1.Health/Check";

pub(super) async fn measure(run: &Run, report: &mut Report) -> Result<()> {
    if !run.filter.wants_any([BASE, CONNECTION, ACCOUNT]) {
        return Ok(());
    }
    let folder = run.executables.target.join("bench").join("memory");
    let stage = Stage::set(&run.executables.own, &run.cores, &folder).await?;
    let mut base = samples(BASE, Unit::Mebibytes, "promised", Target::AtMost(1.0));
    let mut connection = samples(
        CONNECTION,
        Unit::Kibibytes,
        "minimal server",
        Target::AtMost(1.2),
    );
    for _ in 0..run.form.rounds {
        let gateway = stage.gateway(1).await?;
        let callers = stage.callers(gateway.address(), FIRST_CONNECTIONS).await?;
        callers.times(Question::FamilyRead, SETTLED).await?;
        base.values
            .push(float(gateway.program.resident()?) / 1024.0);
        base.limits.push(MOST);
        if !run.filter.wants(CONNECTION) {
            continue;
        }
        let message = Question::Account.message(0, 0);
        let question = (Question::Account.path(), message.as_slice());
        let one = a_connection(run, &stage, &gateway.program, gateway.address(), question).await?;
        connection.values.push(one);
        let (minimal, address) = stage.minimal().await?;
        let first = stage.callers(&address, FIRST_CONNECTIONS).await?;
        first.once_each(HEALTH, &[]).await?;
        let one = a_connection(run, &stage, &minimal, &address, (HEALTH, &[])).await?;
        connection.limits.push(one);
    }
    for samples in [&base, &connection] {
        if run.filter.wants(&samples.name) {
            report.add(samples)?;
        }
    }
    if run.filter.wants(ACCOUNT) {
        report.add(&accounts(run, &stage).await?)?;
    }
    Ok(())
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

/// KiB that a server needs for one more connection on which one call was made.
async fn a_connection(
    run: &Run,
    stage: &Stage,
    server: &Program,
    address: &str,
    (path, message): (&'static str, &[u8]),
) -> Result<f64> {
    let before = server.resident()?;
    let count = run.form.connections;
    let idle: Callers = stage.callers(address, count).await?;
    idle.once_each(path, message).await?;
    let after = server.resident()?;
    Ok(each(before, after, count))
}

/// KiB that one more account takes.
async fn accounts(run: &Run, stage: &Stage) -> Result<Samples> {
    let count = run.form.accounts;
    let mut account = samples(ACCOUNT, Unit::Kibibytes, "its raw keys", Target::Nothing);
    for _ in 0..run.form.rounds {
        let few = stage.gateway(1).await?.program.resident()?;
        let many = stage.gateway(count).await?.program.resident()?;
        account.values.push(each(few, many, count));
        let few = stage.held_keys(1).await?.resident()?;
        let many = stage.held_keys(count).await?.resident()?;
        account.limits.push(each(few, many, count));
    }
    Ok(account)
}

fn each(before: u64, after: u64, count: usize) -> f64 {
    float(after.saturating_sub(before)) / float_of(count)
}
