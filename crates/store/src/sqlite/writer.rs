//! The thread that writes: whatever waits for it goes into one transaction.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kabao_journal::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use tokio::runtime::Handle as Runtime;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::checkpoint::{Checkpoints, checkpoint};
use super::error::{ends_handle, failed, failed_commit};
use super::file::{DatabaseFile, shorten_log};
use super::identity::Identity;
use super::lock::FileLock;
use super::queue::Queue;
use super::schema::count_up;
use crate::observer::{Commit, Failure, StoreObserver};
#[cfg(feature = "testing")]
use crate::testing::CommitFaults;

/// Files that had their names so short a time ago are not looked at again: of changes in a row, each would pay a fifth
/// of its commit for that.
const RECENT: Duration = Duration::from_millis(5);

/// Hands commands to the thread. When it is dropped, the thread ends what waits and closes the file.
pub(super) struct Writer {
    commands: Arc<Waiting>,
    thread: Option<JoinHandle<()>>,
    observer: Arc<dyn StoreObserver>,
    timeout: Duration,
}

/// What the thread has for itself, dropped in this order: the lock goes last.
pub(super) struct Parts {
    pub(super) checkpoints: Checkpoints,
    pub(super) database: Connection,
    pub(super) file: DatabaseFile,
    /// The files in which the database was opened.
    pub(super) identity: Identity,
    /// How long after a failure a new handle is tried at the earliest; longer if a try takes long.
    pub(super) reopen_pause: Duration,
    /// Whether a failure has ended the handle, for whoever looks.
    pub(super) is_ended: Arc<AtomicBool>,
    pub(super) observer: Arc<dyn StoreObserver>,
    #[cfg(feature = "testing")]
    pub(super) faults: CommitFaults,
    pub(super) lock: FileLock,
}

/// One write. It changes the database by one statement, which SQLite undoes alone if it fails, or undoes everything.
pub(super) trait Command: Send {
    fn run(&mut self, database: &Connection) -> rusqlite::Result<()>;
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// Writes that are durable. Whoever waits for them is told when this is dropped, however that comes.
struct Committed(Vec<Box<dyn Command>>);

impl Drop for Committed {
    fn drop(&mut self) {
        for command in self.0.drain(..) {
            command.finish(Ok(()));
        }
    }
}

type Commands = VecDeque<Box<dyn Command>>;
pub(super) type Waiting = Queue<Box<dyn Command>>;

struct Write<W, T> {
    work: Option<W>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<W, T> Command for Write<W, T>
where
    W: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, database: &Connection) -> rusqlite::Result<()> {
        // Whoever has stopped waiting was told that it is not known, and asks for it again or takes it back.
        if let Some(work) = self.work.take().filter(|_| !self.reply.is_closed()) {
            self.value = Some(work(database)?);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        let nothing = || StoreError::refused("nobody waited for the store any more");
        // Whoever has stopped waiting does not need it.
        let _ = reply.send(outcome.and_then(|()| value.ok_or_else(nothing)));
    }
}

impl Writer {
    /// Starts the thread; those who write are told by the runtime in which this is called.
    pub(super) fn start(parts: Parts, timeout: Duration) -> Result<Self, StoreError> {
        let commands = Arc::new(Queue::new());
        let taken = Arc::clone(&commands);
        let observer = Arc::clone(&parts.observer);
        let thread = Thread {
            checkpoints: parts.checkpoints,
            handle: Handle::Open(parts.database),
            file: parts.file,
            identity: parts.identity,
            seen: None,
            is_misplaced: false,
            reopen_pause: parts.reopen_pause,
            is_ended: parts.is_ended,
            observer: parts.observer,
            runtime: Runtime::current(),
            #[cfg(feature = "testing")]
            faults: parts.faults,
            _lock: parts.lock,
        };
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run(&taken));
        let thread = thread.map_err(|error| {
            StoreError::new("the thread that writes cannot be started").with_source(error)
        })?;
        Ok(Self {
            commands,
            thread: Some(thread),
            observer,
            timeout,
        })
    }

    /// Where to say who is about to write.
    pub(super) fn queue(&self) -> &Arc<Waiting> {
        &self.commands
    }

