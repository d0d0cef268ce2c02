//! Whatever goes wrong ends the run, with its causes.

use std::error::Error as StdError;
use std::io::Write as _;

/// Anything that ends a benchmark.
pub type Error = Box<dyn StdError + Send + Sync>;

/// The result of a step.
pub type Result<T> = std::result::Result<T, Error>;

/// Prints an error with its causes.
pub(crate) fn report(error: &(dyn StdError + Send + Sync)) {
    let mut text = format!("kabao-bench: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text.push('\n');
    // Nothing is left to do if standard error is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
