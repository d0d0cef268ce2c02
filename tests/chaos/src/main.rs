//! The full runs: `kabao-chaos simulate` and `kabao-chaos crash`.

use std::io::Write as _;
use std::ops::Range;
use std::process::ExitCode;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use kabao_chaos::crash;
use kabao_chaos::simulation::{Counts, Options, simulate};

/// Puts the promise about changes to the test.
#[derive(Parser)]
#[command(name = "kabao-chaos")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the journal over models, with faults that follow from a seed
    Simulate(Simulate),
    /// Kills the gateway itself, on a real disk
    Crash(Crash),
}

#[derive(Args)]
struct Simulate {
    /// The seeds, from the first to the one after the last
    #[arg(long, default_value = "0..10000")]
    seeds: Seeds,
    /// One seed only
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Tells all that happens
    #[arg(long)]
    trace: bool,
}

#[derive(Args)]
struct Crash {
    /// How many histories
    #[arg(long, default_value_t = 200)]
    histories: u64,
    /// One history only
    #[arg(long, conflicts_with = "histories")]
    seed: Option<u64>,
    /// How many at a time
    #[arg(long, default_value_t = 4)]
    parallel: usize,
    /// Two gateways over one database; needs PostgreSQL
    #[arg(long)]
    replicas: bool,
}

#[derive(Clone)]
struct Seeds(Range<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, end) = text.split_once("..").ok_or("write them as 0..10000")?;
        let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
        Ok(Self(number(first)?..number(end)?))
    }
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let done = match command {
        Command::Simulate(arguments) => run_simulation(&arguments),
        Command::Crash(arguments) => run_crashes(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs the seeds on as many threads as there are processors; true if the promise was kept in all of them.
fn run_simulation(arguments: &Simulate) -> std::io::Result<bool> {
    let Seeds(seeds) = match arguments.seed {
        Some(seed) => Seeds(seed..seed + 1),
        None => arguments.seeds.clone(),
    };
    let trace = arguments.trace;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let seeds = seeds.clone().skip(worker).step_by(threads);
                scope.spawn(move || run_seeds(seeds, trace))
            })
            .collect();
        let joined = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .map(|result| result.unwrap_or_else(|_| Err(std::io::Error::other("a run panicked"))))
            .collect::<std::io::Result<Vec<_>>>()
    })?;
    let (mut counts, mut failed) = (Counts::default(), 0);
    for (worker_counts, worker_failed) in results {
        counts.add(&worker_counts);
        failed += worker_failed;
    }
    let count = seeds.end.saturating_sub(seeds.start);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{count} seeds, {failed} broke the promise; {counts:?}")?;
    Ok(failed == 0)
}

fn run_seeds(seeds: impl Iterator<Item = u64>, trace: bool) -> std::io::Result<(Counts, u64)> {
    let (mut counts, mut failed) = (Counts::default(), 0);
    for seed in seeds {
        let run = simulate(seed, Options { bug: None, trace })?;
        counts.add(&run.counts);
        let mut out = std::io::stdout().lock();
        for line in &run.trace {
            writeln!(out, "{line}")?;
        }
        for violation in &run.violations {
            writeln!(out, "seed {seed}: {violation}")?;
        }
        if !run.violations.is_empty() {
            failed += 1;
            writeln!(
                out,
                "replay: cargo run --release -p kabao-chaos -- simulate --seed {seed} --trace"
            )?;
        }
    }
    Ok((counts, failed))
}

/// Runs histories, some at a time; true if the promise was kept in all of them.
#[tokio::main]
async fn run_crashes(arguments: &Crash) -> std::io::Result<bool> {
    let seeds = match arguments.seed {
        Some(seed) => seed..seed + 1,
        None => 0..arguments.histories,
    };
    let executable = std::env::current_exe()?.with_file_name("kabao-chaos-gateway");
    let folder = std::env::temp_dir().join(format!("kabao-chaos-{}", std::process::id()));
    let count = seeds.end - seeds.start;
    let tell = |seed: u64, history: &crash::History| {
        let _ = writeln!(std::io::stdout(), "history {seed}: {history}");
    };
    let cases: &[crash::Case] = match arguments.replicas {
        true => &crash::Case::SHARED,
        false => &crash::Case::ALL,
    };
    let bad = crash::run(cases, seeds, arguments.parallel, &executable, &folder, tell).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{count} histories, {bad} of them not good")?;
    if bad > 0 {
        writeln!(out, "what they leave is in {}", folder.display())?;
    }
    Ok(bad == 0)
}
