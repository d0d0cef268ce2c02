//! From one generation of the configuration to the next one, while calls run.
//!
//! A generation is read and checked as a whole, and then either served from the next call on or refused with all its
//! faults, in which case the one before is served on. What a running process cannot change stays as it is, and is told.

mod report;
mod safety;
mod trigger;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

pub(crate) use self::report::{Applied, Outcome, Report};
use self::safety::Running;
pub(crate) use self::trigger::Trigger;
use crate::abort::AbortOnDrop;
use crate::accounts::Roster;
use crate::clock;
use crate::config::{Fixed, Loaded, Mistakes, Source, Summary};
use crate::files::Reloads;
use crate::telemetry::ReloadBoard;
use crate::watch::{Marks, Watch};

/// How often files are read anew that change while they are read, and how long it is waited before.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// Reads the configuration again and serves it. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Reloader(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    roster: Roster,
    files: Reloads,
    running: Running,
    /// What the process has begun with.
    fixed: Fixed,
    board: ReloadBoard,
    /// One generation at a time.
    turn: Mutex<State>,
}

#[derive(Debug)]
struct State {
    number: u64,
    served: Loaded,
    /// What was refused last, while nothing else was read.
    refused: Option<Mistakes>,
    /// How the files looked when they were read last, whatever came of it.
    marks: Marks,
}

impl Reloader {
    /// Goes on from the generation that the roster serves, which is number 1; `files` are read again with it.
    pub(crate) fn new(source: Source, served: Loaded, roster: Roster, files: Reloads) -> Self {
        let board = ReloadBoard::default();
        board.change(|status| status.loaded_at = clock::unix_seconds());
        Self(Arc::new(Inner {
            source,
            roster,
            files,
            running: Running::of(&served.settings),
            fixed: served.fixed.clone(),
            board,
            turn: Mutex::new(State {
                number: 1,
                marks: served.marks.clone(),
                served,
                refused: None,
            }),
        }))
    }

    /// Reads the configuration again whenever one of its files has changed, which is looked for `every` so often, until
    /// what is returned is dropped.
    pub(crate) fn follow(&self, every: Duration) -> AbortOnDrop {
        let reloader = self.clone();
        let task = tokio::spawn(async move {
            let mut watch = Watch::new(every, reloader.marks().await);
            loop {
                watch.changed().await;
                reloader.reload(Trigger::File).await;
                watch.know(reloader.marks().await);
            }
        });
        AbortOnDrop(task.abort_handle())
    }

    /// Reads the configuration again, and serves it if it is good. It runs to its end whoever waits for it.
    pub(crate) async fn reload(&self, trigger: Trigger) -> Report {
        let reloader = self.clone();
        let run = tokio::spawn(async move { reloader.run(trigger).await });
        match run.await {
            Ok(report) => report,
            Err(error) => {
                tracing::error!(%error, "the configuration was not read to its end");
                Report::new(
                    self.0.roster.generations().current().number(),
                    Outcome::Refused(self.mistake("was not read to its end; the log says why")),
                )
            }
        }
    }

    pub(crate) fn board(&self) -> &ReloadBoard {
        &self.0.board
    }

    async fn marks(&self) -> Marks {
        self.0.turn.lock().await.marks.clone()
    }

    async fn run(&self, trigger: Trigger) -> Report {
        let mut state = self.0.turn.lock().await;
        let (marks, read) = self.read(&state.served).await;
        state.marks = marks;
        let outcome =
            match read.and_then(|loaded| self.0.running.judge(loaded, self.0.source.file())) {
                Ok(loaded) => {
                    self.0.files.look().await;
                    self.serve(&mut state, loaded)
                }
                Err(mistakes) => Outcome::Refused(mistakes),
            };
        let report = Report::new(state.number, outcome);
        self.note(&mut state, &report, trigger);
        report
    }

    /// Reads the files in one state of them: none changes while they are read.
    async fn read(&self, served: &Loaded) -> (Marks, Result<Box<Loaded>, Mistakes>) {
        for _ in 0..TRIES {
            let (source, accounts) = (self.0.source.clone(), served.settings.accounts.clone());
            let read = spawn_blocking(move || {
                let (marks, loaded) = source.read(&accounts, clock::unix_seconds());
                let has_settled = marks.renewed() == marks;
                (marks, loaded.map(Box::new), has_settled)
            });
            match read.await {
                Ok((marks, loaded, true)) => return (marks, loaded),
                Ok(_) => sleep(PAUSE).await,
                Err(error) => {
                    tracing::error!(%error, "the configuration cannot be read");
                    let mistakes = self.mistake("cannot be read; the log says why");
                    return (served.marks.clone(), Err(mistakes));
                }
            }
        }
        let message = "its files change while they are read; try again once they are written";
        (served.marks.renewed(), Err(self.mistake(message)))
    }

    fn serve(&self, state: &mut State, loaded: Box<Loaded>) -> Outcome {
        let waiting = loaded.fixed.differences(&self.0.fixed);
        if loaded.fingerprint == state.served.fingerprint {
            return Outcome::Unchanged(waiting);
        }
        let number = state.number.saturating_add(1);
        match self.0.roster.replace(&loaded.settings, number) {
            Ok(difference) => {
                state.number = number;
                state.served = *loaded;
                Outcome::Applied(Applied {
                    difference,
                    waiting,
                })
            }
            Err(error) => Outcome::Refused(self.mistake(error.message())),
        }
    }

    /// Tells the log and the metrics. What a changed file shows is told once.
    fn note(&self, state: &mut State, report: &Report, trigger: Trigger) {
        let is_asked = trigger != Trigger::File;
        let before = self.0.board.status();
        self.0.board.change(|status| report.count(status));
        let after = self.0.board.status();
        match report.outcome() {
            Outcome::Applied(_) => {
                self.0
                    .board
                    .change(|status| status.loaded_at = clock::unix_seconds());
                report.log(trigger);
                let settings = &state.served.settings;
                for warning in Summary::new(settings, clock::unix_seconds()).warnings() {
                    tracing::warn!("{warning}");
                }
                state.refused = None;
            }
            Outcome::Unchanged(_) => {
                let is_news = state.refused.is_some() || before.waiting != after.waiting;
                if is_asked || is_news {
                    report.log(trigger);
                }
                state.refused = None;
            }
            Outcome::Refused(mistakes) => {
                if is_asked || state.refused.as_ref() != Some(mistakes) {
                    report.log(trigger);
                }
                state.refused = Some(mistakes.clone());
            }
        }
    }

    fn mistake(&self, message: &str) -> Mistakes {
        Mistakes::one(self.0.source.file().display().to_string(), message)
    }
}
