//! What is printed: one line a measurement, with what it is compared to.

use std::fmt;
use std::io::{self, Write as _};

use crate::Result;

/// A limit that moves by more than this within a run says more about the machine than about us.
const STEADY: f64 = 0.15;

/// In what something is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Microseconds,
    Milliseconds,
    PerSecond,
    Calls,
    Kibibytes,
    Mebibytes,
    Allocations,
    Instructions,
}

impl Unit {
    /// Whether a build for development, on a machine with other work, gets it right.
    fn is_count(self) -> bool {
        matches!(self, Self::Allocations | Self::Instructions)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::PerSecond => "/s",
            Self::Calls => "calls",
            Self::Kibibytes => "KiB",
            Self::Mebibytes => "MiB",
            Self::Allocations => "allocs",
            Self::Instructions => "instr",
        }
    }
}

/// What the ratio of value to limit should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// Nothing was promised.
    Nothing,
    AtMost(f64),
    AtLeast(f64),
}

/// How a measurement turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The target is met.
    Met,
    /// The target is missed.
    Missed,
    /// The limit moved so much that nothing can be said.
    Unsteady,
    /// There is no target.
    None,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Met => "ok",
            Self::Missed => "OVER",
            Self::Unsteady => "unsteady",
            Self::None => "-",
        })
    }
}

/// Least, middle and greatest of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            min: *sorted.first()?,
            median: *sorted.get(sorted.len() / 2)?,
            max: *sorted.last()?,
        })
    }

    fn is_steady(&self) -> bool {
        self.max - self.min <= STEADY * self.median.abs()
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, median, max } = self;
        // As many digits as mean something.
        let digits = match median.abs() {
            1000.0.. => 0,
            100.0.. => 1,
            _ => 2,
        };
        f.pad(&format!("{min:.digits$}/{median:.digits$}/{max:.digits$}"))
    }
}

/// One measurement: a value and a limit a round, in the order of the rounds.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) values: Vec<f64>,
    /// What the limit is, in a word or two; empty if there is none.
    pub(crate) against: &'static str,
    pub(crate) limits: Vec<f64>,
    pub(crate) target: Target,
}

impl Samples {
    fn ratio(&self) -> Option<Spread> {
        let ratios: Vec<f64> = self
            .values
            .iter()
            .zip(&self.limits)
            .map(|(value, limit)| value / limit)
            .collect();
        Spread::of(&ratios)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let (Some(ratio), Some(limit)) = (self.ratio(), Spread::of(&self.limits)) else {
            return Verdict::None;
        };
        let met = match self.target {
            Target::Nothing => return Verdict::None,
            Target::AtMost(most) => ratio.median <= most,
            Target::AtLeast(least) => ratio.median >= least,
        };
        match (limit.is_steady(), met) {
            (false, _) => Verdict::Unsteady,
            (true, true) => Verdict::Met,
            (true, false) => Verdict::Missed,
        }
    }
}

/// Prints measurements as they come, and remembers which missed their target.
#[derive(Debug, Default)]
pub(crate) struct Report {
    counts_only: bool,
    missed: Vec<String>,
    headed: bool,
}

impl Report {
    /// A report that judges counts only, and shows the rest.
    pub(crate) fn of_counts() -> Self {
        Self {
            counts_only: true,
            ..Self::default()
        }
    }

    /// Prints a measurement.
    pub(crate) fn add(&mut self, samples: &Samples) -> Result<()> {
        if !self.headed {
            self.headed = true;
            self.line(&format!(
                "{:<34} {:>26} {:<6}  {:>26} {:<20} {:>16} {:>8}  verdict",
                "name", "value (min/median/max)", "", "limit", "", "ratio", "target"
            ))?;
        }
        let verdict = match self.counts_only && !samples.unit.is_count() {
            true => Verdict::None,
            false => samples.verdict(),
        };
        if verdict == Verdict::Missed {
            self.missed.push(samples.name.clone());
        }
        let shown = |spread: Option<Spread>| spread.map_or("-".to_owned(), |it| it.to_string());
        let target = match samples.target {
            Target::Nothing => "-".to_owned(),
            Target::AtMost(most) => format!("<= {most:.2}"),
            Target::AtLeast(least) => format!(">= {least:.2}"),
        };
        self.line(&format!(
            "{:<34} {:>26} {:<6}  {:>26} {:<20} {:>16} {target:>8}  {verdict}",
            samples.name,
            shown(Spread::of(&samples.values)),
            samples.unit.name(),
            shown(Spread::of(&samples.limits)),
            samples.against,
            shown(samples.ratio()),
        ))
    }

    /// Prints a remark.
    #[expect(
        clippy::unused_self,
        reason = "lines and measurements come through one door"
    )]
    pub(crate) fn line(&self, text: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    /// The names of measurements that missed their target.
    pub(crate) fn missed(&self) -> &[String] {
        &self.missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64], limits: &[f64], target: Target) -> Samples {
        Samples {
            name: "x".to_owned(),
            unit: Unit::Microseconds,
            values: values.to_vec(),
            against: "",
            limits: limits.to_vec(),
            target,
        }
    }

    #[test]
    fn a_spread_is_least_middle_and_greatest_whatever_the_order() {
        let spread = Spread::of(&[3.0, 1.0, 2.0, 5.0, 4.0]).unwrap();
        assert_eq!(spread.to_string(), "1.00/3.00/5.00");
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn the_ratio_is_taken_round_by_round_and_its_middle_is_judged() {
        let rows = [
            (Target::AtMost(1.1), Verdict::Met),
            (Target::AtMost(1.05), Verdict::Missed),
            (Target::AtLeast(1.1), Verdict::Met),
            (Target::AtLeast(1.2), Verdict::Missed),
            (Target::Nothing, Verdict::None),
        ];
        for (target, expected) in rows {
            // 1.1, 1.0 and 1.3: pairs, not extremes over extremes.
            let samples = samples(&[110.0, 100.0, 143.0], &[100.0, 100.0, 110.0], target);
            assert_eq!(samples.verdict(), expected, "{target:?}");
        }
    }

    #[test]
    fn nothing_is_judged_by_a_limit_that_moves() {
        let moving = samples(&[100.0; 3], &[100.0, 100.0, 116.0], Target::AtMost(2.0));
        assert_eq!(moving.verdict(), Verdict::Unsteady);
        let unlimited = samples(&[100.0; 3], &[], Target::AtMost(2.0));
        assert_eq!(unlimited.verdict(), Verdict::None);
    }
}
