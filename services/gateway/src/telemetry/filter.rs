//! Which lines are logged, as an operator writes it.

use tracing_subscriber::filter::{LevelFilter, Targets};

/// Reads a level, or directives such as `info,kabao_client=debug`.
///
/// `tracing` takes a word that is no level for a target, of which everything is logged. A level with a slip in it would
/// then silence all others.
///
/// # Errors
///
/// What is wrong, and what to write.
pub(crate) fn filter(text: &str) -> Result<Targets, String> {
    let is_level = |word: &&str| {
        word.contains('=') || (!word.is_empty() && word.parse::<LevelFilter>().is_ok())
    };
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    if let Some(word) = words.iter().find(|word| !is_level(word)) {
        return Err(format!(
            "`{word}` is no level; there are `off`, `error`, `warn`, `info`, `debug` and `trace`, for all lines or for those \
             of one target: `info,kabao_client=debug`"
        ));
    }
    // A blank would be part of the target's name.
    words.join(",").parse::<Targets>().map_err(|error| {
        format!("{error}; write a level such as `info`, or `info,kabao_client=debug`")
    })
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_and_directives_are_read_and_a_slip_is_no_target() {
        for (text, target, level, expected) in [
            ("info", "kabao_client", Level::INFO, true),
            ("info", "kabao_client", Level::DEBUG, false),
            (
                "WARN, kabao_client=debug",
                "kabao_client",
                Level::DEBUG,
                true,
            ),
            ("warn,kabao_client=debug", "kabao_grpc", Level::INFO, false),
            ("off", "kabao_client", Level::ERROR, false),
        ] {
            let found = filter(text).unwrap().would_enable(target, &level);
            assert_eq!(found, expected, "{text}: {target} {level}");
        }
        for (text, named) in [
            ("inof", "`inof` is no level"),
            ("kabao_client", "`kabao_client` is no level"),
            ("info,kabao_client", "`kabao_client` is no level"),
            ("", "`` is no level"),
            ("info,", "`` is no level"),
            ("kabao_client=loud", "write a level"),
        ] {
            let error = filter(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
