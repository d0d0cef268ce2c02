//! Numbers of the store: those of a database under the names of OpenTelemetry's conventions, where there are some.

use std::sync::Arc;
use std::time::Duration;

use kabao_store::{Commit, DatabaseVitals, Failure, FileVitals, StoreObserver, StoreVitals};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

/// Upper bounds of the buckets of commits and statements, in seconds: a disk that syncs well takes a millisecond, and
/// nobody waits for longer than the timeout of the store, 5 s.
const SECONDS: [f64; 13] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// Upper bounds of the buckets of writes that share a commit; there are at most 512.
const WRITES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The instruments of what a store does.
#[derive(Debug)]
pub(super) struct StoreCounts {
    commits: Histogram<f64>,
    writes: Histogram<u64>,
    operations: Histogram<f64>,
    waits: Histogram<f64>,
    failures: Counter<u64>,
}

impl StoreCounts {
    pub(super) fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str, description: &'static str| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(SECONDS.to_vec())
                .build()
        };
        Self {
            commits: seconds(
                "kabao.store.commit.duration",
                "Time of a commit of the embedded store with the sync of the disk, by outcome.",
            ),
            writes: meter
                .u64_histogram("kabao.store.commit.writes")
                .with_description("Writes that shared a commit of the embedded store.")
                .with_boundaries(WRITES.to_vec())
                .build(),
            operations: seconds(
                "db.client.operation.duration",
                "Time of an operation of the store in its database, without the wait for a connection, by operation and, if it failed, how.",
            ),
            waits: seconds(
                "db.client.connection.wait_time",
                "Time until an operation of the store had a connection to its database, also if it got none.",
            ),
            failures: meter
                .u64_counter("kabao.store.failures")
                .with_description(
                    "Writes of the embedded store, or operations in a database, that failed: nothing was done (refused), it may have been done (unknown), or nobody waited any more (cancelled).",
                )
                .build(),
        }
    }

    fn failed(&self, failure: Failure) {
        self.failures
            .add(1, &[KeyValue::new("kabao.outcome", failure.as_str())]);
    }
}

impl StoreObserver for StoreCounts {
    fn commit_ended(&self, commit: Commit) {
        let outcome = commit.failure.map_or("ok", Failure::as_str);
        let outcome = [KeyValue::new("kabao.outcome", outcome)];
        self.commits.record(commit.took.as_secs_f64(), &outcome);
        let writes = u64::try_from(commit.writes).unwrap_or(u64::MAX);
        self.writes.record(writes, &[]);
    }

    fn write_failed(&self, failure: Failure) {
        self.failed(failure);
    }

    fn connection_taken(&self, took: Duration, failure: Option<Failure>) {
        self.waits.record(took.as_secs_f64(), &[pool()]);
        if let Some(failure) = failure {
            self.failed(failure);
        }
    }

    fn operation_ended(&self, operation: &'static str, took: Duration, failure: Option<Failure>) {
        let mut labels = vec![
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.operation.name", operation),
        ];
        if let Some(failure) = failure {
            labels.push(KeyValue::new("error.type", failure.as_str()));
            self.failed(failure);
        }
        self.operations.record(took.as_secs_f64(), &labels);
    }
}

/// Watches a store.
pub(super) fn watch(meter: &Meter, vitals: impl Fn() -> StoreVitals + Send + Sync + 'static) {
    let vitals: Arc<dyn Fn() -> StoreVitals + Send + Sync> = Arc::new(vitals);
    let looked = Arc::clone(&vitals);
    meter
        .u64_observable_gauge("kabao.store.takes_changes")
        .with_description(
            "1 while the store takes changes as far as is known; 0 until it was opened, after a failure of its file until that was opened anew, and while its database is not reached.",
        )
        .with_callback(move |gauge| gauge.observe(u64::from(looked().takes_changes), &[]))
        .build();
    let file = |name, description, size: fn(FileVitals) -> u64| {
        let vitals = Arc::clone(&vitals);
        meter
            .u64_observable_gauge(name)
            .with_unit("By")
            .with_description(description)
            .with_callback(move |gauge| {
                if let Some(file) = vitals().file {
                    gauge.observe(size(file), &[]);
                }
            })
            .build();
    };
    file(
        "kabao.store.size",
        "Size of the file of the embedded store.",
        |file| file.size,
    );
    file(
        "kabao.store.log_size",
        "Size of the log beside the file of the embedded store.",
        |file| file.log_size,
    );
    let looked = Arc::clone(&vitals);
    meter
        .f64_observable_gauge("kabao.store.heartbeat.age")
        .with_unit("s")
        .with_description(
            "Time since the last sign of life began that got through to the database.",
        )
        .with_callback(move |gauge| {
            if let Some(age) = looked().database.and_then(|it| it.heartbeat_age) {
                gauge.observe(age.as_secs_f64(), &[]);
            }
        })
        .build();
    connections(meter, &vitals);
}

/// Hands on numbers of connections with their labels.
type Show = fn(DatabaseVitals, &dyn Fn(usize, &[KeyValue]));

fn connections(meter: &Meter, vitals: &Arc<dyn Fn() -> StoreVitals + Send + Sync>) {
    let gauge = |name, description, show: Show| {
        let vitals = Arc::clone(vitals);
        meter
            .u64_observable_gauge(name)
            .with_description(description)
            .with_callback(move |gauge| {
                if let Some(database) = vitals().database {
                    show(database, &|count, labels| {
                        gauge.observe(u64::try_from(count).unwrap_or(u64::MAX), labels);
                    });
                }
            })
            .build();
    };
    gauge(
        "db.client.connection.count",
        "Connections of the store to its database, in use (used) or waiting for use (idle).",
        |database, observe| {
            for (state, count) in [("used", database.used), ("idle", database.idle)] {
                let state = KeyValue::new("db.client.connection.state", state);
                observe(count, &[pool(), state]);
            }
        },
    );
    gauge(
        "db.client.connection.max",
        "How many connections of the store to its database there may be.",
        |database, observe| observe(database.most, &[pool()]),
    );
}

fn pool() -> KeyValue {
    KeyValue::new("db.client.connection.pool.name", "store")
}
