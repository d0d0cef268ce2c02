//! The promise about changes, put to the test: a change with a request id happens once, whatever crashes.
//!
//! - [`simulation`]: the journal itself, over models of a store, of WeChat and of processes that crash, in one
//!   thread, with time that only the simulation moves, and everything random from one seed.
//! - [`crash`]: the gateway itself, killed on a real disk.
//! - [`check`](check()): the judge of both. It sees what callers asked for and heard, and the ledger of WeChat.
//! - [`Bug`]: bugs that the judge has to find, so that nobody has to believe in it.

mod bug;
mod check;
pub mod crash;
mod history;
mod random;
pub mod simulation;

pub use self::bug::Bug;
pub use self::check::{Violation, check};
pub use self::history::{Answer, Asked, Effect, End, Event, Evidence, Heard, Intent, Source};
pub use self::random::Random;
