//! Which lines are logged, as `KABAO_LOG` says.

use std::error::Error;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The environment variable.
const VARIABLE: &str = "KABAO_LOG";

/// Writes log lines to standard error.
pub(crate) fn install() -> Result<(), Box<dyn Error>> {
    let filter = match std::env::var(VARIABLE) {
        Ok(text) if !text.is_empty() => {
            filter(&text).map_err(|error| format!("{VARIABLE}: {error}"))?
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(format!("{VARIABLE}: holds bytes that are no text").into());
        }
        _ => Targets::new().with_default(LevelFilter::WARN),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init()?;
    Ok(())
}

/// Reads a level, or directives such as `info,kabao_sandbox=debug`.
///
/// `tracing` takes a word that is no level for a target, of which everything is logged. A level with a slip in it would
/// then silence all others.
fn filter(text: &str) -> Result<Targets, String> {
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    let is_level = |word: &str| {
        word.contains('=') || (!word.is_empty() && word.parse::<LevelFilter>().is_ok())
    };
    if let Some(word) = words.iter().find(|word| !is_level(word)) {
        return Err(format!(
            "`{word}` is no level; there are `off`, `error`, `warn`, `info`, `debug` and `trace`, for all lines or for those \
             of one target: `info,kabao_sandbox=debug`"
        ));
    }
    // A blank would be part of the target's name.
    words.join(",").parse::<Targets>().map_err(|error| {
        format!("{error}; write a level such as `info`, or `info,kabao_sandbox=debug`")
    })
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_and_directives_are_read_and_a_slip_is_no_target() {
        for (text, target, level, expected) in [
            ("info", "kabao_sandbox", Level::INFO, true),
            ("info", "kabao_sandbox", Level::DEBUG, false),
            ("kabao_sandbox=debug", "kabao_sandbox", Level::DEBUG, true),
            (
                "warn, kabao_sandbox=debug",
                "kabao_sandbox",
                Level::DEBUG,
                true,
            ),
            ("off", "kabao_sandbox", Level::ERROR, false),
        ] {
            let found = filter(text).unwrap().would_enable(target, &level);
            assert_eq!(found, expected, "{text}: {target} {level}");
        }
        for (text, named) in [
            ("degub", "`degub` is no level"),
            ("info,kabao_sandbox", "`kabao_sandbox` is no level"),
            ("info,", "`` is no level"),
            ("kabao_sandbox=loud", "write a level"),
        ] {
            let error = filter(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
