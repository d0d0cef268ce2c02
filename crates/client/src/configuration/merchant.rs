//! What the client of a merchant number is made of.

use std::sync::Arc;

use kabao_auth::Scheme;

use super::{Common, DefaultUrls, PayCredential, common_options};
use crate::backend::merchant::{ListOffset, Merchant};
use crate::client::Client;
use crate::faults::{ConfigurationError, Faults};
use crate::pipeline::credentials::Credentials;

/// The configuration of a merchant number of WeChat Pay.
#[derive(Clone)]
pub struct MerchantBuilder {
    credential: PayCredential,
    list_offset: ListOffset,
    common: Common,
}

impl MerchantBuilder {
    pub(super) fn new(account: String) -> Self {
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
                let list_offset = self.list_offset;
                Ok(Client::compose(pipeline, decorator, move |ground| {
                    Merchant::new(ground, list_offset)
                }))
            }
            _ => Err(faults.finish()),
        }
    }
}
