//! `[reload]`: how a running gateway hears of a new configuration.

use std::time::Duration;

use super::section::Section;
use super::unit::{HOUR, SECOND};

/// `[reload]`
#[derive(Clone, Debug)]
pub struct ReloadSettings {
    /// `poll`, default 10 s: how often the configuration and every file that it names are looked at; 0 for never.
    pub poll: Duration,
}

impl Default for ReloadSettings {
    fn default() -> Self {
        Self { poll: 10 * SECOND }
    }
}

impl ReloadSettings {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let least = Duration::from_millis(100);
        let poll = section.duration("poll", Self::default().poll, (Duration::ZERO, HOUR));
        if poll > Duration::ZERO && poll < least {
            section.mistake("poll", "must be `0`, or 100ms at least");
        }
        section.finish();
        Self { poll }
    }
}
