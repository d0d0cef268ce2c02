//! Processes that crash and stand still at any point where they wait.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;
use tokio::task::yield_now;

/// A process: its tasks live and die together. Clones are the same.
#[derive(Clone)]
pub(super) struct Process(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    ended: Notify,
    on_crash: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    is_dead: bool,
    is_paused: bool,
    polls: u64,
    crash_at: Option<u64>,
    pause_at: Option<u64>,
    armed: Option<(Point, Act)>,
    tasks: u64,
    wakers: BTreeMap<u64, Waker>,
}

/// A named point of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    Before(&'static str),
    After(&'static str),
}

/// What happens to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Crash,
    Pause,
}

impl Process {
    /// Starts one; `on_crash` is called in the moment of its crash.
    pub(super) fn start(on_crash: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            ended: Notify::new(),
            on_crash: Box::new(on_crash),
        }))
    }

    pub(super) fn is_dead(&self) -> bool {
        self.lock().is_dead
    }

    /// Waits for its end; one task does.
    pub(super) async fn ended(&self) {
        while !self.is_dead() {
            self.0.ended.notified().await;
        }
    }

    /// Runs a task as a part of it.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let number = {
            let mut state = self.lock();
            state.tasks += 1;
            state.tasks
        };
        tokio::spawn(Task {
            process: self.clone(),
            number,
            task: Some(Box::pin(task)),
        });
    }

    /// Ends it without a word.
    pub(super) fn crash(&self) {
        if !std::mem::replace(&mut self.lock().is_dead, true) {
            (self.0.on_crash)();
            self.wake();
            self.0.ended.notify_one();
        }
    }

    /// Lets something happen to it when its tasks have gone on so many times more.
    pub(super) fn act_after(&self, polls: u64, act: Act) {
        let mut state = self.lock();
        let at = Some(state.polls + polls);
        match act {
            Act::Crash => state.crash_at = at,
            Act::Pause => state.pause_at = at,
        }
    }

    /// Lets something happen to it when it comes to a point.
    pub(super) fn act_at(&self, point: Point, act: Act) {
        self.lock().armed = Some((point, act));
    }

    /// A task of it has come to a point.
    pub(super) async fn reach(&self, point: Point) {
        let act = {
            let mut state = self.lock();
            let armed = state.armed.take_if(|(at, _)| *at == point);
            armed.map(|(_, act)| act)
        };
        match act {
            Some(Act::Crash) => self.crash(),
            Some(Act::Pause) => self.lock().is_paused = true,
            None => return,
        }
        yield_now().await;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.lock().is_paused
    }

    /// Takes back what was to come, and lets it go on.
    pub(super) fn spare(&self) {
        let mut state = self.lock();
        state.crash_at = None;
        state.armed = None;
        drop(state);
        self.resume();
    }

    /// Lets it go on.
    pub(super) fn resume(&self) {
        let mut state = self.lock();
        state.is_paused = false;
        state.pause_at = None;
        drop(state);
        self.wake();
    }

    fn wake(&self) {
        let wakers = std::mem::take(&mut self.lock().wakers);
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    /// Counts a step of a task.
    fn step(&self) -> Step {
        let mut state = self.lock();
        if state.is_dead {
            return Step::Die;
        }
        if state.is_paused {
            return Step::Stand;
        }
        state.polls += 1;
        if state.pause_at.is_some_and(|at| at <= state.polls) {
            state.is_paused = true;
            return Step::Stand;
        }
        let is_time = state.crash_at.is_some_and(|at| at <= state.polls);
        drop(state);
        if is_time {
            self.crash();
            return Step::Die;
        }
        Step::Go
    }

    /// Every step leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Step {
    Go,
    Stand,
    Die,
}

struct Task {
    process: Process,
    number: u64,
    task: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let process = self.process.clone();
        let poll = match (process.step(), &mut self.task) {
            (Step::Go, Some(task)) => task.as_mut().poll(context),
            (Step::Stand, Some(_)) => Poll::Pending,
            _ => Poll::Ready(()),
        };
        match poll {
            Poll::Pending => {
                let waker = context.waker().clone();
                process.lock().wakers.insert(self.number, waker);
            }
            Poll::Ready(()) => {
                self.task = None;
                process.lock().wakers.remove(&self.number);
            }
        }
        poll
    }
}
