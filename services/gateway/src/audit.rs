//! The audit log: one record of every change and of every caller who was refused, in a chain that cannot be forged
//! without its key.
//!
//! `kabao-grpc` says what happened and who asked for it, the journal which changes have ended without their calls. A
//! record is put together where the call ends; names of members become keyed hashes there, so nothing that waits or is
//! written holds a personal value. A thread of its own gives each record its place and brings it to the disk.

mod chain;
mod file;
mod hash;
mod keys;
mod members;
mod queue;
mod sink;
mod tally;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;
use kabao_api::{AccountId, CallerId, ChangeState, Error, Reason, RequestId};
use kabao_grpc::{Audit, AuditKind, AuditRecord, code_name};
use kabao_journal::{ChangeKey, ChangeObserver};
use tokio::time::Instant;

pub(crate) use self::file::files_of;
pub(crate) use self::hash::Hash;
pub(crate) use self::keys::{AuditKeys, KeyError};
pub(crate) use self::tally::Tally;
pub(crate) use self::verify::{Flaw, Verified, verify};

use self::chain::Link;
use self::file::{Found, ResumeError, resume};
use self::keys::AuditKey;
use self::members::Members;
use self::queue::{Bounds, NoPlace, Queue, Waiting};
use self::sink::Sink;
use self::tally::Counted;
use self::writer::{Rotation, Writer};
use crate::clock;

/// How long the end of the process waits for what is still to be written.
const CLOSING: Duration = Duration::from_secs(5);

/// `[audit]`
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// Where records go.
    pub output: AuditOutput,
    /// `key_file`: the keys that chain records and hide names; it is made if it is not there.
    pub key_file: PathBuf,
    /// `queue`, default 8192: how many records may wait to be written.
    pub queue: usize,
    /// `when_full`, default `refuse`: what becomes of changes that cannot be recorded.
    pub when_full: WhenFull,
    /// `sync_interval`, default 1 s: how long a record may be written and not on the disk; 0 syncs whatever is there at once.
    pub sync_interval: Duration,
    /// `refusals_per_second`, default 10: how many refused callers are recorded in a second; the others are counted.
    pub refusals_per_second: u32,
}

/// Where records go.
#[derive(Clone, Debug)]
pub enum AuditOutput {
    /// Lines on standard output.
    Stdout,
    /// A file.
    File {
        /// `file`.
        path: PathBuf,
        /// `rotate_bytes`, default 64 MiB.
        rotate_bytes: u64,
        /// `rotate_after`; by size alone if it is not set.
        rotate_after: Option<Duration>,
        /// `keep`: how many old files stay; all of them if it is not set.
        keep: Option<usize>,
    },
}

/// What becomes of changes that cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// They are refused, and nothing is sent.
    Refuse,
    /// They go on, and are counted.
    Count,
}

impl AuditSettings {
    /// A file with everything else as it is by default.
    pub fn to_file(path: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        Self::new(
            AuditOutput::File {
                path: path.into(),
                rotate_bytes: 64 * 1024 * 1024,
                rotate_after: None,
                keep: None,
            },
            key_file.into(),
        )
    }

    pub(crate) fn new(output: AuditOutput, key_file: PathBuf) -> Self {
        Self {
            output,
            key_file,
            queue: 8192,
            when_full: WhenFull::Refuse,
            sync_interval: Duration::from_secs(1),
            refusals_per_second: 10,
        }
    }
}

