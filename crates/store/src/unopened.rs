//! Why a store does not open, and whether that may pass.

use std::error::Error as _;
use std::io::{self, ErrorKind};

use kabao_journal::StoreError;

/// Why a store does not open.
#[derive(Debug)]
pub(crate) enum Unopened {
    /// What this process was given is wrong: its keys, the mode of its folder, another process that has the store, a
    /// store that this program does not know. It stays so until somebody starts it otherwise.
    Mistake(StoreError),
    /// What is not here or does not work now: a disk, a file, a server. It may be there in a moment, or once somebody
    /// has mended it beside this process.
    Outage(StoreError),
}

impl Unopened {
    pub(crate) fn into_error(self) -> StoreError {
        match self {
            Self::Mistake(error) | Self::Outage(error) => error,
        }
    }
}

impl From<StoreError> for Unopened {
    /// A failure is an outage, unless the system says that this process may not do what it tries.
    fn from(error: StoreError) -> Self {
        let cause = error.source();
        let cause = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
        match cause.map(io::Error::kind) {
            Some(
                ErrorKind::PermissionDenied
                | ErrorKind::NotADirectory
                | ErrorKind::IsADirectory
                | ErrorKind::AlreadyExists
                | ErrorKind::InvalidFilename,
            ) => Self::Mistake(error),
            _ => Self::Outage(error),
        }
    }
}
