//! Generated files, in memory until they are written or compared.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;

/// Folders that hold nothing but generated files: what is there and not generated is stale.
const OWNED: &[&str] = &[
    "crates/models/src/generated",
    "crates/proto/src/generated",
    "proto/kabao/brand",
    "proto/kabao/merchant",
    "proto/kabao/officialaccount",
    "docs/reference",
];

/// Protos of a family that are written by hand, since no operation of the catalogue stands behind
/// them.
pub(crate) const HAND_WRITTEN: &[&str] = &["proto/kabao/officialaccount/v1/client_signature.proto"];

/// Generated files by their path below the root of the workspace.
#[derive(Debug, Default)]
pub struct Output {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Output {
    pub(crate) fn add(&mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), content.into());
    }

    pub(crate) fn protos(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.files
            .iter()
            .filter(|(path, _)| {
                path.extension()
                    .is_some_and(|extension| extension == "proto")
            })
            .map(|(path, content)| (path.as_path(), content.as_slice()))
    }

    /// Runs `rustfmt` over the Rust files.
    pub(crate) fn format(&mut self) -> Result<(), Error> {
        for (path, content) in &mut self.files {
            if path.extension().is_some_and(|extension| extension == "rs") {
                *content = rustfmt(content).map_err(|error| Error::at(path, error))?;
            }
        }
        Ok(())
    }

    /// Writes all files and removes stale ones.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be written.
    pub fn write(&self, root: &Path) -> Result<(), Error> {
        for stale in self.stale(root) {
            fs::remove_file(root.join(&stale)).map_err(|error| Error::at(&stale, error))?;
        }
        for (path, content) in &self.files {
            let target = root.join(path);
            if fs::read(&target).is_ok_and(|present| present == *content) {
                continue;
            }
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder).map_err(|error| Error::at(path, error))?;
            }
            fs::write(&target, content).map_err(|error| Error::at(path, error))?;
        }
        Ok(())
    }

    /// Returns the files below `root` that are missing, different or stale.
    ///
    /// # Errors
    ///
    /// Never fails at present; the signature leaves room for unreadable files.
    pub fn differences(&self, root: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut found = self.stale(root);
        for (path, content) in &self.files {
            if !fs::read(root.join(path)).is_ok_and(|present| present == *content) {
                found.push(path.clone());
            }
        }
        Ok(found)
    }

    fn stale(&self, root: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for folder in OWNED {
            walk(root, Path::new(folder), &mut found);
        }
        found.retain(|path| {
            let by_hand = HAND_WRITTEN.iter().any(|kept| path == Path::new(kept));
            !by_hand && !self.files.contains_key(path)
        });
        found
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return;
    };
    for entry in entries.flatten() {
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            walk(root, &path, found);
        } else {
            found.push(path);
        }
    }
}

fn rustfmt(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Written from a thread, or a full pipe in either direction would block both processes.
    let mut stdin = child
        .stdin
        .take()
        .ok_or_else(|| std::io::Error::other("no pipe to rustfmt"))?;
    let input = content.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let result = child.wait_with_output()?;
    writer
        .join()
        .map_err(|_| std::io::Error::other("the writer of rustfmt's input died"))??;
    if result.status.success() {
        Ok(result.stdout)
    } else {
        Err(std::io::Error::other(
            String::from_utf8_lossy(&result.stderr).into_owned(),
        ))
    }
}
