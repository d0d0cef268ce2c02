//! What the lists of all families share: pages, and reading what a list only names.

use futures_util::{Stream, StreamExt, TryStreamExt};
use kabao_api::{
    AccountId, Cursor, Error, MemberName, Method, Page, PageScope, Personal, Reason, TemplateId,
    TemplateName, View,
};
use kabao_models::Extra;
use serde_json::value::RawValue;

use crate::portable::unreadable;

/// How many reads of one list run at once.
const READS_AT_ONCE: usize = 8;

/// What the pages of a list of templates are bound to.
pub(crate) fn templates_scope(account: &AccountId, view: View) -> PageScope {
    PageScope::new(Method::ListTemplates, &[account.as_str(), word(view)])
}

/// What the pages of a list of members are bound to.
pub(crate) fn members_scope(
    account: &AccountId,
    template: Option<&TemplateId>,
    openid: &Personal,
    view: View,
) -> PageScope {
    let template = template.map_or("-", TemplateId::as_str);
    PageScope::new(
        Method::ListMembers,
        &[account.as_str(), template, openid.expose(), word(view)],
    )
}

fn word(view: View) -> &'static str {
    match view {
        View::Full => "full",
        _ => "basic",
    }
}

/// What WeChat answered to a request for one page, in items.
pub(crate) struct Answered {
    /// How many items came.
    pub(crate) items: usize,
    /// How many there are on all pages.
    pub(crate) total: Option<i64>,
}

/// Finds the place after a page of a list that pages by item.
///
/// It counts from what was asked for, not from the offset in the answer: in the samples of the
/// documents that one is off by one.
///
/// # Errors
///
/// [`Reason::UpstreamMalformed`] if the list ends before its own total: then the offset means
/// something else than items, and going on would leave out some of them.
pub(crate) fn following(cursor: Cursor, answered: &Answered) -> Result<Option<Cursor>, Error> {
    let came = u64::try_from(answered.items).unwrap_or(u64::MAX);
    let offset = cursor.offset.saturating_add(came);
    let more = match answered.total.map(u64::try_from) {
        Some(Ok(total)) => offset < total,
        // Without a total, a full page is followed by another one.
        _ => came >= u64::from(cursor.size),
    };
    match (more, came) {
        (false, _) => Ok(None),
        (true, 0) => Err(Error::new(
            Reason::UpstreamMalformed,
            "the list ends before the number of items that it states",
        )),
        (true, _) => Ok(Some(Cursor {
            offset,
            size: cursor.size,
        })),
    }
}

/// The items of a list in an answer, and how many came. Odd entries are left out when an answer is
/// read, and count all the same: the place after a page is counted in what WeChat sent.
///
/// # Errors
///
/// [`Reason::UpstreamMalformed`] if the member is there and no list: nobody knows what it holds, and
/// an empty page would say that it holds nothing.
pub(crate) fn items<T>(
    list: Option<Vec<T>>,
    extra: &Extra,
    member: &'static str,
) -> Result<(Vec<T>, usize), Error> {
    let items = list.unwrap_or_default();
    let came = match extra.get(member) {
        None => items.len(),
        Some(json) => serde_json::from_str::<Vec<&RawValue>>(json)
            .map_err(|_| unreadable(member))?
            .len(),
    };
    Ok((items, came))
}

/// Joins the parts of a page.
pub(crate) fn page<T>(
    items: Vec<T>,
    scope: PageScope,
    next: Option<Cursor>,
    total: Option<i64>,
) -> Page<T> {
    Page {
        items,
        next: next.map(|cursor| scope.token(cursor)),
        total: total.and_then(|total| u64::try_from(total).ok()),
    }
}

