//! The numbers of the log, for metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counted by whoever writes, read by whoever looks.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    changes: AtomicU64,
    late: AtomicU64,
    refusals: AtomicU64,
    unwritten_changes: AtomicU64,
    unwritten_refusals: AtomicU64,
    refused: AtomicU64,
    sequence: AtomicU64,
    failing: AtomicBool,
}

/// What a record is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// A change.
    Change,
    /// A later end of one.
    LateEnd,
    /// A refusal.
    Refusal,
}

impl Tally {
    /// Counts a record that was taken in or left out.
    pub(super) fn record(&self, counted: Counted, taken: bool) {
        let counter = match (counted, taken) {
            (Counted::Change, true) => &self.changes,
            (Counted::LateEnd, true) => &self.late,
            (Counted::Refusal, true) => &self.refusals,
            (Counted::Change | Counted::LateEnd, false) => &self.unwritten_changes,
            (Counted::Refusal, false) => &self.unwritten_refusals,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a change that was refused, since it could not be recorded.
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn written(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Relaxed);
    }

    /// Says whether writing fails; returns what was said before.
    pub(super) fn set_failing(&self, failing: bool) -> bool {
        self.failing.swap(failing, Ordering::Relaxed)
    }

    /// Whether what waits cannot be written at present.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Records that were taken in, by kind.
    pub(crate) fn records(&self) -> [(&'static str, u64); 3] {
        [
            ("change", &self.changes),
            ("late_end", &self.late),
            ("refusal", &self.refusals),
        ]
        .map(|(kind, count)| (kind, count.load(Ordering::Relaxed)))
    }

    /// Records that were left out, by kind.
    pub(crate) fn left_out(&self) -> [(&'static str, u64); 2] {
        [
            ("change", &self.unwritten_changes),
            ("refusal", &self.unwritten_refusals),
        ]
        .map(|(kind, count)| (kind, count.load(Ordering::Relaxed)))
    }

    /// Changes that were refused, since they could not be recorded.
    pub(crate) fn changes_refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The number of the last record.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }
}
