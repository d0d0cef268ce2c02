//! The merchant family: `membercard-open` and `membercard-activity` of WeChat Pay.

mod account;
mod adjust;
mod creation;
mod list;
mod media;
mod member;
mod membership;
mod template;

use kabao_api::{Family, Method, Support};

use crate::backend::{Backend, Ground};

/// The portable API of a merchant number.
pub(crate) struct Merchant {
    ground: Ground,
    list_offset: ListOffset,
}

impl Merchant {
    pub(crate) const FAMILY: Family = Family::Merchant;

    pub(crate) fn new(ground: Ground, list_offset: ListOffset) -> Self {
        Self {
            ground,
            list_offset,
        }
    }

    /// What the family does of a method, if not all.
    fn support(&self, method: Method) -> Option<&'static Support> {
        Support::of(Self::FAMILY, method)
    }
}

impl Backend for Merchant {
    fn party(&self) -> String {
        let number = self.ground.credentials.merchant.as_ref();
        let number = number.map(|credential| credential.number());
        format!("merchant {}", number.unwrap_or_default())
    }
}

/// What `offset` counts in the lists of this family.
///
/// The documents call it a page number, and their samples contradict that. A list that ends before
/// its stated total is an error, which shows the wrong setting when it runs past the end; pages read
/// as items can also skip entries unseen, so try the setting on an account with several pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListOffset {
    /// Items, as in the other families.
    #[default]
    Items,
    /// Pages.
    Pages,
}

#[cfg(test)]
pub(crate) mod tests;
