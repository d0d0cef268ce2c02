//! The key of the digests, which lies sealed in the store itself.
//!
//! So it stays the same when the keys of the file change, and a key file of another store is known at the start.

use kabao_auth::{DigestKey, Error, SealingKeys};
use kabao_journal::StoreError;

const PLACE: [&str; 2] = ["meta", "digest_key"];

/// Opens the key, or makes a new one if there is none. The second value is to be written: the key under the present
/// sealing key.
pub(crate) fn read(
    keys: &SealingKeys,
    sealed: Option<Vec<u8>>,
) -> Result<(DigestKey, Option<Vec<u8>>), StoreError> {
    let bytes = match &sealed {
        Some(sealed) => keys.open(&PLACE, sealed).map_err(foreign)?,
        None => DigestKey::generate().map_err(unusable)?,
    };
    let key = DigestKey::new(bytes.as_bytes()).map_err(unusable)?;
    if sealed.is_some_and(|sealed| keys.is_current(&sealed)) {
        return Ok((key, None));
    }
    let sealed = keys.seal(&PLACE, bytes.as_bytes()).map_err(unusable)?;
    Ok((key, Some(sealed)))
}

fn foreign(error: Error) -> StoreError {
    let message =
        "the key file is not that of the store: nothing in it would open; put the right one back";
    StoreError::new(message).with_source(error)
}

fn unusable(error: Error) -> StoreError {
    StoreError::new("the key of the digests is not usable").with_source(error)
}
