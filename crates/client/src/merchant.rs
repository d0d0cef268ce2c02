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

use kabao_api::{CardSigner, Family, HeldCredentials};
use kabao_auth::Scheme;

use crate::client::client_methods;
use crate::clock::Clock;
use crate::configuration::{Common, ConfigurationError, Faults, PayCredential, common_options};
use crate::pipeline::Pipeline;
use crate::pipeline::credentials::Credentials;

/// A merchant number of WeChat Pay. Clones share connections, keys and limits.
#[derive(Clone)]
pub struct Merchant {
    pipeline: Pipeline,
    clock: Arc<dyn Clock>,
    list_offset: ListOffset,
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

impl Merchant {
    pub(crate) const FAMILY: Family = Family::Merchant;

    /// Starts a configuration.
    pub fn builder() -> MerchantBuilder {
        MerchantBuilder {
            credential: PayCredential::default(),
            list_offset: ListOffset::default(),
            common: Common::new("https://api.mch.weixin.qq.com"),
        }
    }

    /// Pages of this family need no signature.
    fn card_signer(&self) -> Option<Arc<dyn CardSigner>> {
        None
    }

    /// This family has no tokens.
    fn held_credentials(&self) -> Option<Arc<dyn HeldCredentials>> {
        None
    }
}

client_methods!(Merchant);

/// The configuration of a [`Merchant`].
#[derive(Clone)]
pub struct MerchantBuilder {
    credential: PayCredential,
    list_offset: ListOffset,
    common: Common,
}

impl MerchantBuilder {
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
    pub fn build(self) -> Result<Merchant, ConfigurationError> {
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
                let Common {
                    clock, settings, ..
                } = self.common;
                let pipeline = Pipeline::new(
                    Merchant::FAMILY,
                    credentials,
                    parts.transport,
                    Arc::clone(&clock),
                    settings,
                );
                Ok(Merchant {
                    pipeline,
                    clock,
                    list_offset: self.list_offset,
                })
            }
            _ => Err(faults.finish()),
        }
    }
}

#[cfg(test)]
mod tests;
