//! Pages of lists.

use super::Refused;

/// One page of a list.
#[cfg_attr(test, derive(Debug))]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// How many items the whole list has.
    pub(super) total: i64,
}

/// Cuts a page out of all items: `offset` and `count` count items.
pub(super) fn page<T>(items: Vec<T>, offset: i64, count: i64) -> Result<Page<T>, Refused> {
    let offset = usize::try_from(offset).map_err(|_| Refused::Body("offset".into()))?;
    let count = usize::try_from(count).map_err(|_| Refused::Body("count".into()))?;
    Ok(Page {
        total: i64::try_from(items.len()).unwrap_or(i64::MAX),
        items: items.into_iter().skip(offset).take(count).collect(),
    })
}
