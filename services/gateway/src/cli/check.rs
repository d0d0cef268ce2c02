//! `kabao check`

use std::path::Path;
use std::process::ExitCode;

use super::output::{complain, fail, print};
use crate::clock;
use crate::config::{self, Environment, Mistakes, Summary};

pub(super) fn run(file: &Path) -> ExitCode {
    let now = clock::unix_seconds();
    match config::load(file, &Environment::of_process(), now) {
        Ok(settings) => {
            let summary = Summary::new(&settings, now);
            for warning in summary.warnings() {
                complain(&format_args!("warning: {warning}"));
            }
            print(&format_args!("{} is good\n\n{summary}", file.display()));
            ExitCode::SUCCESS
        }
        Err(mistakes) => refuse(&mistakes),
    }
}

/// Prints every mistake, and how many there are.
pub(super) fn refuse(mistakes: &Mistakes) -> ExitCode {
    complain(mistakes);
    match mistakes.len() {
        1 => fail("the configuration has 1 mistake"),
        count => fail(&format!("the configuration has {count} mistakes")),
    }
}
