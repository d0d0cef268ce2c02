//! The command line, and what is measured: a file for each group.

mod allocations;
mod changes;
mod crypto;
mod flow;
mod goodput;
mod instructions;
mod memory;
mod path;
mod peers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::cores::Cores;
use crate::filter::Filter;
use crate::measure::Report;
use crate::variants::Executables;
use crate::{Result, machine};

const HELP: &str = "\
Each line is NAME VALUE LIMIT RATIO TARGET VERDICT: what it costs, what it could cost at least, measured in turn with it
in the same run, and least, middle and greatest of the rounds. tests/bench/README.md explains every one.

Verdicts:
  ok        the middle of the ratios is within the target
  OVER      it is not
  unsteady  the limit itself moved by more than 15 %, which says something of the machine only
  -         nothing was promised

Exit code 1 if anything is over; with --short, which judges nothing else, if more is allocated.

Examples:
  cargo run --release -p kabao-bench                       everything
  cargo run --release -p kabao-bench -- crypto path.write  what has this in its name
  cargo run -p kabao-bench -- --short                      as CI does";

/// Measures what calls cost, beside the least that they could cost.
#[derive(Debug, Parser)]
#[command(name = "kabao-bench", version, after_help = HELP, verbatim_doc_comment)]
struct Arguments {
    /// Only what has one of these in its name, such as `crypto` or `c64`.
    #[arg(value_name = "PART")]
    parts: Vec<String>,
    /// One short round of what needs no second build, of which only allocations are judged; for CI.
    #[arg(long)]
    short: bool,
    /// The executable that counts allocations, where somebody has built it already.
    #[arg(long, value_name = "FILE", hide = true)]
    counting: Option<PathBuf>,
}

/// What all groups share.
struct Run {
    filter: Filter,
    form: Form,
    executables: Executables,
    counting: Option<PathBuf>,
    cores: Cores,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Form {
    rounds: usize,
    /// How long one measurement takes.
    length: Duration,
    /// Connections that are opened to see what one takes.
    connections: usize,
    /// Accounts that are configured to see what one takes.
    accounts: usize,
    /// Changes that a store remembers when it is started.
    changes: u64,
    short: bool,
}

const FULL: Form = Form {
    rounds: 5,
    length: Duration::from_millis(700),
    connections: 500,
    accounts: 10_000,
    changes: 1_000_000,
    short: false,
};

const SHORT: Form = Form {
    rounds: 1,
    length: Duration::from_millis(200),
    connections: 100,
    accounts: 200,
    changes: 1_000,
    short: true,
};

/// Runs the command line.
pub(crate) fn run() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    // Callers and programs are many, the core for them is one.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(measure(arguments))
}

async fn measure(arguments: Arguments) -> Result<ExitCode> {
    let form = if arguments.short { SHORT } else { FULL };
    let run = Run {
        filter: Filter::new(arguments.parts),
        form,
        executables: Executables::find()?,
        counting: arguments.counting,
        cores: Cores::of_machine(),
    };
    let judges_times = run.executables.is_optimised() && !form.short;
    let mut report = match judges_times {
        true => Report::default(),
        false => Report::of_counts(),
    };
    report.line(&machine::describe())?;
    if !judges_times {
        report.line("only counts are judged: times need --release, and not --short")?;
    }
    for remark in &run.cores.remarks {
        report.line(remark)?;
    }
    allocations::measure(&run, &mut report).await?;
    instructions::measure(&run, &mut report).await?;
    run.cores.step_aside().await?;
    crypto::measure(&run, &mut report)?;
    memory::measure(&run, &mut report).await?;
    path::measure(&run, &mut report).await?;
    changes::measure(&run, &mut report).await?;
    if !run.form.short {
        goodput::measure(&run, &mut report).await?;
        flow::measure(&run, &mut report).await?;
    }
    peers::measure(&run, &mut report).await?;
    if report.missed().is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    report.line(&format!("over: {}", report.missed().join(", ")))?;
    Ok(ExitCode::FAILURE)
}
