//! `[audit]`: whether and where changes and refusals are recorded.

use std::time::Duration;

use super::section::Section;
use super::unit::{HOUR, MINUTE, SECOND};
use crate::audit::{AuditOutput, AuditSettings, WhenFull};

const DEFAULT_BYTES: u32 = 64 * 1024 * 1024;

/// The keys that mean something only where records go to a file.
const OF_FILES: [&str; 3] = ["rotate_bytes", "rotate_after", "keep"];

/// Reads the section; without `file` and `stdout` nothing is recorded.
pub(super) fn read(mut section: Section<'_>) -> Option<AuditSettings> {
    let file = section.path("file");
    let to_stdout = section.boolean("stdout", false);
    let output = match (file, to_stdout) {
        (Some(file), true) => {
            let message = "stands beside `stdout = true`; records go to one of the two";
            section.reject(&file, message);
            None
        }
        (Some(file), false) => Some(AuditOutput::File {
            path: file.value,
            rotate_bytes: u64::from(section.bytes(
                "rotate_bytes",
                DEFAULT_BYTES,
                (64 * 1024, u32::MAX),
            )),
            rotate_after: section
                .has("rotate_after")
                .then(|| section.duration("rotate_after", 24 * HOUR, (MINUTE, 366 * 24 * HOUR))),
            keep: section
                .has("keep")
                .then(|| section.number("keep", 1, (1, 100_000)))
                .and_then(|keep| usize::try_from(keep).ok()),
        }),
        (None, true) => {
            for key in OF_FILES {
                section.refuse(key, "is for records that go to a file (`file`)");
            }
            Some(AuditOutput::Stdout)
        }
        (None, false) => None,
    };
    let Some(output) = output else {
        // Without a place there is no log, and nothing about it may be wrong.
        for key in OF_FILES.into_iter().chain([
            "key_file",
            "queue",
            "when_full",
            "sync_interval",
            "refusals_per_second",
        ]) {
            section.refuse(
                key,
                "needs `file` or `stdout = true` beside it, which say where records go",
            );
        }
        section.finish();
        return None;
    };
    let key_file = section.path("key_file");
    if key_file.is_none() && !section.has("key_file") {
        let message = "is required beside the place of the records: the file of the key that chains them and hides the \
                       names of members; it is made if it is not there";
        section.mistake("key_file", message);
    }
    let mut settings =
        AuditSettings::new(output, key_file.map(|key| key.value).unwrap_or_default());
    settings.queue =
        usize::try_from(section.number("queue", 8192, (64, 1_000_000))).unwrap_or(settings.queue);
    let policies = [("refuse", WhenFull::Refuse), ("count", WhenFull::Count)];
    if let Some(when_full) = section.word("when_full", &policies) {
        settings.when_full = when_full;
    }
    settings.sync_interval = section.duration(
        "sync_interval",
        settings.sync_interval,
        (Duration::ZERO, 60 * SECOND),
    );
    settings.refusals_per_second = section.number(
        "refusals_per_second",
        settings.refusals_per_second,
        (1, 10_000),
    );
    section.finish();
    Some(settings)
}
