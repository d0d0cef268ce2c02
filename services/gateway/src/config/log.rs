//! `[log]`: what is written to standard error.

use super::section::Section;
use crate::telemetry::{LogFormat, LogSettings, filter};

pub(super) fn read(mut section: Section<'_>) -> LogSettings {
    let mut settings = LogSettings::default();
    let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
    if let Some(format) = section.word("format", &formats) {
        settings.format = format;
    }
    if let Some(level) = section.string("level") {
        match filter(&level.value) {
            Ok(_) => settings.level = level.value,
            Err(error) => section.reject(&level, error),
        }
    }
    section.finish();
    settings
}
