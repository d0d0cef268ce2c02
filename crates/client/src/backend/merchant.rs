//! The merchant family: `membercard-open` and `membercard-activity` of WeChat Pay.

mod account;
mod adjust;
mod creation;
mod list;
mod media;
mod member;
mod membership;
mod template;

use std::sync::Arc;

use kabao_api::{Family, Method, Support};
use kabao_auth::Scheme;

use crate::backend::{Backend, Ground};
use crate::client::Client;
use crate::configuration::{Common, DefaultUrls, PayCredential, common_options};
use crate::decorator::Decorator;
use crate::faults::{ConfigurationError, Faults};
use crate::pipeline::Pipeline;
use crate::pipeline::credentials::Credentials;

/// The portable API of a merchant number.
struct Merchant {
    ground: Ground,
    list_offset: ListOffset,
}

impl Merchant {
    const FAMILY: Family = Family::Merchant;

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

/// Puts a client together.
pub(crate) fn client(
    pipeline: Pipeline,
    decorator: &dyn Decorator,
    list_offset: ListOffset,
) -> Client {
    Client::compose(pipeline, decorator, move |ground| Merchant {
        ground,
        list_offset,
    })
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

/// The configuration of a merchant number of WeChat Pay.
#[derive(Clone)]
pub struct MerchantBuilder {
    credential: PayCredential,
    list_offset: ListOffset,
    common: Common,
}

impl MerchantBuilder {
    pub(crate) fn new(account: String) -> Self {
        Self {
            credential: PayCredential::default(),
            list_offset: ListOffset::default(),
            common: Common::new(account, DefaultUrls::PAY),
        }
    }

    /// Sets the key material.
    #[must_use]
    pub fn credential(mut self, credential: PayCredential) -> Self {
        self.credential = credential;
        self
    }

    /// Sets what `offset` counts in lists; items unless set.
    #[must_use]
    pub fn list_offset(mut self, list_offset: ListOffset) -> Self {
        self.list_offset = list_offset;
        self
    }

    common_options!();

    /// Checks everything; nothing is sent.
    ///
    /// # Errors
    ///
    /// Lists every fault of the configuration at once.
    pub fn build(self) -> Result<Client, ConfigurationError> {
        let mut faults = Faults::default();
        let parts = self.common.parts(&mut faults);
        let merchant =
            self.credential
                .read(Scheme::Merchant, &self.common, parts.as_ref(), &mut faults);
        match (parts, merchant) {
            (Some(parts), Some(merchant)) if faults.is_empty() => {
                let credentials = Credentials {
                    merchant: Some(Arc::new(merchant)),
                    ..Credentials::default()
                };
                let pipeline = self.common.pipeline(Merchant::FAMILY, credentials, parts);
                let decorator = self.common.decorator.as_ref();
                Ok(client(pipeline, decorator, self.list_offset))
            }
            _ => Err(faults.finish()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
