//! Pages of a list, and the tokens that lead from one to the next.
//!
//! The families page by item, by page number or not at all. Callers see none of that: a
//! [`PageToken`] is opaque, and is good only for the list that it came from.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::setters::setters;
use crate::{Error, FieldViolation, Method, Reason};

/// Which page of a list to return, and how long it may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// The most items to return; `None` leaves it to the family, whose own maximum bounds it too.
    pub size: Option<u32>,
    /// Where to go on; `None` starts at the beginning.
    pub token: Option<PageToken>,
}

impl PageRequest {
    /// Starts at the beginning, with pages as long as the family makes them.
    pub fn new() -> Self {
        Self::default()
    }
}

setters!(PageRequest:
    with_size(size: u32) = Some(size);
    with_token(token: PageToken) = Some(token);
);

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items; there may be fewer than asked for, even none, before the end of the list.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end of the list.
    pub next: Option<PageToken>,
    /// The number of items on all pages, where WeChat tells exactly that.
    pub total: Option<u64>,
}

/// Where a list goes on: opaque, and bound to the other arguments of the list.
///
/// It is no secret and no proof: whoever forges one reaches another part of the same list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken(String);

impl PageToken {
    /// Takes a token as a caller sent it; whether it is one shows when the list is read.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text for the caller.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in a list, in the family's own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// How many items lie before it.
    pub offset: u64,
    /// How many items the page may have.
    pub size: u32,
}

/// What a page token is bound to: the method and every argument but the page itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageScope(u64);

const VERSION: u8 = 1;
/// Version, offset, size, fingerprint.
const LENGTH: usize = 1 + 8 + 4 + 4;

impl PageScope {
    /// Starts with the method and its arguments; the order counts.
    pub fn new(method: Method, arguments: &[&str]) -> Self {
        Self::of(method.as_str(), arguments)
    }

    /// The list of accounts, which is no method of an account.
    pub fn list_accounts() -> Self {
        Self::of("ListAccounts", &[])
    }

    /// The list of changes, which is no method of a family.
    pub fn list_changes(arguments: &[&str]) -> Self {
        Self::of("ListChanges", arguments)
    }

    fn of(method: &str, arguments: &[&str]) -> Self {
        let start = Self(0xcbf2_9ce4_8422_2325).with(method);
        arguments
            .iter()
            .fold(start, |scope, argument| scope.with(argument))
    }

