//! What is known of a notification besides its fields.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::endpoint::{DecodeError, EncodeError};

/// Everything that is known of a notification besides its fields.
#[derive(Clone, Copy, Debug)]
pub struct NotificationType {
    /// The type on the wire, such as `MEMBERCARD.ACCEPT_CARD`.
    pub event_type: &'static str,
    /// The `original_type` of the encrypted resource.
    pub original_type: &'static str,
    /// What it tells, in a few words.
    pub title: &'static str,
    /// Upstream documentation pages.
    pub docs: &'static [&'static str],
}

/// Reads a payload.
pub(crate) fn payload<T: DeserializeOwned>(plaintext: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(plaintext).map_err(DecodeError::json)
}

/// Writes a payload.
pub(crate) fn json<T: Serialize>(payload: &T) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(payload).map_err(EncodeError)
}
