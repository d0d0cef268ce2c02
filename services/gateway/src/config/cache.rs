//! `[cache]`: answers to reads that are given again for a while.

use std::time::Duration;

use kabao_models::{Effect, Scheme, operations};

use super::section::Section;
use super::unit::MINUTE;
use crate::memory::CacheSettings;

pub(super) fn read(mut section: Section<'_>) -> CacheSettings {
    let mut settings = CacheSettings::default();
    let max_answers = section.number("max_answers", 10_000, (1, 1_000_000));
    settings.max_answers = usize::try_from(max_answers).unwrap_or(usize::MAX);
    let mut lifetimes = section.section("lifetimes");
    for operation in operations() {
        if !lifetimes.has(operation.id) {
            continue;
        }
        if operation.effect == Effect::Write {
            lifetimes.mistake(
                operation.id,
                "is a write, and only answers to reads are kept",
            );
            lifetimes.ignore(operation.id);
        } else if operation.scheme == Scheme::Credentials {
            lifetimes.mistake(
                operation.id,
                "answers with a credential, which is never kept here",
            );
            lifetimes.ignore(operation.id);
        } else {
            let bounds = (Duration::from_millis(100), 10 * MINUTE);
            let lifetime = lifetimes.duration(operation.id, Duration::ZERO, bounds);
            settings.lifetimes.keep(operation.id, lifetime);
        }
    }
    lifetimes.finish();
    section.finish();
    settings
}
