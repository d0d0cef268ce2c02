//! Reads that need not be made.
//!
//! A call of WeChat costs a signature and a part of the quota, and the best one is the one that is not
//! made. [`Coalesced`] stands around the pipeline of one account: identical reads that are in flight at
//! the same time become one call, whose answer goes to all of them.
//!
//! What it never does is to let a read miss a write: whoever has seen a write of this process end reads
//! a state that has it in it, and reads that are part of a write are made for that write alone.

mod coalesced;
mod flights;
#[cfg(test)]
mod tests;

pub use self::coalesced::Coalesced;
