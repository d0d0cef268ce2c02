//! Whole lists as streams.

use std::sync::Arc;
use std::vec;

use futures_core::Stream;
use futures_util::stream;
use kabao_api::{
    CallContext, Error, ListMembers, ListTemplates, Member, MemberApi, Page, PageToken, Template,
    TemplateApi,
};

/// Lists all templates of an account, page by page, as they are asked for.
///
/// It starts at the page that `request` names. After an error the stream ends; the caller may start
/// another one.
///
/// ```no_run
/// use std::pin::pin;
/// use std::sync::Arc;
///
/// use futures_util::TryStreamExt;
/// use kabao_client::{Client, ListTemplates, list_all_templates};
///
/// # async fn example(client: Client) -> Result<(), kabao_client::Error> {
/// let (context, request) = (client.context(), ListTemplates::new(client.account().clone()));
/// let mut templates = pin!(list_all_templates(Arc::new(client), context, request));
/// while let Some(template) = templates.try_next().await? {
///     println!("{}", template.name);
/// }
/// # Ok(())
/// # }
/// ```
pub fn list_all_templates(
    api: Arc<dyn TemplateApi>,
    context: CallContext,
    request: ListTemplates,
) -> impl Stream<Item = Result<Template, Error>> + Send {
    all(request.page.token.clone(), move |token| {
        let (api, context, mut request) = (Arc::clone(&api), context.clone(), request.clone());
        request.page.token = token;
        async move { api.list_templates(&context, request).await }
    })
}

/// Lists all cards of one user, page by page, as they are asked for; as [`list_all_templates`].
pub fn list_all_members(
    api: Arc<dyn MemberApi>,
    context: CallContext,
    request: ListMembers,
) -> impl Stream<Item = Result<Member, Error>> + Send {
    all(request.page.token.clone(), move |token| {
        let (api, context, mut request) = (Arc::clone(&api), context.clone(), request.clone());
        request.page.token = token;
        async move { api.list_members(&context, request).await }
    })
}

/// What is left of a list: the rest of a page, and where the next one is.
enum Rest<T> {
    Page(vec::IntoIter<T>, Option<PageToken>),
    Unread(Option<PageToken>),
}

fn all<T, F, R>(first: Option<PageToken>, read: F) -> impl Stream<Item = Result<T, Error>> + Send
where
    T: Send,
    F: Fn(Option<PageToken>) -> R + Send + Sync,
    R: Future<Output = Result<Page<T>, Error>> + Send,
{
    let start = (Rest::Unread(first), read);
    stream::try_unfold(start, |(mut rest, read)| async move {
        loop {
            match rest {
                Rest::Page(mut items, next) => match (items.next(), next) {
                    (Some(item), next) => return Ok(Some((item, (Rest::Page(items, next), read)))),
                    (None, None) => return Ok(None),
                    (None, next) => rest = Rest::Unread(next),
                },
                Rest::Unread(token) => {
                    let page = read(token).await?;
                    rest = Rest::Page(page.items.into_iter(), page.next);
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::{StreamExt, TryStreamExt};
    use kabao_api::Reason;

    use super::*;

    fn page(items: &[u32], next: Option<&str>) -> Result<Page<u32>, Error> {
        Ok(Page {
            items: items.to_vec(),
            next: next.map(PageToken::new),
            total: None,
        })
    }

    #[tokio::test]
    async fn pages_follow_their_tokens_also_across_an_empty_one() {
        let asked = Mutex::new(Vec::new());
        let read = |token: Option<PageToken>| {
            let name = token.as_ref().map_or("start", PageToken::as_str).to_owned();
            asked.lock().unwrap().push(name.clone());
            async move {
                match name.as_str() {
                    "start" => page(&[1, 2], Some("a")),
                    "a" => page(&[], Some("b")),
                    _ => page(&[3], None),
                }
            }
        };
        let items: Vec<_> = all(None, read).try_collect().await.unwrap();
        assert_eq!(items, [1, 2, 3]);
        assert_eq!(*asked.lock().unwrap(), ["start", "a", "b"]);
    }

    #[tokio::test]
    async fn nothing_is_read_before_it_is_asked_for_and_an_error_ends_the_list() {
        let asked = Mutex::new(0);
        let read = |token: Option<PageToken>| {
            *asked.lock().unwrap() += 1;
            async move {
                match token {
                    None => page(&[1], Some("a")),
                    Some(_) => Err(Error::new(Reason::UpstreamUnavailable, "a test")),
                }
            }
        };
        let mut items = std::pin::pin!(all(None, read));
        assert_eq!(*asked.lock().unwrap(), 0);
        assert_eq!(items.next().await.unwrap().unwrap(), 1);
        assert_eq!(*asked.lock().unwrap(), 1);
        let error = items.next().await.unwrap().unwrap_err();
        assert_eq!(error.reason(), Reason::UpstreamUnavailable);
        assert!(items.next().await.is_none());
    }
}
