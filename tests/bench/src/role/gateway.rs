//! The gateway, as the binary `kabao` is: the same function with the same command line.

use std::process::ExitCode;

use super::{questions, say};
use crate::Counter;

pub(super) fn run(counter: Option<Counter>) -> ExitCode {
    let mut questions = questions();
    std::thread::spawn(move || {
        while questions.blocking_recv().is_some() {
            let counted = counter.map(|counter| counter()).unwrap_or_default();
            if say(&format!("counted {} {}", counted.count, counted.bytes)).is_err() {
                return;
            }
        }
    });
    kabao_gateway::run()
}
