//! `kabao check`

mod online;

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{complain, fail, print};
use crate::clock;
use crate::config::{self, Environment, Mistakes, Summary};

pub(super) async fn run(file: PathBuf, online: bool) -> Result<ExitCode, ExitCode> {
    let now = clock::unix_seconds();
    let settings = config::load(&file, &Environment::of_process(), now)
        .map_err(|mistakes| refuse(&mistakes))?;
    let summary = Summary::new(&settings, now);
    for warning in summary.warnings() {
        complain(&format_args!("warning: {warning}"));
    }
    print(&format_args!("{} is good\n\n{summary}", file.display()));
    match online {
        true => Ok(online::run(&settings).await),
        false => Ok(ExitCode::SUCCESS),
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
