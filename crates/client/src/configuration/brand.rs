//! What the client of a brand is made of.

use std::sync::Arc;

use kabao_auth::Scheme;

use super::{Common, DefaultUrls, PayCredential, common_options};
use crate::backend::brand::Brand;
use crate::client::Client;
use crate::faults::{ConfigurationError, Faults};
use crate::pipeline::credentials::Credentials;

/// The configuration of a brand.
#[derive(Clone)]
pub struct BrandBuilder {
    brand_id: String,
    provider: Option<PayCredential>,
    direct: Option<PayCredential>,
    common: Common,
}

impl BrandBuilder {
    pub(super) fn new(account: String) -> Self {
        Self {
            brand_id: String::new(),
            provider: None,
            direct: None,
            common: Common::new(account, DefaultUrls::PAY),
        }
    }

    /// Sets the brand that the portable operations are about.
    #[must_use]
    pub fn brand_id(mut self, brand_id: impl Into<String>) -> Self {
        self.brand_id = brand_id.into();
        self
    }

    /// Sets the key material of the service provider, whose number is a merchant number.
    #[must_use]
    pub fn provider(mut self, credential: PayCredential) -> Self {
        self.provider = Some(credential);
        self
    }

    /// Sets the key material of the brand itself; its number is the brand id and may be left empty.
    #[must_use]
    pub fn direct(mut self, credential: PayCredential) -> Self {
        self.direct = Some(credential);
        self
    }

    common_options!();

    /// Checks everything; nothing is sent.
    ///
    /// # Errors
    ///
    /// Lists every fault of the configuration at once; those of the brand's own key material begin
    /// with `direct.`.
    pub fn build(self) -> Result<Client, ConfigurationError> {
        let mut faults = Faults::default();
        if !(1..=32).contains(&self.brand_id.len())
            || !self
                .brand_id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric())
        {
            faults.add("brand_id", "must be 1 to 32 letters and digits");
        }
        if self.provider.is_none() && self.direct.is_none() {
            faults.add(
                "private_key",
                "is required: of the service provider or of the brand itself",
            );
        }
        let parts = self.common.parts(&mut faults);
        let provider = self.provider.as_ref().and_then(|credential| {
            credential.read(Scheme::Merchant, &self.common, parts.as_ref(), &mut faults)
        });
        let mut direct_faults = Faults::default();
        let direct = self.direct.map(|mut credential| {
            if credential.number.is_empty() {
                credential.number.clone_from(&self.brand_id);
            }
            if credential.number != self.brand_id {
                direct_faults.add("brand_id", "is not the brand of the account");
            }
            credential.read(
                Scheme::Brand,
                &self.common,
                parts.as_ref(),
                &mut direct_faults,
            )
        });
        faults.extend("direct.", direct_faults);
        match parts {
            Some(parts) if faults.is_empty() => {
                let credentials = Credentials {
                    merchant: provider.map(Arc::new),
                    brand: direct.flatten().map(Arc::new),
                    token: None,
                };
                let pipeline = self.common.pipeline(Brand::FAMILY, credentials, parts);
                let decorator = self.common.decorator.as_ref();
                let brand_id = self.brand_id;
                Ok(Client::compose(pipeline, decorator, move |ground| {
                    Brand::new(ground, brand_id.clone())
                }))
            }
            _ => Err(faults.finish()),
        }
    }
}
