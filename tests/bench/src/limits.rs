//! What may not be exceeded: promises, and counts of the day on which this package was written.

/// A read costs at most so much of the bare path and an answer of the gateway's own together.
pub(crate) const READ: f64 = 1.10;
/// The same without RSA, which hides everything else.
pub(crate) const READ_WITHOUT_RSA: f64 = 1.40;
/// A core answers at least so much of what the bare client gets through.
pub(crate) const THROUGHPUT: f64 = 0.87;

/// Of more calls than it can do, the gateway answers so many in time.
pub(crate) const GOODPUT: f64 = 0.90;
/// A call that is refused costs at most so much of one that is admitted.
pub(crate) const REJECTION: f64 = 0.05;

/// Of the calls that WeChat takes, so many are made.
pub(crate) const QUOTA: f64 = 0.99;
/// Of ten equal callers, the one that is served most gets at most so much of what the one gets that is served least.
pub(crate) const FAIRNESS: f64 = 1.10;
/// With the backup host alone, at least so many calls are answered.
pub(crate) const FAILOVER: f64 = 0.90;
/// A call makes at most so many in an outage.
pub(crate) const AMPLIFICATION: f64 = 1.05;
/// MiB that the gateway occupies at most, whatever comes.
pub(crate) const MEMORY: f64 = 128.0;

/// Allocations of one call, or of one part of it, rounded up, whichever of a build for development and one for speed
/// needs more.
///
/// A write has its plan and its end written down since the gateway has a memory, and what brings open changes to their
/// end looks into the store once a second, which is counted with whatever call comes then: a busy machine counts up to
/// three in a hundred more.
pub(crate) const ALLOCATIONS: [(&str, f64); 8] = [
    ("alloc.own_answer", 130.0),
    ("alloc.portable_read", 160.0),
    ("alloc.family_read", 140.0),
    ("alloc.write", 237.0),
    ("alloc.reading", 15.0),
    ("alloc.writing", 4.0),
    ("alloc.converting", 69.0),
    ("alloc.refusing", 25.0),
];

/// The limit of one of [`ALLOCATIONS`].
pub(crate) fn allocations(name: &str) -> Option<f64> {
    let row = ALLOCATIONS.into_iter().find(|(row, _)| *row == name);
    row.map(|(_, limit)| limit)
}
