//! How many instructions the parts of a call take: a count that repeats itself, by gungraun and valgrind.

use serde_json::Value;

use super::Run;
use crate::Result;
use crate::cores::is_installed;
use crate::measure::{Report, Samples, Target, Unit};
use crate::variants::cargo;

const NAMES: [&str; 3] = [
    "instructions.reading",
    "instructions.writing",
    "instructions.converting",
];
/// What the names of the benchmarks have before them.
const PREFIX: &str = "instructions.";

pub(super) async fn measure(run: &Run, report: &mut Report) -> Result<()> {
    if run.form.short || !run.filter.wants_any(NAMES) {
        return Ok(());
    }
    for (program, remedy) in [
        ("valgrind", "your system has a package of it"),
        ("gungraun-runner", "cargo install gungraun-runner@0.20.0"),
    ] {
        if !is_installed(program) {
            return report.line(&format!(
                "instructions: not counted, {program} is not installed ({remedy})"
            ));
        }
    }
    let output = cargo()
        .args(["bench", "--quiet", "--package", "kabao-bench"])
        .args(["--bench", "instructions", "--target-dir"])
        .arg(&run.executables.target)
        .args(["--", "--output-format=json"])
        .output()
        .await?;
    let printed = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("instructions cannot be counted:\n{printed}{said}").into());
    }
    for name in NAMES {
        if !run.filter.wants(name) {
            continue;
        }
        let count = instructions(&printed, name).ok_or_else(|| format!("no count of {name}"))?;
        report.add(&Samples {
            name: name.to_owned(),
            unit: Unit::Instructions,
            values: vec![count],
            against: "",
            limits: Vec::new(),
            target: Target::Nothing,
        })?;
    }
    Ok(())
}

/// What gungraun says of one benchmark: it prints a JSON object a line.
fn instructions(printed: &str, name: &str) -> Option<f64> {
    let function = name.strip_prefix(PREFIX)?;
    printed
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|line| line.get("function_name").and_then(Value::as_str) == Some(function))?
        .pointer("/profiles/0/data/total/metrics/Ir/values/new")?
        .as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_what_gungraun_prints() {
        let line = |function: &str, count: u32| {
            format!(
                "{{\"function_name\":\"{function}\",\"profiles\":[{{\"tool\":\"Callgrind\",\"data\":{{\"total\":\
                 {{\"metrics\":{{\"Ir\":{{\"values\":{{\"new\":{count}}}}}}}}}}}}}]}}"
            )
        };
        let printed = format!("{}\n{}\n", line("reading", 7), line("writing", 9));
        assert_eq!(instructions(&printed, "instructions.writing"), Some(9.0));
        assert_eq!(instructions(&printed, "instructions.converting"), None);
    }
}