    /// FNV-1a, which is enough to notice an honest mistake. The length keeps neighbours apart.
    fn with(self, argument: &str) -> Self {
        let length = u64::try_from(argument.len())
            .unwrap_or(u64::MAX)
            .to_be_bytes();
        let hash = length
            .iter()
            .chain(argument.as_bytes())
            .fold(self.0, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        Self(hash)
    }

    fn fingerprint(self) -> [u8; 4] {
        let [a, b, c, d, e, f, g, h] = self.0.to_be_bytes();
        [a ^ e, b ^ f, c ^ g, d ^ h]
    }

    /// Finds the place that a request names; a size of 0 or none becomes `default`, and none is
    /// larger than `max`.
    ///
    /// # Errors
    ///
    /// [`Reason::PageTokenInvalid`] for a token that is none or belongs to another list.
    pub fn cursor(self, page: &PageRequest, default: u32, max: u32) -> Result<Cursor, Error> {
        let size = page
            .size
            .filter(|size| *size > 0)
            .unwrap_or(default)
            .min(max);
        let Some(token) = &page.token else {
            return Ok(Cursor { offset: 0, size });
        };
        let (offset, _) = self.read(token)?;
        Ok(Cursor { offset, size })
    }

    /// The same for a list that can only go on in pages of one length: the size of the first page
    /// stays.
    ///
    /// # Errors
    ///
    /// As [`PageScope::cursor`].
    pub fn cursor_of_pages(
        self,
        page: &PageRequest,
        default: u32,
        max: u32,
    ) -> Result<Cursor, Error> {
        let mut cursor = self.cursor(page, default, max)?;
        if let Some(token) = &page.token {
            let (_, size) = self.read(token)?;
            cursor.size = size.clamp(1, max);
        }
        Ok(cursor)
    }

    /// Makes the token of a place.
    pub fn token(self, cursor: Cursor) -> PageToken {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(VERSION);
        bytes.extend_from_slice(&cursor.offset.to_be_bytes());
        bytes.extend_from_slice(&cursor.size.to_be_bytes());
        bytes.extend_from_slice(&self.fingerprint());
        PageToken(URL_SAFE_NO_PAD.encode(&bytes))
    }

    fn read(self, token: &PageToken) -> Result<(u64, u32), Error> {
        let parts = URL_SAFE_NO_PAD.decode(&token.0).ok().and_then(|bytes| {
            let (version, rest) = bytes.split_first()?;
            let (offset, rest) = rest.split_first_chunk()?;
            let (size, rest) = rest.split_first_chunk()?;
            (*version == VERSION).then_some((
                u64::from_be_bytes(*offset),
                u32::from_be_bytes(*size),
                <[u8; 4]>::try_from(rest).ok()?,
            ))
        });
        let refuse = |description| {
            Err(Error::violated(
                Reason::PageTokenInvalid,
                [FieldViolation::new("page_token", description)],
            ))
        };
        match parts {
            Some((offset, size, fingerprint)) if fingerprint == self.fingerprint() => {
                Ok((offset, size))
            }
            Some(_) => refuse("belongs to a list with other arguments"),
            None => refuse("is not a page token of this version"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(arguments: &[&str]) -> PageScope {
        PageScope::new(Method::ListMembers, arguments)
    }

    fn asking(size: Option<u32>, token: Option<PageToken>) -> PageRequest {
        PageRequest { size, token }
    }

    #[test]
    fn sizes_are_coerced() {
        let rows = [
            (None, 20),
            (Some(0), 20),
            (Some(7), 7),
            (Some(21), 20),
            (Some(u32::MAX), 20),
        ];
        for (asked, size) in rows {
            let cursor = scope(&[]).cursor(&asking(asked, None), 20, 20).unwrap();
            assert_eq!(cursor, Cursor { offset: 0, size }, "{asked:?}");
        }
    }

    #[test]
    fn a_list_of_whole_pages_keeps_the_size_of_its_first_page() {
        let scope = scope(&["a"]);
        let token = scope.token(Cursor {
            offset: 14,
            size: 7,
        });
        let page = asking(Some(3), Some(token));
        assert_eq!(scope.cursor(&page, 20, 20).unwrap().size, 3);
        let kept = scope.cursor_of_pages(&page, 20, 20).unwrap();
        assert_eq!(
            kept,
            Cursor {
                offset: 14,
                size: 7
            }
        );
    }

    #[test]
    fn a_token_of_another_method_is_refused() {
        let token = PageScope::new(Method::ListTemplates, &[]).token(Cursor { offset: 1, size: 1 });
        let error = scope(&[])
            .cursor(&asking(None, Some(token)), 1, 1)
            .unwrap_err();
        assert_eq!(error.reason(), Reason::PageTokenInvalid);
        assert_eq!(error.violations()[0].field, "page_token");
    }

    #[test]
    fn a_token_fits_into_a_url() {
        let token = scope(&["a"]).token(Cursor {
            offset: u64::MAX,
            size: u32::MAX,
        });
        assert_eq!(token.as_str().len(), 23);
        assert!(
            token
                .as_str()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        );
    }

    proptest! {
        #[test]
        fn a_token_leads_back_to_its_place(offset: u64, size in 1..=u32::MAX, arguments: Vec<String>) {
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let scope = scope(&arguments);
            let cursor = Cursor { offset, size };
            let page = asking(None, Some(scope.token(cursor)));
            prop_assert_eq!(scope.cursor_of_pages(&page, 1, u32::MAX).unwrap(), cursor);
        }

        #[test]
        fn a_token_is_refused_with_other_arguments(left: Vec<String>, right: Vec<String>) {
            prop_assume!(left != right);
            let left: Vec<_> = left.iter().map(String::as_str).collect();
            let right: Vec<_> = right.iter().map(String::as_str).collect();
            let token = scope(&left).token(Cursor { offset: 20, size: 20 });
            let error = scope(&right).cursor(&asking(None, Some(token)), 20, 20).unwrap_err();
            prop_assert_eq!(error.reason(), Reason::PageTokenInvalid);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[ -~]{0,40}") {
            let page = asking(None, Some(PageToken::new(text.as_str())));
            if let Ok(cursor) = scope(&[]).cursor_of_pages(&page, 1, u32::MAX) {
                prop_assert_eq!(scope(&[]).token(cursor), PageToken::new(text));
            }
        }

        #[test]
        fn a_token_that_was_changed_is_not_another_one(offset: u64, index in 0..23_usize, digit in "[A-Za-z0-9_-]") {
            let scope = scope(&["accounts/a"]);
            let token = scope.token(Cursor { offset, size: 20 });
            let mut text = token.as_str().to_owned();
            text.replace_range(index..=index, &digit);
            prop_assume!(text != token.as_str());
            // Where it is still a token, it is one of the same list: the place is no secret.
            if let Ok(cursor) = scope.cursor_of_pages(&asking(None, Some(PageToken::new(text))), 1, u32::MAX) {
                prop_assert_ne!(cursor, Cursor { offset, size: 20 });
            }
        }
    }
}
