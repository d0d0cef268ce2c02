//! One odd value hides nothing else: messages that are not quite as documented.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "../round_trip/catalogue.rs"]
mod catalogue;
mod odd_values;
mod properties;
mod requests;
