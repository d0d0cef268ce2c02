//! The merchant family: `membercard-open` and `membercard-activity` of WeChat Pay.

mod member;
mod template;

use std::sync::Arc;

use kabao_api::Family;
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
}

impl Merchant {
    pub(crate) const FAMILY: Family = Family::Merchant;

    /// Starts a configuration.
    pub fn builder() -> MerchantBuilder {
        MerchantBuilder {
            credential: PayCredential::default(),
            common: Common::new("https://api.mch.weixin.qq.com"),
        }
    }
}

client_methods!(Merchant);

/// The configuration of a [`Merchant`].
#[derive(Clone)]
pub struct MerchantBuilder {
    credential: PayCredential,
    common: Common,
}

impl MerchantBuilder {
    /// Sets the key material.
    #[must_use]
    pub fn credential(mut self, credential: PayCredential) -> Self {
        self.credential = credential;
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
                Ok(Merchant { pipeline, clock })
            }
            _ => Err(faults.finish()),
        }
    }
}

#[cfg(test)]
mod tests;