/// The offset or size of a page as WeChat counts.
pub(crate) fn count(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// Reads several things of one list, a few at once, in the order of the list; what is `None` is
/// left out.
pub(crate) async fn read_all<T, F>(reads: impl Iterator<Item = F>) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<Option<T>, Error>>,
{
    concurrently(reads)
        .try_filter_map(async |item| Ok(item))
        .try_collect()
        .await
}

fn concurrently<F: Future>(reads: impl Iterator<Item = F>) -> impl Stream<Item = F::Output> {
    futures_util::stream::iter(reads).buffered(READS_AT_ONCE)
}

/// Leaves out what is gone since the list was made.
pub(crate) fn unless_gone<T>(read: Result<T, Error>, gone: Reason) -> Result<Option<T>, Error> {
    match read {
        Ok(item) => Ok(Some(item)),
        Err(error) if error.reason() == gone => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names an item of a list; `None`, with a warning, for one whose id is missing or cannot be one. It
/// has no name to be asked for by, and must not hide the others.
pub(crate) fn template_name(account: &AccountId, id: Option<&str>) -> Option<TemplateName> {
    let id = id.and_then(|id| TemplateId::new(id).ok());
    if id.is_none() {
        left_out(account);
    }
    Some(TemplateName::new(account.clone(), id?))
}

/// The same for a member.
pub(crate) fn member_name(template: TemplateName, code: Option<Personal>) -> Option<MemberName> {
    let account = template.account().clone();
    let name = code.and_then(|code| MemberName::new(template, code).ok());
    if name.is_none() {
        left_out(&account);
    }
    name
}

fn left_out(account: &AccountId) {
    tracing::warn!(
        %account,
        "an item of a list of WeChat has no id, or one that cannot be one, and was left out"
    );
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_list_goes_on_until_its_total_and_never_ends_before_it() {
        let cursor = Cursor {
            offset: 20,
            size: 20,
        };
        let after = |items, total| {
            following(cursor, &Answered { items, total })
                .map(|next| next.map(|cursor| cursor.offset))
                .map_err(|error| error.reason())
        };
        assert_eq!(after(20, Some(45)), Ok(Some(40)));
        assert_eq!(after(5, Some(45)), Ok(Some(25)));
        assert_eq!(after(20, Some(40)), Ok(None));
        assert_eq!(after(0, Some(20)), Ok(None));
        assert_eq!(after(0, Some(45)), Err(Reason::UpstreamMalformed));
        assert_eq!(after(20, None), Ok(Some(40)));
        assert_eq!(after(19, None), Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn reads_of_a_list_run_a_few_at_once_and_keep_its_order() {
        let started = tokio::time::Instant::now();
        let reads = (0..20_u32).map(|index| async move {
            tokio::time::sleep(Duration::from_millis(u64::from(20 - index))).await;
            Ok((index != 3).then_some(index))
        });
        let read = read_all(reads).await.unwrap();
        let expected: Vec<_> = (0..20).filter(|index| *index != 3).collect();
        assert_eq!(read, expected);
        let elapsed = started.elapsed();
        assert!(elapsed > Duration::from_millis(20) && elapsed < Duration::from_millis(100));
    }

    #[test]
    fn only_what_is_gone_is_left_out() {
        let read =
            |reason| unless_gone::<()>(Err(Error::new(reason, "a test")), Reason::MemberNotFound);
        assert!(matches!(read(Reason::MemberNotFound), Ok(None)));
        assert!(read(Reason::UpstreamRefused).is_err());
    }

    #[test]
    fn odd_entries_of_a_list_are_left_out_and_counted() {
        let extra = |json: &str| {
            let mut extra = Extra::default();
            extra.insert_json("data", json.to_owned()).unwrap();
            extra
        };
        let rows = [
            (Some(vec![1, 2]), Extra::default(), Some((2, 2))),
            (None, Extra::default(), Some((0, 0))),
            (Some(vec![1]), extra("[1, {}, null]"), Some((1, 3))),
            (None, extra("[{}]"), Some((0, 1))),
            (None, extra("{}"), None),
            (None, extra("\"none\""), None),
        ];
        for (list, extra, expected) in rows {
            let found = items(list, &extra, "data");
            match (found, expected) {
                (Ok((items, came)), Some(expected)) => assert_eq!((items.len(), came), expected),
                (Err(error), None) => {
                    assert_eq!(error.reason(), Reason::UpstreamMalformed);
                    assert!(error.to_string().contains("`data`"), "{error}");
                }
                (found, expected) => panic!("{found:?} {expected:?}"),
            }
        }
    }
}
