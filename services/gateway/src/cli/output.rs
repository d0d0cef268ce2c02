//! What goes to the terminal. Logs are not this module's business.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code for a configuration, a file or an address that cannot be used.
const UNUSABLE: u8 = 1;

/// Prints lines to standard output; a reader that has gone away is no failure.
pub(super) fn print(text: &dyn fmt::Display) {
    let mut out = io::stdout().lock();
    let _ = write!(out, "{text}");
    let _ = out.flush();
}

/// Prints one line to standard error.
pub(super) fn complain(text: &dyn fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an error with its causes and returns the exit code for it.
pub(super) fn report(error: &dyn Error) -> ExitCode {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    fail(&text)
}

/// Prints a message and returns the exit code for what cannot be used.
pub(super) fn fail(message: &str) -> ExitCode {
    complain(&format_args!("kabao: {message}"));
    ExitCode::from(UNUSABLE)
}
