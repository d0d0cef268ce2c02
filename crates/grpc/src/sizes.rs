//! How large messages may be.

/// The largest message in either direction. It is tonic's own limit for requests, and what clients
/// of every language accept of an answer unless they are told otherwise.
pub(crate) const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// The largest question about health or methods, which whoever reaches the port may ask.
pub(crate) const MAX_QUESTION_BYTES: usize = 16 * 1024;
