//! `DIR/ready.json`: the actual addresses, for programs that start `kabao dev` on free ports.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Dev;
use super::error::DevError;

const NAME: &str = "ready.json";

/// The file, for as long as this value lives.
#[derive(Debug)]
pub(super) struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Removes what a run that was killed has left: its addresses are not ours.
    pub(super) fn remove_stale(directory: &Path) {
        let _ = fs::remove_file(directory.join(NAME));
    }

    /// Writes the file; a reader never sees half of it.
    pub(super) fn write(directory: &Path, dev: &Dev) -> Result<Self, DevError> {
        let path = directory.join(NAME);
        let temporary = directory.join(format!("{NAME}.tmp"));
        let addresses = json!({
            "grpc": dev.gateway.grpc(),
            "admin": dev.gateway.admin(),
            "sandbox": dev.sandbox.addr(),
            "control": dev.sandbox.control_addr(),
        });
        fs::write(&temporary, format!("{addresses:#}\n"))
            .and_then(|()| fs::rename(&temporary, &path))
            .map_err(|source| DevError::File {
                path: path.clone(),
                source,
            })?;
        Ok(Self(path))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!(%error, "ready.json could not be removed");
        }
    }
}
