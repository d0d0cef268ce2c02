//! What an endpoint is asked.

use bytes::Bytes;

use super::query::Query;
use crate::world::World;

/// A request whose endpoint was found.
pub(super) struct Asked<'a> {
    pub(super) world: &'a World,
    pub(super) query: Query,
    pub(super) body: &'a Bytes,
    /// What the variable part of the path is.
    pub(super) part: &'a str,
}
