//! The gateway itself, killed on a real disk, with the ledger of the sandbox as judge.
//!
//! A history is a gateway process over an embedded store, callers over gRPC, and a sandbox whose faults say which
//! point of a change the process is killed at: it holds the request back before or after it has applied it, or
//! holds back the token that an official account needs after the plan of a change is durable. Or it is two of them
//! over one database of PostgreSQL.

mod callers;
mod case;
mod gateway;
mod ledger;
mod shared;

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kabao_sandbox::{Running, Sandbox};
use tokio::time::{Instant, sleep};

use self::callers::Callers;
pub use self::case::Case;
use self::gateway::Gateway;
use self::shared::Shared;
pub use self::shared::takeover;
use crate::{Evidence, Random, Violation, check};

/// What a history showed.
#[derive(Debug)]
pub struct History {
    /// What happened in it.
    pub case: Case,
    /// How the promise was broken.
    pub violations: Vec<Violation>,
    /// How many changes were applied.
    pub effects: usize,
    /// How many calls ended without an answer that says what became of the change.
    pub unknown: usize,
    /// How often the gateway was killed.
    pub kills: u32,
    /// Whether what makes the case has happened at all. A history without it proves nothing.
    pub is_met: bool,
}

impl History {
    /// Tells whether the promise was kept where it could have been broken.
    pub fn is_good(&self) -> bool {
        self.is_met && self.violations.is_empty()
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}: {} effects, {} calls of unknown end, {} kills",
            self.case, self.effects, self.unknown, self.kills
        )?;
        if !self.is_met {
            f.write_str(", and what makes the case did not happen")?;
        }
        for violation in &self.violations {
            write!(f, "\n  {violation}")?;
        }
        Ok(())
    }
}

/// Runs histories in which these cases take turns, so many at a time, and tells of each; returns how many were not
/// good. What those leave stays in the folder.
///
/// # Errors
///
/// If something outside of the gateway does not work.
pub async fn run(
    cases: &'static [Case],
    seeds: Range<u64>,
    parallel: usize,
    executable: &Path,
    folder: &Path,
    tell: fn(u64, &History),
) -> io::Result<u64> {
    let mut workers = Vec::new();
    for worker in 0..parallel.max(1) {
        let seeds = seeds.clone().skip(worker).step_by(parallel.max(1));
        let (executable, folder) = (executable.to_owned(), folder.join(worker.to_string()));
        workers.push(tokio::spawn(async move {
            let crashes = Crashes::start(&executable, &folder).await?;
            let mut bad = 0;
            for seed in seeds {
                let history = crashes.run(Case::of(seed, cases), seed).await?;
                bad += u64::from(!history.is_good());
                tell(seed, &history);
            }
            crashes.sandbox.shutdown().await;
            Ok::<u64, io::Error>(bad)
        }));
    }
    let mut bad = 0;
    for worker in workers {
        bad += worker.await.map_err(io::Error::other)??;
    }
    if bad == 0 {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(bad)
}

/// Runs one history of a case.
///
/// # Errors
///
/// If something outside of the gateway does not work.
pub async fn run_case(
    case: Case,
    seed: u64,
    executable: &Path,
    folder: &Path,
) -> io::Result<History> {
    let crashes = Crashes::start(executable, folder).await?;
    let history = crashes.run(case, seed).await?;
    crashes.sandbox.shutdown().await;
    Ok(history)
}

/// One sandbox, for histories one after another.
struct Crashes {
    sandbox: Running,
    executable: PathBuf,
    folder: PathBuf,
}

impl Crashes {
    async fn start(executable: &Path, folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let sandbox = Sandbox::builder().directory(folder.join("sandbox"));
        Ok(Self {
            sandbox: sandbox.start().await.map_err(io::Error::other)?,
            executable: executable.to_owned(),
            folder: folder.to_owned(),
        })
    }

    async fn run(&self, case: Case, seed: u64) -> io::Result<History> {
        let mut random = Random::new(seed);
        self.sandbox.reset();
        let folder = self.folder.join(format!("history-{seed}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let mut cast = Cast::start(case, &self.executable, &folder, &self.sandbox).await?;
        let callers = Callers::new(cast.gateways().iter().map(Gateway::address))?;
        let mut evidence = Evidence {
            initial: callers.values().await?,
            ..Evidence::default()
        };
        let working = tokio::spawn(callers.clone().run(random.next()));
        let is_met = case
            .happen(&mut cast, &self.sandbox, &callers, &mut random)
            .await?;
        callers.is_over();
        working.await.map_err(io::Error::other)?;
        ledger::calm(&self.sandbox).await?;
        for gateway in cast.gateways() {
            gateway.heal().await?;
        }
        evidence.unanswered = callers.repeat_all().await;
        callers.tell(&mut evidence).await?;
        evidence.ledger = ledger::effects(&self.sandbox, evidence.events.len());
        evidence.last = callers.values().await?;
        let kills = cast.gateways().iter().map(Gateway::kills).sum();
        cast.stop().await?;
        let violations = check(&evidence);
        if violations.is_empty() && is_met {
            std::fs::remove_dir_all(&folder)?;
        }
        Ok(History {
            case,
            violations,
            effects: evidence.ledger.len(),
            unknown: callers.unknown(),
            kills,
            is_met,
        })
    }
}

/// Who is on the stage.
enum Cast {
    /// A gateway over an embedded store.
    One(Box<Gateway>),
    /// Two over one database.
    Shared(Box<Shared>),
}

impl Cast {
    async fn start(
        case: Case,
        executable: &Path,
        folder: &Path,
        sandbox: &Running,
    ) -> io::Result<Self> {
        Ok(match case.is_shared() {
            true => Self::Shared(Box::new(
                Shared::start(executable, folder, sandbox, Shared::IMPATIENT).await?,
            )),
            false => Self::One(Box::new(
                Gateway::start(executable, folder, sandbox, "").await?,
            )),
        })
    }

    fn gateways(&mut self) -> &mut [Gateway] {
        match self {
            Self::One(gateway) => std::slice::from_mut(gateway.as_mut()),
            Self::Shared(shared) => &mut shared.gateways,
        }
    }

    async fn stop(self) -> io::Result<()> {
        match self {
            Self::One(gateway) => gateway.stop().await,
            Self::Shared(shared) => {
                for gateway in shared.gateways {
                    gateway.stop().await?;
                }
                Ok(())
            }
        }
    }
}

/// Waits for something that happens soon; false if it does not.
async fn soon<F: Future<Output = bool>>(mut happened: impl FnMut() -> F) -> bool {
    const PATIENCE: Duration = Duration::from_secs(30);
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if happened().await {
            return true;
        }
        sleep(Duration::from_millis(5)).await;
    }
    false
}
