//! One page of a list.

use super::{Context, Refused, Rule};

/// One page of a list.
pub(super) struct Page<T> {
    pub(super) data: Option<Vec<T>>,
    pub(super) total_count: i64,
}

/// Cuts a page out of all entries, which come oldest first.
pub(super) fn page<T>(
    context: &Context<'_>,
    mut entries: Vec<T>,
    offset: i64,
    limit: i64,
) -> Result<Page<T>, Refused> {
    let skipped = usize::try_from(offset)
        .map_err(|_| Refused::query(Rule::OffsetNegative, "offset", offset))?;
    let total_count = i64::try_from(entries.len()).map_err(|_| Rule::Internal)?;
    if context.rules.newest_first {
        entries.reverse();
    }
    let length = usize::try_from(limit).unwrap_or(0);
    let data: Vec<T> = entries.into_iter().skip(skipped).take(length).collect();
    let data = (context.rules.answer_empty_data || !data.is_empty()).then_some(data);
    Ok(Page { data, total_count })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{context, rule};
    use super::*;
    use crate::settings;

    #[test]
    fn pages_count_records_and_may_lie_beyond_the_end() {
        let rules = settings::Brand::default();
        let numbers = || (1..=5).collect::<Vec<_>>();
        let cut = |offset, limit| page(&context(&rules), numbers(), offset, limit).unwrap();
        assert_eq!(cut(0, 2).data, Some(vec![1, 2]));
        assert_eq!(cut(4, 20).data, Some(vec![5]));
        let beyond = cut(9, 20);
        assert_eq!((beyond.data, beyond.total_count), (None, 5));
        assert_eq!(
            rule(page(&context(&rules), numbers(), -1, 1)),
            Rule::OffsetNegative
        );
        let rules = settings::Brand {
            newest_first: true,
            answer_empty_data: true,
            ..rules
        };
        let cut = |offset, limit| page(&context(&rules), numbers(), offset, limit).unwrap();
        assert_eq!(cut(0, 2).data, Some(vec![5, 4]));
        assert_eq!(cut(9, 2).data, Some(vec![]));
    }
}
