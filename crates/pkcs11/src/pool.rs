//! The threads that speak to one token.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::error::TokenError;
use crate::job::{Ask, Job};
use crate::session::{Open, Token};

/// A thread, and a session, each: more than most tokens do at a time.
const THREADS: usize = 8;
/// So many wait at most.
const WAITING: usize = 256;

/// Threads that start with the first job and end with the last clone of the pool's `Arc`.
#[derive(Debug)]
pub(crate) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    token: Token,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    running: usize,
    idle: usize,
    ends: bool,
}

impl Pool {
    pub(crate) fn new(token: Token) -> Self {
        Self(Arc::new(Shared {
            token,
            state: Mutex::default(),
            wake: Condvar::new(),
        }))
    }

    pub(crate) fn token(&self) -> &Token {
        &self.0.token
    }

    /// Queues a job. Where there is no place for it, or no thread, whoever waits hears so at once.
    pub(crate) fn push(&self, job: Job) {
        let mut state = self.0.lock();
        if state.jobs.len() >= WAITING {
            state.jobs.retain(Job::is_wanted);
        }
        if state.jobs.len() >= WAITING {
            drop(state);
            return job.refuse(TokenError::Full);
        }
        if state.jobs.len() >= state.idle && state.running < THREADS {
            self.start(&mut state);
        }
        if state.running == 0 {
            drop(state);
            return job.refuse(TokenError::NoThread);
        }
        state.jobs.push_back(job);
        drop(state);
        self.0.wake.notify_one();
    }

    fn start(&self, state: &mut State) {
        let shared = Arc::clone(&self.0);
        let name = format!("kabao-pkcs11-{}", state.running);
        match thread::Builder::new()
            .name(name)
            .spawn(move || shared.serve())
        {
            Ok(_) => state.running += 1,
            Err(error) => {
                tracing::warn!(%error, "a thread that speaks to a token could not be started");
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.lock().ends = true;
        self.0.wake.notify_all();
    }
}

impl Shared {
    /// What a thread does until the end.
    fn serve(&self) {
        let mut worker = Worker {
            token: &self.token,
            open: None,
        };
        while let Some(job) = self.next() {
            if !job.is_wanted() {
                continue;
            }
            // A panic is told by the closed channel, and what it left of the session is not used again.
            if catch_unwind(AssertUnwindSafe(|| job.run(&mut worker))).is_err() {
                worker.open = None;
            }
        }
    }

    /// Waits for the next job; `None` at the end.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.jobs.pop_front() {
                return Some(next);
            }
            if state.ends {
                return None;
            }
            state.idle += 1;
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Every change leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread with its session.
struct Worker<'t> {
    token: &'t Token,
    open: Option<Open>,
}

impl Ask for Worker<'_> {
    /// Asks once more with another session if the token has forgotten this one: signing and decrypting change nothing.
    fn ask(
        &mut self,
        question: &mut dyn FnMut(&mut Open) -> Result<(), TokenError>,
    ) -> Result<(), TokenError> {
        if let Some(open) = &mut self.open {
            match question(open) {
                Err(error) if error.is_stale() => {
                    tracing::info!(%error, "the token has forgotten a session; another one is opened");
                    self.open = None;
                }
                answer => return answer,
            }
        }
        let open = self.open.insert(self.token.open()?);
        let answer = question(open);
        if answer.as_ref().is_err_and(TokenError::is_stale) {
            self.open = None;
        }
        answer
    }
}
