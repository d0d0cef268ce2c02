//! Whole lists as streams.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use futures_core::Stream;
use futures_util::{TryStreamExt as _, stream};
use kabao_api::{
    CallContext, Error, ListMembers, ListTemplates, Member, MemberApi, Page, PageToken, Template,
    TemplateApi,
};

/// A whole list: a [`Stream`] whose pages are read as they are asked for.
pub struct Listing<T>(Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>);

impl<T> Listing<T> {
    /// Returns the next item, and nothing at the end; after an error the list has ended.
    ///
    /// # Errors
    ///
    /// That of the page that could not be read.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.0.try_next().await
    }
}

impl<T> Stream for Listing<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listing(..)")
    }
}

/// Lists all templates of an account, page by page, as they are asked for.
///
/// It starts at the page that `request` names. After an error the stream ends; the caller may start
/// another one.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use kabao_client::{Client, ListTemplates, list_all_templates};
///
/// # async fn example(client: Client) -> Result<(), kabao_client::Error> {
/// let (context, request) = (client.context(), ListTemplates::new(client.account().clone()));
/// let mut templates = list_all_templates(Arc::new(client), context, request);
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
) -> Listing<Template> {
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
) -> Listing<Member> {
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

fn all<T, F, R>(first: Option<PageToken>, read: F) -> Listing<T>
where
    T: Send + 'static,
    F: Fn(Option<PageToken>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Page<T>, Error>> + Send + 'static,
{
    let start = (Rest::Unread(first), read);
    Listing(Box::pin(stream::try_unfold(
        start,
        |(mut rest, read)| async move {
            loop {
                match rest {
                    Rest::Page(mut items, next) => match (items.next(), next) {
                        (Some(item), next) => {
                            return Ok(Some((item, (Rest::Page(items, next), read))));
                        }
                        (None, None) => return Ok(None),
                        (None, next) => rest = Rest::Unread(next),
                    },
                    Rest::Unread(token) => {
                        let page = read(token).await?;
                        rest = Rest::Page(page.items.into_iter(), page.next);
                    }
                }
            }
        },
    )))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::TryStreamExt;
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
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&asked);
        let read = move |token: Option<PageToken>| {
            let name = token.as_ref().map_or("start", PageToken::as_str).to_owned();
            told.lock().unwrap().push(name.clone());
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
        let asked = Arc::new(Mutex::new(0));
        let told = Arc::clone(&asked);
        let read = move |token: Option<PageToken>| {
            *told.lock().unwrap() += 1;
            async move {
                match token {
                    None => page(&[1], Some("a")),
                    Some(_) => Err(Error::new(Reason::UpstreamUnavailable, "a test")),
                }
            }
        };
        let mut items = all(None, read);
        assert_eq!(*asked.lock().unwrap(), 0);
        assert_eq!(items.try_next().await.unwrap(), Some(1));
        assert_eq!(*asked.lock().unwrap(), 1);
        let error = items.try_next().await.unwrap_err();
        assert_eq!(error.reason(), Reason::UpstreamUnavailable);
        assert!(items.try_next().await.unwrap().is_none());
    }
}
