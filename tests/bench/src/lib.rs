//! What a call costs, beside the least that it could cost, measured in the same run.
//!
//! README.md beside this crate says how to run it and how to read what it prints. `section` has what is measured,
//! a file for each group; `role` has what other processes of this same program do meanwhile: the program starts
//! itself again as gateway, as sandbox, and as the bare client that the gateway is compared with.

mod clock;
mod control;
mod cores;
mod error;
mod filter;
mod limits;
mod load;
mod machine;
mod measure;
mod member;
mod pay;
mod process;
mod role;
mod section;
mod stage;
mod tls;
mod units;
mod variants;

use std::process::ExitCode;

pub use self::error::{Error, Result};
pub use self::units::Units;

/// What the process has asked its allocator for until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// How often.
    pub count: usize,
    /// For how many bytes.
    pub bytes: usize,
}

/// Asks the allocator of the program; only `kabao-bench-counting` has one that counts.
pub type Counter = fn() -> Allocations;

/// Runs the command line of the benchmarks, or the role that another process of them gave to this one.
pub fn run(counter: Option<Counter>) -> ExitCode {
    let ran = match role::Role::of_process() {
        Some(role) => role.play(counter),
        None => section::run(),
    };
    match ran {
        Ok(code) => code,
        Err(error) => {
            error::report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
