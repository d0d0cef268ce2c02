//! The names of old files: that of the file, and the number of their first record.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The name of an old file.
pub(super) fn rotated(path: &Path, first: u64) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{first:012}"));
    path.with_file_name(name)
}

/// The old files of a log with the numbers of their first records, the oldest first.
pub(super) fn rotated_of(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let name = path.file_name().unwrap_or_default();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.file_name();
        let number = found
            .as_encoded_bytes()
            .strip_prefix(name.as_encoded_bytes())
            .and_then(|rest| rest.strip_prefix(b"."))
            .filter(|digits| digits.len() >= 12 && digits.iter().all(u8::is_ascii_digit))
            .and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        if let Some(number) = number {
            files.push((number, path.with_file_name(&found)));
        }
    }
    files.sort();
    Ok(files)
}

/// All files of a log, the oldest first.
pub(crate) fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    let old = rotated_of(path)?;
    let mut files: Vec<PathBuf> = old.into_iter().map(|(_, path)| path).collect();
    if path.try_exists()? {
        files.push(path.to_owned());
    }
    Ok(files)
}

/// The file that keeps other processes away.
pub(super) fn lock(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".lock");
    path.with_file_name(name)
}
