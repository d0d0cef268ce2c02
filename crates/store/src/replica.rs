//! Names of processes.

use kabao_auth::random_nonce;
use kabao_journal::StoreError;

/// Makes a name that no process has or had.
pub(crate) fn name() -> Result<String, StoreError> {
    let name = random_nonce();
    name.map_err(|error| StoreError::new("a replica cannot be named").with_source(error))
}
