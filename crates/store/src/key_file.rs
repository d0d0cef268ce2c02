//! The file of the keys that seal payloads.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use kabao_auth::{Plaintext, SealingKeys};
use kabao_journal::StoreError;

/// What nobody but the owner of a file may do with it, and with one of root: its group may read that, since so
/// Kubernetes mounts a secret for a process of another user.
const OTHERS: u32 = 0o077;
const OTHERS_THAN_ROOT: u32 = 0o037;

/// Returns the mode of a key file that others may use.
pub(crate) fn open_mode(file: &Metadata) -> Option<u32> {
    let others = match file.uid() {
        0 => OTHERS_THAN_ROOT,
        _ => OTHERS,
    };
    mode_for(others, file)
}

/// Returns the mode of a file that others may use, whoever owns it.
pub(crate) fn open_mode_of_data(file: &Metadata) -> Option<u32> {
    mode_for(OTHERS, file)
}

fn mode_for(others: u32, file: &Metadata) -> Option<u32> {
    let mode = file.mode() & 0o777;
    (mode & others != 0).then_some(mode)
}

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
                "is missing; without it nothing in the store can be opened: put it back, or move the store and its lock \
                 away to begin with an empty one"
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
    let mode = fs::metadata(path).ok().and_then(|file| open_mode(&file));
    let warning = mode.map(|mode| {
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_group_may_read_a_key_file_that_root_owns_and_no_other() {
        let name = format!("kabao-key-file-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, "").unwrap();
        let is_roots = fs::metadata(&file).unwrap().uid() == 0;
        for (mode, is_open, is_open_as_data) in [
            (0o600, false, false),
            (0o440, !is_roots, true),
            (0o660, true, true),
            (0o604, true, true),
        ] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let found = fs::metadata(&file).unwrap();
            assert_eq!(open_mode(&found).is_some(), is_open, "{mode:04o}");
            assert_eq!(
                open_mode_of_data(&found).is_some(),
                is_open_as_data,
                "{mode:04o}"
            );
        }
        fs::remove_file(&file).unwrap();
    }
}
