//! Notifications: what WeChat pushes to the merchant.

use crate::error::{DecodeError, EncodeError};
use crate::json;
use crate::object::Object;
use crate::record::Record;
use crate::tolerant::Deviation;

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
) -> Result<Box<T>, DecodeError> {
    let (payload, found) =
        json::read_received(Box::<T>::default, |payload| &mut **payload, plaintext)?;
    deviations.extend(found);
    Ok(payload)
}

/// Writes a payload.
pub(crate) fn write(payload: &dyn Record) -> Result<Vec<u8>, EncodeError> {
    json::write(payload).map_err(EncodeError)
}

/// Declares the notifications of a family: the type on the wire, the `original_type`, the variant and
/// its payload, the title and the pages.
macro_rules! notifications {
    ($($(#[$doc:meta])* $event:literal $original:literal $variant:ident($payload:ident) $title:literal [$($page:literal),*];)*) => {
        /// Every notification type of the family.
        pub static NOTIFICATIONS: &[$crate::NotificationType] = &[$(
            $crate::NotificationType {
                event_type: $event,
                original_type: $original,
                title: $title,
                docs: &[$($page),*],
            },
        )*];

        /// A decrypted notification.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Notification {$(
            #[doc = concat!("`", $event, "`: ", $title, ".")]
            $(#[$doc])*
            $variant(Box<$payload>),
        )*}

        impl Notification {
            /// Reads the plain text of a notification; `None` if the type is not known, in capital
            /// letters or small ones.
            ///
            /// # Errors
            ///
            /// Fails if the text is not one JSON object.
            pub fn parse(
                event_type: &str,
                plaintext: &[u8],
            ) -> Result<Option<Self>, $crate::DecodeError> {
                Self::read(event_type, plaintext, &mut Vec::new())
            }

            /// The same, and adds what is not as documented to `deviations`; their paths may be
            /// logged.
            ///
            /// # Errors
            ///
            /// Fails if the text is not one JSON object.
            pub fn read(
                event_type: &str,
                plaintext: &[u8],
                deviations: &mut Vec<$crate::Deviation>,
            ) -> Result<Option<Self>, $crate::DecodeError> {
                // `user_pay_from_pay_cell` is also printed with a capital letter.
                let is_meant = |known: &&$crate::NotificationType| {
                    known.event_type.eq_ignore_ascii_case(event_type)
                };
                let Some(known) = NOTIFICATIONS.iter().find(is_meant) else {
                    return Ok(None);
                };
                Ok(Some(match known.event_type {
                    $($event => Self::$variant($crate::notification::payload(plaintext, deviations)?),)*
                    _ => return Ok(None),
                }))
            }

            /// Returns the type on the wire.
            pub fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $event,)*
                }
            }

            /// Returns the payload.
            pub fn payload(&self) -> &dyn $crate::Record {
                match self {
                    $(Self::$variant(payload) => payload.as_ref(),)*
                }
            }

            /// Returns the payload for a change.
            pub fn payload_mut(&mut self) -> &mut dyn $crate::Record {
                match self {
                    $(Self::$variant(payload) => payload.as_mut(),)*
                }
            }

            /// Writes the payload as JSON.
            ///
            /// # Errors
            ///
            /// Fails if a sensitive field is still plain.
            pub fn to_json(&self) -> Result<Vec<u8>, $crate::EncodeError> {
                $crate::notification::write(self.payload())
            }

            /// Visits every sensitive field of the payload.
            pub fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut $crate::Sensitive)) {
                self.payload_mut().visit_sensitive(visit);
            }
        }
    };
}

pub(crate) use notifications;
