//! How often a call asks the allocator for memory: a count, so even a busy machine gets it right.

use super::Run;
use crate::Result;
use crate::clock::float_of;
use crate::limits;
use crate::measure::{Report, Samples, Target, Unit};
use crate::member::Question;
use crate::stage::Stage;
use crate::variants::Variant;

/// Calls until pools and tables have their size.
const SETTLED: usize = 100;
/// Calls that are counted a round.
const COUNTED: usize = 100;

const CALLS: [(&str, Question); 4] = [
    ("alloc.own_answer", Question::Account),
    ("alloc.portable_read", Question::PortableRead),
    ("alloc.family_read", Question::FamilyRead),
    ("alloc.write", Question::Write),
];

pub(super) async fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let names = limits::ALLOCATIONS.iter().map(|(name, _)| *name);
    if !run.filter.wants_any(names) {
        return Ok(());
    }
    let counting = match &run.counting {
        Some(counting) => counting.clone(),
        None => run.executables.build(Variant::Counting).await?,
    };
    let folder = run.executables.target.join("bench").join("allocations");
    let stage = Stage::set(&run.executables.own, &run.cores, &folder).await?;
    let mut gateway = stage.gateway_of(&counting, 1).await?;
    let callers = stage.callers(gateway.address(), 1).await?;
    let add = |name: &str, values: Vec<f64>, report: &mut Report| -> Result<()> {
        let limit = limits::allocations(name).ok_or_else(|| format!("{name} has no limit"))?;
        let samples = Samples {
            name: name.to_owned(),
            unit: Unit::Allocations,
            limits: vec![limit; values.len()],
            values,
            against: "as it was",
            target: Target::AtMost(1.0),
        };
        report.add(&samples)
    };
    for (name, question) in CALLS {
        if !run.filter.wants(name) {
            continue;
        }
        callers.times(question, SETTLED).await?;
        let mut values = Vec::new();
        for _ in 0..run.form.rounds {
            let before = count(&gateway.program.ask("count", "counted").await?)?;
            callers.times(question, COUNTED).await?;
            let after = count(&gateway.program.ask("count", "counted").await?)?;
            values.push((after - before) / float_of(COUNTED));
        }
        add(name, values, report)?;
    }
    let units = stage.units(&counting).await?;
    for unit in units.split(' ') {
        let (name, count) = unit.split_once('=').ok_or("not a count")?;
        let name = format!("alloc.{name}");
        if run.filter.wants(&name) {
            add(&name, vec![count.parse()?], report)?;
        }
    }
    Ok(())
}

/// The first number of an answer: how often.
fn count(answer: &str) -> Result<f64> {
    let first = answer.split(' ').next().unwrap_or_default();
    Ok(first.parse()?)
}
