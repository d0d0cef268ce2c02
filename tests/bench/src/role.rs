//! What this program does when another process of it has started it for a part of a benchmark.
//!
//! Every role prints a line when it is there, answers lines with lines, and ends when its input ends, so that nothing
//! outlives the run.

mod awake;
mod bare;
mod gateway;
mod held_keys;
mod minimal;
mod sandbox;
mod store;
mod units;
mod writer;

use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::process::Command;
use tokio::sync::mpsc;

use crate::{Counter, Result};

/// Set for the processes that play a role; nothing else is.
const VARIABLE: &str = "KABAO_BENCH_ROLE";

/// A part in a benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `kabao`, as it is: the command line follows.
    Gateway,
    /// The sandbox; its folder follows.
    Sandbox,
    /// A client of WeChat with nothing in it that need not be; folder, account and address follow.
    Bare,
    /// A gRPC server of one method with mTLS; the folder of certificates follows.
    Minimal,
    /// A process that holds the keys of so many accounts; folder, account and number follow.
    HeldKeys,
    /// A loop that keeps its core awake.
    Awake,
    /// The parts of a call, whose allocations are counted.
    Units,
    /// A store of changes, and the disk below it; the folder follows.
    Store,
    /// A program with the client in it that writes members; folder, account, address and the folder of its memory, or
    /// `-` for none, follow.
    Writer,
}

const NAMES: [(Role, &str); 9] = [
    (Role::Gateway, "gateway"),
    (Role::Sandbox, "sandbox"),
    (Role::Bare, "bare"),
    (Role::Minimal, "minimal"),
    (Role::HeldKeys, "held-keys"),
    (Role::Awake, "awake"),
    (Role::Units, "units"),
    (Role::Store, "store"),
    (Role::Writer, "writer"),
];

impl Role {
    /// The role of this process, if it has one.
    pub(crate) fn of_process() -> Option<Self> {
        let given = std::env::var(VARIABLE).ok()?;
        let (role, _) = NAMES.into_iter().find(|(_, name)| *name == given)?;
        Some(role)
    }

    /// Gives the role to a process that is about to start.
    pub(crate) fn of(self, mut command: Command) -> Command {
        let name = NAMES.iter().find(|(role, _)| *role == self);
        command.env(VARIABLE, name.map_or("", |(_, name)| name));
        // The program under test has one core.
        command.env("TOKIO_WORKER_THREADS", "1");
        command
    }

    pub(crate) fn play(self, counter: Option<Counter>) -> Result<ExitCode> {
        match self {
            Self::Gateway => return Ok(gateway::run(counter)),
            Self::Sandbox => block_on(sandbox::run())?,
            Self::Bare => block_on(bare::run())?,
            Self::Minimal => block_on(minimal::run())?,
            Self::HeldKeys => held_keys::run()?,
            Self::Awake => awake::run(),
            Self::Units => units::run(counter)?,
            Self::Store => block_on(store::run())?,
            Self::Writer => block_on(writer::run())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn block_on(role: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(role)
}

/// The arguments of a role, by position.
struct Arguments(Vec<String>);

impl Arguments {
    fn of_process() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    fn text(&self, index: usize) -> Result<&str> {
        let text = self.0.get(index).map(String::as_str);
        Ok(text.ok_or("the role lacks an argument")?)
    }

    fn path(&self, index: usize) -> Result<PathBuf> {
        self.text(index).map(PathBuf::from)
    }
}

/// Says a line to the process that has given the role.
fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// The lines of standard input, from a thread of its own; the process ends with them.
fn questions() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(io::Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    receiver
}
