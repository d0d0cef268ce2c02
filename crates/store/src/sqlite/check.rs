//! A check of the whole file, beside the process that may have it.

use std::fs;
use std::io::ErrorKind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use kabao_journal::StoreError;
use rusqlite::{Connection, ErrorCode};

use super::error::failed;
use super::file::DatabaseFile;
use super::lock::{self, Watch};
use super::settings::EmbeddedSettings;
use super::statements::{COLUMNS, COLUMNS_BEFORE};
use super::{beside, founding, schema, table};
use crate::changes::Seals;
use crate::key_file;
use crate::place::Place;
use crate::report::{Fault, Report, chain};
use crate::table::Row;

/// So many rows are read at a time: a long read would keep the log of a running gateway from being shortened.
const ROWS: usize = 256;
/// So many changes that do not open are listed, and so many faults of the structure.
const LISTED: usize = 100;

/// So often somebody who starts a gateway is looked for; a start waits for readers for some seconds.
const LOOK: Duration = Duration::from_millis(200);

const RESTORE: &str = "restore it from a backup";

/// Looks for everything that is wrong.
pub(crate) fn check(settings: &EmbeddedSettings) -> Report {
    let mut check = Check {
        settings,
        file: DatabaseFile::new(settings.file.clone(), None),
        watch: None,
        report: Report {
            place: Place::File(settings.file.clone()),
            holder: None,
            version: None,
            changes: 0,
            faults: Vec::new(),
        },
    };
    check.run();
    check.report
}

struct Check<'a> {
    settings: &'a EmbeddedSettings,
    file: DatabaseFile,
    watch: Option<Watch>,
    report: Report,
}

impl Check<'_> {
    fn run(&mut self) {
        let path = self.settings.file.clone();
        match Watch::begin(&path) {
            Ok(watch) => {
                self.report.holder = watch.holder();
                self.watch = Some(watch);
            }
            Err(error) => self.fault(
                format!(
                    "the lock of the store {} cannot be read: {error}",
                    path.display()
                ),
                "run this as the owner of the store",
            ),
        }
        if !path.exists() {
            let (what, remedy) = founding::absence(&path);
            return self.fault(what, remedy);
        }
        self.modes();
        let keys = key_file::read(&self.settings.key_file);
        let database = self.file.require_header().and_then(|()| {
            let opened = self.file.open_beside();
            opened.map_err(|error| failed(&path, error))
        });
        let database = match database {
            Ok(database) => database,
            Err(error) => return self.error(&error, RESTORE),
        };
        match schema::known_version(&self.file, &database) {
            Ok(version) => self.report.version = Some(version),
            Err(error) => return self.error(&error, RESTORE),
        }
        self.structure(&database);
        let opened = keys.and_then(|(keys, _)| {
            let digests = schema::digest_key(&self.file, &database, &keys)?;
            Ok(Seals { keys, digests })
        });
        match opened {
            Ok(seals) => self.payloads(&database, &seals),
            Err(error) => self.error(&error, "without the right keys no payload was looked at"),
        }
    }

    /// Nobody but the owner may read or write any of the files.
    fn modes(&mut self) {
        let database = &self.settings.file;
        let files = [
            database.clone(),
            beside(database, "-wal"),
            beside(database, "-shm"),
            lock::path(database),
            self.settings.key_file.clone(),
        ];
        for file in files {
            match fs::metadata(&file) {
                Ok(found) => {
                    let mode = match file == self.settings.key_file {
                        true => key_file::open_mode(&found),
                        false => key_file::open_mode_of_data(&found),
                    };
                    if let Some(mode) = mode {
                        let name = file.display();
                        self.fault(
                            format!("others may use the file {name}, which has mode {mode:04o}"),
                            format!("chmod 600 {name}"),
                        );
                    }
                }
                Err(error) if error.kind() != ErrorKind::NotFound => self.fault(
                    format!("the file {} cannot be looked at: {error}", file.display()),
                    "run this as the owner of the store",
                ),
                _ => {}
            }
        }
    }

    fn structure(&mut self, database: &Connection) {
        let looked = || -> rusqlite::Result<Vec<String>> {
            let mut statement = database.prepare(&format!("PRAGMA integrity_check({LISTED})"))?;
            let found = statement.query_map([], |row| row.get(0))?;
            found.collect()
        };
        match self.making_way(database, looked) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                self.fault(
                    "a gateway opens the store, and the check of the structure has made way for it",
                    "run the check again",
                );
            }
            Ok(found) => {
                for line in found.iter().filter(|line| *line != "ok") {
                    // SQLite puts several faults of one table into one text.
                    let line = line.replace('\n', ", ");
                    self.fault(format!("the structure is damaged: {line}"), RESTORE);
                }
            }
            Err(error) => self.error(&failed(&self.settings.file, error), RESTORE),
        }
    }

    /// Reads for long, but not when somebody takes the lock meanwhile.
    fn making_way<T>(
        &self,
        database: &Connection,
        read: impl FnOnce() -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let Some(watch) = &self.watch else {
            return read();
        };
        let interrupt = database.get_interrupt_handle();
        let (reading, has_ended) = channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                while has_ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                    if watch.has_changed() {
                        interrupt.interrupt();
                    }
                }
            });
            let found = read();
            drop(reading);
            found
        })
    }

    /// Opens every payload, a few at a time.
    fn payloads(&mut self, database: &Connection, seals: &Seals) {
        let columns = match self.report.version {
            Some(..3) => COLUMNS_BEFORE,
            _ => COLUMNS,
        };
        let mut after = 0;
        let mut closed = 0;
        loop {
            let rows = match rows(database, columns, after) {
                Ok(rows) => rows,
                Err(error) => {
                    let file = self.settings.file.clone();
                    return self.error(&failed(&file, error), RESTORE);
                }
            };
            let count = rows.len();
            for row in rows {
                after = row.sequence;
                self.report.changes += 1;
                let name = format!("accounts/{}/changes/{}", row.account, row.id);
                let Err(error) = seals.opened(row) else {
                    continue;
                };
                closed += 1;
                if closed <= LISTED {
                    self.fault(
                        format!("{name} cannot be read: {}", chain(&error)),
                        format!(
                            "add the key that it was sealed with to {}, or restore a backup",
                            self.settings.key_file.display()
                        ),
                    );
                }
            }
            if count < ROWS {
                break;
            }
        }
        if closed > LISTED {
            let more = closed - LISTED;
            self.fault(
                format!("{more} more changes cannot be read"),
                "see those above",
            );
        }
    }

    fn error(&mut self, error: &StoreError, remedy: &str) {
        self.fault(chain(error), remedy);
    }

    fn fault(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.report.faults.push(Fault::new(what, remedy));
    }
}

fn rows(database: &Connection, columns: &str, after: i64) -> rusqlite::Result<Vec<Row>> {
    let statement =
        format!("SELECT {columns} FROM changes WHERE sequence > $1 ORDER BY sequence LIMIT {ROWS}");
    let mut statement = database.prepare_cached(&statement)?;
    let rows = statement.query_map([after], table::row)?;
    rows.collect()
}
