//! The thread that gives records their places in the chain and brings them to the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::chain::Link;
use super::keys::AuditKey;
use super::members::Members;
use super::queue::{LeftOut, Queue, Waiting};
use super::sink::Sink;
use super::tally::Tally;

/// After a failure, how long until the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// In the end, how long calls that were cut have to leave their records.
const LAST: Duration = Duration::from_secs(1);

/// How often is told that records were left out, at most.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// When a file is full, and how many stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    pub(super) bytes: u64,
    pub(super) age: Option<Duration>,
    /// How many old files stay; all of them if there is no number.
    pub(super) files: Option<usize>,
}

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) tally: Arc<Tally>,
    pub(super) sink: Sink,
    pub(super) link: Link,
    pub(super) key: AuditKey,
    pub(super) rotation: Rotation,
    /// How long a record may be written and not synced.
    pub(super) sync_every: Duration,
    pub(super) now: fn() -> Timestamp,
    /// When the present file was begun, or this process went on with it.
    pub(super) begun: Instant,
}

impl Writer {
    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut synced = Instant::now();
        let mut told = None;
        loop {
            let patience = self.sink.is_behind().then(|| {
                let since = synced.elapsed();
                self.sync_every.saturating_sub(since)
            });
            let (records, is_closed) = self.queue.take(patience);
            self.append_all(records);
            if is_closed {
                let last = self.queue.end(LAST);
                self.append_all(last);
            }
            let may_tell = told.is_none_or(|told: Instant| told.elapsed() >= TOLD_EVERY);
            if may_tell || is_closed {
                let left_out = self.queue.left_out();
                if !left_out.is_none() {
                    told = Some(Instant::now());
                    self.tell_left_out(left_out);
                }
            }
            if is_closed {
                self.append((self.now)(), &Members::of_kind("stop"));
                self.sync(true);
                return;
            }
            let is_due = self.sink.is_behind() && synced.elapsed() >= self.sync_every;
            if is_due || self.tally.is_failing() {
                self.sync(false);
                synced = Instant::now();
            }
        }
    }

    fn append_all(&mut self, records: VecDeque<Waiting>) {
        for Waiting { time, members } in records {
            self.append(time, &members);
            self.rotate_if_due();
        }
    }

    fn append(&mut self, time: Timestamp, members: &Members) {
        let line = self.link.seal(&self.key, time, members);
        self.tally.written(self.link.sequence);
        if let Err(error) = self.sink.append(&line) {
            self.fail("written", &error);
        }
    }

    fn tell_left_out(&mut self, left_out: LeftOut) {
        let mut members = Members::of_kind("left_out");
        members.number("changes", left_out.changes);
        members.number("refusals", left_out.refusals);
        self.append((self.now)(), &members);
    }

    /// Syncs, again and again if it fails: nothing else can be written before. `is_last` makes one try.
    fn sync(&mut self, is_last: bool) {
        while let Err(error) = self.sink.sync() {
            self.fail("synced", &error);
            if is_last || self.queue.closed_within(PAUSE) {
                // One more, now that it is the last.
                if let Err(error) = self.sink.sync() {
                    tracing::error!(%error, "the end of the audit log is lost");
                    return;
                }
                break;
            }
        }
        if self.tally.set_failing(false) {
            tracing::info!("the audit log is written again");
        }
        self.queue.set_failing(false);
    }

    fn fail(&self, what: &str, error: &std::io::Error) {
        self.queue.set_failing(true);
        if !self.tally.set_failing(true) {
            tracing::error!(%error, "the audit log cannot be {what}");
        }
    }

    fn rotate_if_due(&mut self) {
        let rotation = self.rotation;
        let is_old = rotation.age.is_some_and(|age| self.begun.elapsed() >= age);
        let Some(file) = self.sink.file() else { return };
        if file.len() < rotation.bytes && !is_old {
            return;
        }
        // Not tried again at once if it fails.
        self.begun = Instant::now();
        if let Err(error) = self.rotate(self.key.clone()) {
            tracing::error!(%error, "the file of the audit log could not be rotated; it grows on");
        }
    }

    /// Begins a new file, which has this key.
    pub(super) fn rotate(&mut self, key: AuditKey) -> std::io::Result<()> {
        self.sync(false);
        let next = self.link.sequence.saturating_add(1);
        let Some(file) = self.sink.file() else {
            return Ok(());
        };
        file.rotate(next)?;
        self.key = key;
        // Before anything else that may fail: a file without it cannot be verified.
        self.open();
        self.remove_surplus();
        Ok(())
    }

    /// Removes old files, as far as that can be done: the log goes on whatever becomes of them.
    fn remove_surplus(&mut self) {
        let (Some(files), Some(file)) = (self.rotation.files, self.sink.file()) else {
            return;
        };
        if let Err(error) = file.keep(files) {
            tracing::error!(%error, "an old file of the audit log could not be removed");
        }
    }

    /// Writes the first record of a file.
    pub(super) fn open(&mut self) {
        let mut members = Members::of_kind("open");
        members.text("key", self.key.id());
        self.append((self.now)(), &members);
    }

    /// Writes how long what a crash has torn is, behind that.
    pub(super) fn tell_torn(&mut self, bytes: u64) {
        let mut members = Members::of_kind("torn");
        members.number("bytes", bytes);
        self.append((self.now)(), &members);
    }

    /// Writes that a process begins.
    pub(super) fn start(&mut self) {
        let mut members = Members::of_kind("start");
        members.text("version", env!("CARGO_PKG_VERSION"));
        self.append((self.now)(), &members);
    }
}
