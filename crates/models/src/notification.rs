//! What is known of a notification besides its fields.

use serde::Serialize;

use crate::endpoint::{DecodeError, EncodeError};
use crate::object::Object;
use crate::tolerant::{self, Deviation};

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

/// Reads a payload tolerantly and adds what is not as documented to `deviations`.
pub(crate) fn payload<T: Object>(
    plaintext: &[u8],
    deviations: &mut Vec<Deviation>,
) -> Result<T, DecodeError> {
    let (payload, found) = tolerant::read(plaintext)?;
    deviations.extend(found);
    Ok(payload)
}

/// Writes a payload.
pub(crate) fn json<T: Serialize>(payload: &T) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(payload).map_err(EncodeError)
}