    /// Does `work` in a transaction, and returns when that is durable.
    pub(super) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let closed = || StoreError::refused("the store is closed");
        let stopped = || StoreError::new("the store was closed meanwhile");
        let (reply, answer) = oneshot::channel();
        let command = Box::new(Write {
            work: Some(work),
            value: None,
            reply,
        });
        let written = async {
            let pushed = self.commands.push(command).await;
            pushed.map_err(|_| closed())?;
            answer.await.map_err(|_| stopped())?
        };
        let written = match timeout(self.timeout, written).await {
            Ok(written) => written,
            Err(_) => Err(StoreError::new("the disk under the store is too slow")),
        };
        written.inspect_err(|error| self.observer.write_failed(Failure::of(error)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.commands.close();
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has nothing to say any more.
            let _ = thread.join();
        }
    }
}

/// Closes the queue with the thread, and drops what waits there.
struct Closing<'q>(&'q Waiting);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
        self.0.clear();
    }
}

struct Thread {
    checkpoints: Checkpoints,
    handle: Handle,
    file: DatabaseFile,
    identity: Identity,
    /// When the files last had their names.
    seen: Option<Instant>,
    /// Whether other files had the names of those when it was looked last.
    is_misplaced: bool,
    reopen_pause: Duration,
    is_ended: Arc<AtomicBool>,
    observer: Arc<dyn StoreObserver>,
    runtime: Runtime,
    #[cfg(feature = "testing")]
    faults: CommitFaults,
    _lock: FileLock,
}

enum Handle {
    Open(Connection),
    /// Closed after a failure; a new one may be tried at that time.
    Ended {
        next: Instant,
    },
}

impl Thread {
    fn run(mut self, commands: &Waiting) {
        // However this ends, nobody waits for it any more.
        let _closing = Closing(commands);
        while let Some(group) = commands.take() {
            self.commit(group.into());
            self.checkpoints.committed();
        }
    }

    fn commit(&mut self, mut group: Commands) {
        while !group.is_empty() {
            if let Err(error) = self.require_files() {
                return refuse(group.drain(..), &error.to_string());
            }
            let ended = Handle::Ended {
                next: Instant::now() + self.reopen_pause,
            };
            let database = match mem::replace(&mut self.handle, ended) {
                Handle::Open(database) => Ok(database),
                Handle::Ended { next } => self.reopened(next),
            };
            match database.and_then(|database| self.transaction(database, &mut group)) {
                Ok(database) => self.handle = Handle::Open(database),
                Err(error) => refuse(group.drain(..), &error.to_string()),
            }
        }
    }

    /// What is written into a file that has lost its name is gone with this process.
    fn require_files(&mut self) -> Result<(), StoreError> {
        let is_open = matches!(self.handle, Handle::Open(_));
        let now = Instant::now();
        if is_open && self.seen.is_some_and(|seen| now < seen + RECENT) {
            return Ok(());
        }
        let path = self.file.path();
        let found = match is_open {
            true => self.identity.require(path),
            false => self.identity.files().require(path),
        };
        match &found {
            Err(error) if !self.is_misplaced => self.tell_ended(error),
            Ok(()) if self.is_misplaced && is_open => {
                self.is_ended.store(false, Ordering::Relaxed);
                tracing::info!(file = %path.display(), "the store is back, and takes changes again");
            }
            _ => {}
        }
        self.is_misplaced = found.is_err();
        self.seen = found.is_ok().then_some(now);
        found
    }

    /// Opens a new handle, makes durable anew what it goes on from, checks it, and sees whether it takes a write.
    fn reopened(&mut self, next: Instant) -> Result<Connection, StoreError> {
        let started = Instant::now();
        let file = self.file.path().display();
        if started < next {
            self.handle = Handle::Ended { next };
            return Err(StoreError::refused(format!(
                "the store {file} has failed, and is about to be opened anew"
            )));
        }
        let opened = self.file.open().and_then(|mut database| {
            let error = |error| failed(self.file.path(), error);
            probe(&mut database).map_err(error)?;
            self.checkpoints.watch(&mut database).map_err(error)?;
            self.identity = self.identity.files().opened(self.file.path())?;
            Ok(database)
        });
        match &opened {
            Ok(_) => {
                self.is_ended.store(false, Ordering::Relaxed);
                tracing::info!(%file, "the store was opened anew, and takes changes again");
            }
            Err(error) => {
                // A check of a large file, once a second, would leave time for nothing else.
                let pause = self.reopen_pause.max(started.elapsed() * 4);
                self.handle = Handle::Ended {
                    next: Instant::now() + pause,
                };
                tracing::warn!(%error, "the store still takes no changes");
            }
        }
        opened
    }

