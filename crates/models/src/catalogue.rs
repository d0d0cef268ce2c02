//! What the catalogue has: all operations.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::generated::{brand, merchant, official_account};
use crate::operation::Operation;

/// Returns every operation of the catalogue, ordered by family and resource.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    merchant::OPERATIONS
        .iter()
        .chain(brand::OPERATIONS)
        .chain(official_account::OPERATIONS)
        .copied()
}

impl Operation {
    /// Finds an operation by its id.
    pub fn find(id: &str) -> Option<&'static Self> {
        static BY_ID: LazyLock<HashMap<&'static str, &'static Operation>> =
            LazyLock::new(|| operations().map(|known| (known.id, known)).collect());
        BY_ID.get(id).copied()
    }
}
