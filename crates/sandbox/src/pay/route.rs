//! Which operation a method and a path belong to.

use std::sync::LazyLock;

use bytes::Bytes;
use http::Method;
use kabao_models::{Family, Operation};

use super::{Inbound, Refusal, certificates};
use crate::{brand, merchant};

/// An operation and the function that serves it.
pub(crate) struct Route {
    operation: &'static Operation,
    run: fn(&Inbound<'_>) -> Result<Bytes, Refusal>,
}

impl Route {
    pub(crate) const fn new(
        operation: &'static Operation,
        run: fn(&Inbound<'_>) -> Result<Bytes, Refusal>,
    ) -> Self {
        Self { operation, run }
    }

    pub(crate) fn operation(&self) -> &'static Operation {
        self.operation
    }

    pub(crate) fn run(&self, inbound: &Inbound<'_>) -> Result<Bytes, Refusal> {
        (self.run)(inbound)
    }
}

/// Every operation that is served.
static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let mut routes = vec![certificates::ROUTE];
    routes.extend(merchant::routes());
    routes.extend(brand::routes());
    routes
});

/// Returns the operation on the same path that belongs to another family, if there is one: two share
/// the upload of pictures.
pub(crate) fn of_family(route: &'static Route, family: Family) -> &'static Route {
    let same = |other: &&Route| {
        other.operation.path == route.operation.path
            && other.operation.method == route.operation.method
            && other.operation.family == family
    };
    ROUTES.iter().find(same).unwrap_or(route)
}

/// What a method and a path lead to.
pub(crate) enum Found {
    /// This operation.
    Route(&'static Route),
    /// The path exists with other methods.
    OtherMethod,
    /// Nothing.
    Nothing,
}

/// Finds the operation of a method and a raw path; of several the one with the most literal path.
pub(crate) fn find(method: &Method, path: &str) -> Found {
    let literal = |route: &&Route| {
        route
            .operation
            .path
            .split('/')
            .filter(|part| !part.starts_with('{'))
            .count()
    };
    let matching = || {
        ROUTES
            .iter()
            .filter(|route| route.operation.match_path(path).is_some())
    };
    match matching()
        .filter(|route| route.operation.method == *method)
        .max_by_key(literal)
    {
        Some(route) => Found::Route(route),
        None if matching().next().is_some() => Found::OtherMethod,
        None => Found::Nothing,
    }
}