    /// Does as many commands as one transaction takes; gives the handle back unless it has ended.
    fn transaction(
        &mut self,
        database: Connection,
        group: &mut Commands,
    ) -> Result<Connection, StoreError> {
        let shortened = match (
            self.checkpoints.is_log_too_long(),
            self.checkpoints.has_rest(),
        ) {
            (true, _) => shorten_log(&database),
            (false, true) => checkpoint(&database).map(|_| ()),
            (false, false) => Ok(()),
        };
        if let Err(error) = shortened
            && ends_handle(&error)
        {
            return Err(self.ended(error));
        }
        if let Err(error) = execute(&database, "BEGIN IMMEDIATE") {
            if ends_handle(&error) {
                return Err(self.ended(error));
            }
            let error = failed(self.file.path(), error);
            refuse(group.drain(..), &error.to_string());
            return Ok(database);
        }
        let mut done = Vec::with_capacity(group.len());
        while let Some(mut command) = group.pop_front() {
            let Err(error) = command.run(&database) else {
                done.push(command);
                continue;
            };
            if ends_handle(&error) {
                let error = self.ended(error);
                refuse(done.drain(..).chain([command]), &error.to_string());
                return Err(error);
            }
            let error = failed(self.file.path(), error);
            // Some errors undo the whole transaction; what is left in the group begins another one.
            if database.is_autocommit() {
                refuse(done.drain(..), &error.to_string());
                command.finish(Err(error));
                return Ok(database);
            }
            command.finish(Err(error));
        }
        match self.end_timed(&database, done.len()) {
            Ok(()) => {
                self.tell_committed(Committed(done));
                Ok(database)
            }
            Err(error) => {
                self.tell_ended(&error);
                let why = error.to_string();
                let is_refusal = error.is_refusal();
                for command in done {
                    command.finish(Err(match is_refusal {
                        true => StoreError::refused(&why),
                        false => StoreError::new(&why),
                    }));
                }
                Err(error)
            }
        }
    }

    /// Wakes whoever waits. From here each of them would be a call of the kernel; one who is alone need not wait for a task.
    fn tell_committed(&self, committed: Committed) {
        match committed.0.len() {
            0 | 1 => drop(committed),
            _ => drop(self.runtime.spawn(async move { drop(committed) })),
        }
    }

    /// Commits so many writes, and tells how long that took.
    fn end_timed(&mut self, database: &Connection, writes: usize) -> Result<(), StoreError> {
        let begun = Instant::now();
        let ended = self.end(database);
        let ended = ended.map_err(|error| failed_commit(self.file.path(), error));
        let failure = ended.as_ref().err().map(Failure::of);
        let commit = Commit::new(writes, begun.elapsed(), failure);
        self.observer.commit_ended(commit);
        ended
    }

    /// Commits: when it returns, everything of the transaction is on the disk.
    #[cfg(not(feature = "testing"))]
    fn end(&mut self, database: &Connection) -> rusqlite::Result<()> {
        execute(database, "COMMIT")
    }

    #[cfg(feature = "testing")]
    fn end(&mut self, database: &Connection) -> rusqlite::Result<()> {
        self.faults.commit(|| execute(database, "COMMIT"))
    }

    fn ended(&self, error: rusqlite::Error) -> StoreError {
        let error = failed(self.file.path(), error);
        self.tell_ended(&error);
        error
    }

    /// Said before anybody is answered.
    fn tell_ended(&self, error: &StoreError) {
        self.is_ended.store(true, Ordering::Relaxed);
        tracing::error!(%error, "the store takes no changes until it is opened anew");
    }
}

fn execute(database: &Connection, statement: &str) -> rusqlite::Result<()> {
    database.prepare_cached(statement)?.execute([])?;
    Ok(())
}

fn probe(database: &mut Connection) -> rusqlite::Result<()> {
    let found: String = database.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(rusqlite::Error::SqliteFailure(corrupt, Some(found)));
    }
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    count_up(&transaction)?;
    transaction.commit()
}

/// Nothing of these was committed, and nothing will be.
fn refuse(commands: impl Iterator<Item = Box<dyn Command>>, why: &str) {
    for command in commands {
        command.finish(Err(StoreError::refused(why)));
    }
}