/// Why there is no audit log.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AuditError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Resume(#[from] ResumeError),
    #[error("the thread of the audit log cannot be started")]
    Thread(#[source] std::io::Error),
    #[error("the audit log cannot be rotated to a file of its new key")]
    Rotate(#[source] std::io::Error),
}

/// The audit log of a process. Clones are the same; it ends with the last one.
#[derive(Clone)]
pub(crate) struct AuditLog(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    tally: Arc<Tally>,
    key: AuditKey,
    writing: Mutex<Option<JoinHandle<()>>>,
}

impl AuditLog {
    /// Goes on with the log, or begins one. It reads and writes files.
    ///
    /// # Errors
    ///
    /// [`AuditError`] if key or files cannot be used, or do not belong together.
    pub(crate) fn open(settings: &AuditSettings) -> Result<Self, AuditError> {
        Self::begin(settings).map_err(AuditError)
    }

    fn begin(settings: &AuditSettings) -> Result<Self, Cause> {
        let keys = AuditKeys::read_or_make(&settings.key_file)?;
        let key = keys.current().cloned().ok_or_else(|| {
            let error = kabao_auth::Error::InvalidSealingKey { line: 0 };
            KeyError::Unusable(settings.key_file.clone(), error)
        })?;
        let queue = Arc::new(Queue::new(Bounds {
            capacity: settings.queue,
            refuses: settings.when_full == WhenFull::Refuse,
            refusals_per_second: settings.refusals_per_second,
        }));
        let tally = Arc::new(Tally::default());
        let (sink, found) = match &settings.output {
            AuditOutput::Stdout => (Sink::Stdout(Vec::new()), None),
            AuditOutput::File { path, .. } => {
                let Found {
                    file,
                    link,
                    is_new,
                    other_key,
                    torn,
                } = resume(path, &keys)?;
                let sink = Sink::File(Box::new(file));
                (sink, Some((link, is_new, other_key, torn)))
            }
        };
        let rotation = match settings.output {
            AuditOutput::Stdout => Rotation {
                bytes: u64::MAX,
                age: None,
                files: None,
            },
            AuditOutput::File {
                rotate_bytes,
                rotate_after,
                keep,
                ..
            } => Rotation {
                bytes: rotate_bytes,
                age: rotate_after,
                files: keep,
            },
        };
        let (link, is_new, other_key, torn) = found.unwrap_or((Link::NONE, true, None, None));
        let has_other_key = other_key.is_some();
        let mut writer = Writer {
            queue: Arc::clone(&queue),
            tally: Arc::clone(&tally),
            sink,
            link,
            key: other_key.unwrap_or_else(|| key.clone()),
            rotation,
            sync_every: settings.sync_interval,
            now: timestamp,
            begun: Instant::now(),
        };
        if is_new {
            writer.open();
        }
        // It belongs right behind what it tells of, in the file of that and under its key.
        if let Some(bytes) = torn {
            writer.tell_torn(bytes);
        }
        if has_other_key {
            writer.rotate(key.clone()).map_err(Cause::Rotate)?;
        }
        writer.start();
        tracing::info!(
            sequence = link.sequence,
            hash = %link.hash,
            key = key.id(),
            torn,
            "the audit log goes on behind this record"
        );
        let writing = thread::Builder::new()
            .name("kabao-audit".to_owned())
            .spawn(move || writer.run())
            .map_err(Cause::Thread)?;
        Ok(Self(Arc::new(Inner {
            queue,
            tally,
            key,
            writing: Mutex::new(Some(writing)),
        })))
    }

    /// Its numbers.
    pub(crate) fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.0.tally)
    }

    /// Takes nothing in any more, and waits a little until everything is on the disk.
    pub(crate) async fn close(&self) {
        self.0.queue.close();
        let writing = self
            .0
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(writing) = writing else { return };
        let written = tokio::task::spawn_blocking(move || writing.join());
        if tokio::time::timeout(CLOSING, written).await.is_err() {
            tracing::error!("the audit log was not written to its end in time");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuditLog").field(&self.0.tally).finish()
    }
}

impl Audit for AuditLog {
    fn admit(&self) -> Result<(), Error> {
        let why = match self.0.queue.reserve() {
            Ok(()) => return Ok(()),
            Err(NoPlace::Full) => {
                "as many records of changes wait to be written as may (audit.queue)"
            }
            Err(NoPlace::Failing) => "the audit log cannot be written",
            Err(NoPlace::Closed) => "the audit log is closed, since the gateway ends",
        };
        self.0.tally.refused();
        let message = format!("nothing is changed that could not be recorded: {why}");
        Err(Error::new(Reason::Store, message))
    }

    fn record(&self, record: &AuditRecord<'_>) {
        let kind = match record.kind {
            AuditKind::Change => "change",
            AuditKind::Refusal => "refusal",
            AuditKind::LateEnd => "late_end",
        };
        let mut members = Members::of_kind(kind);
        members.given("caller", record.caller.map(CallerId::as_str));
        let peer = record.peer.map(|peer| peer.to_string());
        members.given("peer", peer.as_deref());
        members.text("method", record.method);
        members.given("account", record.account.map(AccountId::as_str));
        let names = record.subjects.iter();
        members.texts("names", names.map(|name| self.0.key.name(name)));
        members.text("call_id", record.call_id.as_str());
        members.given("request_id", record.request_id.map(RequestId::as_str));
        if let Some(item) = record.item {
            members.number("item", item);
        }
        members.text("code", code_name(record.code));
        members.given("reason", record.reason.map(Reason::as_str));
        members.given("upstream_request_id", record.upstream_request_id);
        members.given("change", record.change.map(ChangeState::as_str));
        members.truth("may_have_executed", record.may_have_executed);
        let waiting = now(members);
        let (counted, taken) = match record.kind {
            AuditKind::Change => (Counted::Change, self.0.queue.change(waiting)),
            AuditKind::Refusal => (Counted::Refusal, self.0.queue.refusal(waiting)),
            AuditKind::LateEnd => (Counted::LateEnd, self.0.queue.late(waiting)),
        };
        self.0.tally.record(counted, taken);
    }
}

impl ChangeObserver for AuditLog {
    fn ended(&self, key: &ChangeKey, method: &str, state: ChangeState) {
        let mut members = Members::of_kind("late_end");
        members.text("method", method);
        members.text("account", key.account.as_str());
        members.text("request_id", key.id.as_str());
        members.text("change", state.as_str());
        members.truth("may_have_executed", false);
        let taken = self.0.queue.late(now(members));
        self.0.tally.record(Counted::LateEnd, taken);
    }
}

fn now(members: Members) -> Waiting {
    let time = timestamp();
    Waiting { time, members }
}

fn timestamp() -> Timestamp {
    Timestamp::try_from(clock::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}
