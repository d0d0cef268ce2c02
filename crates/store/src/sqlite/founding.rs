//! A database that is not there: a new one is made, unless there was one.
//!
//! Who lost a store has lost the memory of its changes, and a repeat of one would act a second time. So nothing takes
//! its place where a store was used before, which its lock tells: it is made before the database, and stays when the
//! process ends. Whoever wants to begin with an empty one moves that away, too.

use std::fs;
use std::io;
use std::path::Path;

use kabao_journal::StoreError;

use super::file::DatabaseFile;
use super::{beside, lock, schema};
use crate::key_file;
use crate::unopened::Unopened;

/// What is in the folder of a store before its lock is taken.
pub(super) struct Founding<'a> {
    file: &'a DatabaseFile,
    key_file: &'a Path,
    was_used: bool,
}

impl<'a> Founding<'a> {
    /// Looks around. Keys that are of no use are told before anything is left behind.
    pub(super) fn look(file: &'a DatabaseFile, key_file: &'a Path) -> Result<Self, Unopened> {
        if exists(key_file)? {
            key_file::read(key_file).map_err(Unopened::Mistake)?;
        }
        Ok(Self {
            file,
            key_file,
            was_used: exists(&lock::path(file.path()))?,
        })
    }

    /// Makes a database if there is none, with keys if there are none. Returns what an operator should be told.
    pub(super) fn make_if_missing(&self) -> Result<Option<String>, Unopened> {
        let path = self.file.path();
        if exists(path)? {
            return Ok(None);
        }
        require_no_log(path)?;
        // A start that did not get to its end has made no store that anybody could have used.
        let was_begun = exists(&DatabaseFile::unnamed(path))?;
        if self.was_used && !was_begun {
            return Err(StoreError::refused(format!(
                "{}: put it back, or move its lock {} away as well to begin with an empty one, which remembers none of \
                 the changes made before",
                gone(path),
                lock::path(path).display()
            ))
            .into());
        }
        let has_keys = exists(self.key_file)?;
        let created = self.file.create(|file| {
            let mut database = file.open()?;
            schema::create(file, &mut database)?;
            match has_keys {
                true => Ok(()),
                false => key_file::create_key_file(self.key_file),
            }
        });
        created.inspect_err(|_| self.take_lock_away())?;
        let told = has_keys && !was_begun;
        Ok(told.then(|| {
            format!(
                "the store {} was not there and has been made anew, though its keys were: if there was one, changes made \
                 before are not remembered",
                path.display()
            )
        }))
    }

    /// Where nothing was begun, the lock alone would tell of a store that was never there, and the next try would miss it.
    fn take_lock_away(&self) {
        let begun = DatabaseFile::unnamed(self.file.path());
        if !self.was_used && matches!(begun.try_exists(), Ok(false)) {
            // What stays is told of.
            let _ = fs::remove_file(lock::path(self.file.path()));
        }
    }
}

/// What is to be said of a store that is not there, and what helps.
pub(super) fn absence(database: &Path) -> (String, &'static str) {
    match lock::path(database).exists() && !DatabaseFile::unnamed(database).exists() {
        true => (
            gone(database),
            "put it back, or restore it from a backup; until then a gateway takes no changes",
        ),
        false => (
            format!("there is no store {}", database.display()),
            "name another one; a gateway makes it at its first start",
        ),
    }
}

fn gone(database: &Path) -> String {
    let database = database.display();
    format!("the store {database} is gone, though its lock tells that there was one")
}

/// A log whose database is gone would be played into the one that is made in its place.
fn require_no_log(database: &Path) -> Result<(), StoreError> {
    let log = beside(database, "-wal");
    match fs::metadata(&log).map(|metadata| metadata.len()) {
        Ok(1..) => Err(StoreError::refused(format!(
            "the store {} is not there, and its log {} is; put the store back, or move its log and its lock away as well \
             to begin with an empty one",
            database.display(),
            log.display()
        ))),
        _ => Ok(()),
    }
}

/// Tells whether a file is there. A disk that does not say is not taken for one that has none.
fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|error: io::Error| {
        let message = format!("{} cannot be looked for", path.display());
        StoreError::refused(message).with_source(error)
    })
}
