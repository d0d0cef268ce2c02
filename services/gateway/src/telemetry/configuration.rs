//! Which configuration is served, and what became of the others.

use std::sync::{Arc, Mutex, PoisonError};

use kabao_grpc::WeakGenerations;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

/// How it is with the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReloadStatus {
    /// When the generation that is served was loaded, in seconds since 1970.
    pub(crate) loaded_at: i64,
    /// How many mistakes what was read last has; 0 if it is served.
    pub(crate) mistakes: u64,
    /// How many settings are not as the files say until the process is started again.
    pub(crate) waiting: u64,
    pub(crate) applied: u64,
    pub(crate) unchanged: u64,
    pub(crate) refused: u64,
}

/// The status as it is at any moment; it keeps nobody alive. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReloadBoard(Arc<Mutex<ReloadStatus>>);

impl ReloadBoard {
    pub(crate) fn status(&self) -> ReloadStatus {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut ReloadStatus)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Watches the number of the generation.
pub(super) fn watch_generation(meter: &Meter, generations: WeakGenerations) {
    meter
        .u64_observable_gauge("kabao.config.generation")
        .with_description(
            "The number of the configuration that is served: 1 from the start, one more after each reload.",
        )
        .with_callback(move |gauge| {
            if let Some(generation) = generations.current() {
                gauge.observe(generation.number(), &[]);
            }
        })
        .build();
}

/// Watches reloads.
pub(super) fn watch(meter: &Meter, board: &ReloadBoard) {
    let gauge = |name: &'static str, description: &'static str, value: fn(&ReloadBoard) -> i64| {
        let board = board.clone();
        meter
            .i64_observable_gauge(name)
            .with_description(description)
            .with_callback(move |gauge| gauge.observe(value(&board), &[]))
            .build();
    };
    gauge(
        "kabao.config.loaded_at",
        "When the configuration was loaded that is served, in seconds since 1970.",
        |board| board.status().loaded_at,
    );
    gauge(
        "kabao.config.mistakes",
        "Mistakes of the configuration that was read last; 0 if it is served.",
        |board| clamped(board.status().mistakes),
    );
    gauge(
        "kabao.config.needs_restart",
        "Settings that are not as the files say until the process is started again.",
        |board| clamped(board.status().waiting),
    );
    let board = board.clone();
    meter
        .u64_observable_counter("kabao.config.reloads")
        .with_description("Reloads by what became of them: applied, unchanged, refused.")
        .with_callback(move |counter| {
            let status = board.status();
            for (outcome, count) in [
                ("applied", status.applied),
                ("unchanged", status.unchanged),
                ("refused", status.refused),
            ] {
                counter.observe(count, &[KeyValue::new("kabao.outcome", outcome)]);
            }
        })
        .build();
}

fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
