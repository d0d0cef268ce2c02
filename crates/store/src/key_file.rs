//! The file of the keys that seal payloads.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use kabao_auth::{Plaintext, SealingKeys};
use kabao_journal::StoreError;

/// What nobody but the owner of a file may do with it.
pub(crate) const OTHERS: u32 = 0o077;

/// Makes a key file with one new key, which only its owner may read.
///
/// # Errors
/// If there is such a file already, or it cannot be written.
pub fn create_key_file(path: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| {
        let message = format!("the key file {} cannot be made", path.display());
        StoreError::new(message).with_source(error)
    };
    let line = SealingKeys::generate_line()
        .map_err(|error| StoreError::new("a new key cannot be made").with_source(error))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).map_err(failed)?;
    let text = b"# Keys of Kabao's store: the first one seals, every one opens. Without them nothing in it can be read.\n";
    file.write_all(text).map_err(failed)?;
    file.write_all(line.as_bytes()).map_err(failed)?;
    file.write_all(b"\n").map_err(failed)?;
    file.sync_all().map_err(failed)?;
    sync_folder_of(path)
}

/// Reads a key file; the second value is what its owner should be told about it.
pub(crate) fn read(path: &Path) -> Result<(SealingKeys, Option<String>), StoreError> {
    let text = fs::read(path).map(Plaintext::from).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => {
                "is missing; without it nothing in the store can be opened: put it back, or move the store away to \
                 begin with an empty one"
            }
            _ => "cannot be read",
        };
        let message = format!("the key file {} {why}", path.display());
        StoreError::new(message).with_source(error)
    })?;
    let keys = text.to_str().and_then(SealingKeys::parse);
    let keys = keys.map_err(|error| {
        let message = format!("the key file {} holds no usable keys", path.display());
        StoreError::new(message).with_source(error)
    })?;
    let mode = fs::metadata(path).map(|file| file.permissions().mode() & 0o777);
    let warning = mode.ok().filter(|mode| mode & OTHERS != 0).map(|mode| {
        let path = path.display();
        format!("the key file {path} has mode {mode:04o}; chmod 600 {path} keeps others from it")
    });
    Ok((keys, warning))
}

/// Makes the names in a file's folder durable.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| {
        let message = format!("the folder {} cannot be synced", folder.display());
        StoreError::new(message).with_source(error)
    })
}
