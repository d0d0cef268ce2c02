//! The brand family: `card-member` of WeChat Pay, through a service provider or directly.

mod account;
mod adjust;
mod creation;
mod list;
mod media;
mod member;
mod membership;
mod template;

use kabao_api::{CallContext, Error, Family, Method, Support};
use kabao_models::Variant;

use crate::backend::{Backend, Ground};

/// The portable API of a brand.
pub(crate) struct Brand {
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
    pub(crate) const FAMILY: Family = Family::Brand;

    /// Goes through the service provider if there is one.
    pub(crate) fn new(ground: Ground, brand_id: String) -> Self {
        let route = match ground.credentials.merchant {
            Some(_) => Route::Provider,
            None => Route::Direct,
        };
        Self {
            ground,
            brand_id,
            route,
        }
    }

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

#[cfg(test)]
pub(crate) mod tests;
