//! The error file: the rows that were refused, as they stood there, so that they can be corrected and given back.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::state::{Progress, State, sync_folder};
use super::table::Table;

/// Writes the refused rows that stand in no error file yet into a new one; `None` if there are none.
///
/// A file that is there is never touched: it may hold corrections.
pub(crate) fn write(
    table: &Table,
    state: &mut State,
    wanted: &Path,
) -> Result<Option<PathBuf>, String> {
    if let Some((file, rows)) = state.unfinished_report() {
        // An earlier run ended between naming the file and having it on the disk.
        if !file.exists() {
            put(table, state, &file, &rows)?;
        }
        state.reported()?;
    }
    let unreported: Vec<usize> = (0..)
        .zip(state.rows())
        .filter(|(_, row)| {
            matches!(
                row,
                Progress::Refused {
                    is_reported: false,
                    ..
                }
            )
        })
        .map(|(place, _)| place)
        .collect();
    if unreported.is_empty() {
        return Ok(None);
    }
    let file = free_name(wanted);
    state.reporting(&file, &unreported)?;
    put(table, state, &file, &unreported)?;
    state.reported()?;
    Ok(Some(file))
}

/// `members.csv` has its errors in `members.errors.csv`.
pub(crate) fn name_beside(file: &Path, extension: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}.errors.{extension}"))
}

/// Makes a file that only its owner may read; it has its name once it is complete.
pub(crate) fn create(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unnamed = file.as_os_str().to_owned();
    unnamed.push(".unfinished");
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut written = options.open(&unnamed)?;
    written.write_all(bytes)?;
    written.sync_all()?;
    fs::rename(&unnamed, file)?;
    sync_folder(file)
}

fn put(table: &Table, state: &State, file: &Path, rows: &[usize]) -> Result<(), String> {
    let refused = rows.iter().filter_map(|place| {
        let row = table.rows.get(*place)?;
        match state.rows().get(*place)? {
            Progress::Refused {
                reason, message, ..
            } => Some((row, reason.as_str(), message.as_str())),
            _ => None,
        }
    });
    let bytes = table.write_back(refused);
    create(file, &bytes).map_err(|error| format!("{} cannot be written: {error}", file.display()))
}

/// The name that is wanted, or the first one with a number that nobody has taken.
fn free_name(wanted: &Path) -> PathBuf {
    if !wanted.exists() {
        return wanted.to_owned();
    }
    let stem = wanted.file_stem().unwrap_or_default().to_string_lossy();
    let extension = wanted.extension().unwrap_or_default().to_string_lossy();
    let mut names =
        (2..).map(|number: u32| wanted.with_file_name(format!("{stem}-{number}.{extension}")));
    let free = names.find(|name| !name.exists());
    free.unwrap_or_else(|| wanted.to_owned())
}
