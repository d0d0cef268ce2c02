//! The brand family: `card-member` of WeChat Pay, through a service provider or directly.

mod account;
mod adjust;
mod creation;
mod list;
mod media;
mod member;
mod membership;
mod template;

use std::sync::Arc;

use kabao_api::{CallContext, Error, Family, Method, Support};
use kabao_auth::Scheme;
use kabao_models::Variant;

use crate::backend::{Backend, Ground};
use crate::client::Client;
use crate::configuration::{Common, DefaultUrls, PayCredential, common_options};
use crate::decorator::Decorator;
use crate::faults::{ConfigurationError, Faults};
use crate::pipeline::Pipeline;
use crate::pipeline::credentials::Credentials;

/// The portable API of a brand.
struct Brand {
    ground: Ground,
    brand_id: String,
    route: Route,
}

/// How the portable operations of a brand reach WeChat.
#[derive(Clone, Copy)]
enum Route {
    /// `/v3/brand/partner/card-member`, signed by the service provider, the brand as a parameter.
    Provider,
    /// `/brand/card-member`, signed by the brand itself.
    Direct,
}

impl Brand {
    const FAMILY: Family = Family::Brand;

    /// What this brand does of a method, if not all.
    fn support(&self, method: Method) -> Option<&'static Support> {
        match self.route {
            Route::Provider => Support::of(Self::FAMILY, method),
            Route::Direct => Support::of_direct_brand(method),
        }
    }

    /// Executes one operation by the route of this brand. `V` is what a brand sends that calls
    /// directly: the same request without its own name.
    async fn call<V: Variant>(
        &self,
        context: &CallContext,
        request: V::Original,
    ) -> Result<V::Answer, Error> {
        match self.route {
            Route::Provider => self.ground.call(context, request).await,
            Route::Direct => self.ground.call(context, V::of(request)).await,
        }
    }
}

impl Backend for Brand {
    /// A service provider is part of it: request numbers are its own.
    fn party(&self) -> String {
        let brand = &self.brand_id;
        match &self.ground.credentials.merchant {
            Some(provider) => format!("brand {brand} by merchant {}", provider.number()),
            None => format!("brand {brand}"),
        }
    }
}

/// Puts a client together. It goes through the service provider if there is one.
pub(crate) fn client(pipeline: Pipeline, decorator: &dyn Decorator, brand_id: String) -> Client {
    Client::compose(pipeline, decorator, move |ground| Brand {
        route: match ground.credentials.merchant {
            Some(_) => Route::Provider,
            None => Route::Direct,
        },
        ground,
        brand_id: brand_id.clone(),
    })
}

/// The configuration of a brand.
#[derive(Clone)]
pub struct BrandBuilder {
    brand_id: String,
    provider: Option<PayCredential>,
    direct: Option<PayCredential>,
    common: Common,
}

impl BrandBuilder {
    pub(crate) fn new(account: String) -> Self {
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
                Ok(client(pipeline, decorator, self.brand_id))
            }
            _ => Err(faults.finish()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
