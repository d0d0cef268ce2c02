//! What the commands say in the end: the sum on standard output, everything else on standard error.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use crate::bulk::{BulkError, Changes, Export, ExportSummary, Summary};
use crate::cli::output::{complain, fail, print};

/// So many rows are listed whose outcome is not known.
const LISTED: usize = 20;

/// Nothing was sent.
pub(super) fn refused(file: &Path, error: &BulkError) -> ExitCode {
    let (faults, remedy) = match error {
        BulkError::Faults(faults) => (
            faults,
            "correct them, or leave the rows out with --skip-invalid",
        ),
        BulkError::Table(faults) => (
            faults,
            "correct them first; what the rows say is looked at after that",
        ),
        BulkError::Unusable(text) => return fail(text),
    };
    for fault in faults {
        complain(&format_args!("{}:{fault}", file.display()));
    }
    let count = match faults.len() {
        1 => "1 fault".to_owned(),
        count => format!("{count} faults"),
    };
    fail(&format!(
        "the file has {count}, so nothing was sent; {remedy}"
    ))
}

/// Changes were sent.
pub(super) fn changed(name: &str, changes: &Changes, summary: &Summary) -> ExitCode {
    let file = changes.file.display();
    if summary.earlier > 0 {
        complain(&format_args!(
            "{} were done by an earlier run and not sent again",
            summary.earlier
        ));
    }
    if summary.repeated > 0 {
        complain(&format_args!(
            "{} had been sent by an earlier run, and were done once",
            summary.repeated
        ));
    }
    reasons(&summary.reasons);
    for (reason, count) in &summary.passing {
        complain(&format_args!("{count} not sent for now: {reason}"));
    }
    for (line, why) in summary.unknown.iter().take(LISTED) {
        complain(&format_args!("{file}:{line}: not known: {why}"));
    }
    if summary.unknown.len() > LISTED {
        complain(&format_args!(
            "and {} more are not known",
            summary.unknown.len() - LISTED
        ));
    }
    written(summary.errors.as_deref());
    let unknown = summary.unknown.len();
    print(&format_args!(
        "{name} {file}: {} rows; {} done, {} refused, {unknown} unknown, {} not sent\n",
        summary.rows, summary.done, summary.refused, summary.unsent
    ));
    if unknown + summary.unsent > 0 {
        complain(&"the very same command goes on: what is done is not done again");
    }
    let is_all = summary.done == summary.rows;
    end(summary.signal, summary.stopped.as_deref(), is_all)
}

/// Members were read.
pub(super) fn exported(export: &Export, summary: &ExportSummary) -> ExitCode {
    if summary.earlier > 0 {
        complain(&format_args!(
            "{} were in the file already and not read again",
            summary.earlier
        ));
    }
    reasons(&summary.reasons);
    written(summary.errors.as_deref());
    print(&format_args!(
        "export {}: {} rows; {} written to {}, {} refused, {} not read\n",
        export.file.display(),
        summary.rows,
        summary.done,
        export.output.display(),
        summary.failed,
        summary.unread
    ));
    if summary.unread > 0 {
        complain(&"the very same command goes on");
    }
    let is_all = summary.done == summary.rows;
    end(summary.signal, summary.stopped.as_deref(), is_all)
}

fn reasons(reasons: &BTreeMap<String, usize>) {
    for (reason, count) in reasons {
        complain(&format_args!("{count} refused: {reason}"));
    }
}

fn written(errors: Option<&Path>) {
    if let Some(file) = errors {
        complain(&format_args!(
            "refused rows, with reason and message: {}; correct them there and give that file",
            file.display()
        ));
    }
}

fn end(signal: Option<u8>, stopped: Option<&str>, is_all: bool) -> ExitCode {
    if let Some(why) = stopped {
        return fail(&format!("stopped: {why}"));
    }
    match signal {
        Some(signal) => ExitCode::from(128 + signal),
        None if is_all => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}
