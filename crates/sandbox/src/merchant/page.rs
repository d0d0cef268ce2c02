//! Pages of lists.

use super::{Context, Refused};
use crate::settings::PageOffset;

/// The largest page of the card lists.
const MAX_LIMIT: i64 = 20;

/// One page of a list.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) total: i64,
}

/// Cuts a page of a card list: `offset` counts what the settings say, `limit` is at most 20.
pub(super) fn cards<T>(
    context: &Context<'_>,
    items: Vec<T>,
    offset: Option<i64>,
    limit: Option<i64>,
) -> Result<Page<T>, Refused> {
    let (offset, limit) = (offset.unwrap_or(0), limit.unwrap_or(MAX_LIMIT));
    let skipped = match context.rules.page_offset {
        PageOffset::ItemIndex => offset,
        PageOffset::PageNumber => offset.saturating_mul(limit),
    };
    check(offset, limit, MAX_LIMIT)?;
    Ok(cut(context, items, skipped, limit))
}

/// Cuts a page of a list whose `offset` counts items.
pub(super) fn items<T>(
    context: &Context<'_>,
    items: Vec<T>,
    offset: i64,
    limit: i64,
    max: i64,
) -> Result<Page<T>, Refused> {
    check(offset, limit, max)?;
    Ok(cut(context, items, offset, limit))
}

fn check(offset: i64, limit: i64, max: i64) -> Result<(), Refused> {
    if offset < 0 {
        return Err(Refused::value("offset", "must not be negative", offset));
    }
    if limit < 1 {
        return Err(Refused::value("limit", "must be at least 1", limit));
    }
    if limit > max {
        return Err(Refused::value("limit", "is too large", limit));
    }
    Ok(())
}

fn cut<T>(context: &Context<'_>, mut items: Vec<T>, skipped: i64, limit: i64) -> Page<T> {
    if context.rules.newest_first {
        items.reverse();
    }
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    let limit = usize::try_from(limit).unwrap_or(0);
    Page {
        items: items.into_iter().skip(skipped).take(limit).collect(),
        total,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{context, rules};
    use super::*;
    use crate::settings;

    fn pages(rules: &settings::Merchant, offset: i64, limit: i64) -> Vec<i64> {
        let page = cards(
            &context(rules),
            (0..50).collect(),
            Some(offset),
            Some(limit),
        )
        .unwrap();
        assert_eq!(page.total, 50);
        page.items
    }

    #[test]
    fn the_setting_decides_what_an_offset_counts() {
        let items = rules();
        let numbers = settings::Merchant {
            page_offset: PageOffset::PageNumber,
            ..rules()
        };
        assert_eq!(pages(&items, 2, 3), [2, 3, 4]);
        assert_eq!(pages(&numbers, 2, 3), [6, 7, 8]);
        assert!(pages(&numbers, 17, 3).is_empty());
        let newest = settings::Merchant {
            newest_first: true,
            ..rules()
        };
        assert_eq!(pages(&newest, 0, 2), [49, 48]);
    }

    #[test]
    fn limits_are_held() {
        for (offset, limit) in [(-1, 20), (0, 0), (0, 21)] {
            assert!(cards(&context(&rules()), vec![1], Some(offset), Some(limit)).is_err());
        }
    }
}
