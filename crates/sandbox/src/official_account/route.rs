//! Which operation a method and a path belong to.

use std::sync::LazyLock;

use bytes::Bytes;
use http::Method;
use kabao_models::Operation;
use kabao_models::official_account as models;
use serde_json::Value;

use super::{Inbound, Refused, route, token_operations};

/// An operation and the function that serves it.
pub(crate) struct Route {
    operation: &'static Operation,
    run: fn(&Inbound<'_>) -> Result<Bytes, Refused>,
}

impl Route {
    pub(super) const fn new(operation: &'static Operation, run: fn(&Inbound<'_>) -> Result<Bytes, Refused>) -> Self {
        Self { operation, run }
    }

    pub(super) fn operation(&self) -> &'static Operation {
        self.operation
    }

    pub(super) fn run(&self, inbound: &Inbound<'_>) -> Result<Bytes, Refused> {
        (self.run)(inbound)
    }
}

/// Every operation that is served.
static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let mut routes = token_operations::routes();
    routes.extend([
        route::<models::card::GetCard>(),
        route::<models::card::UpdateCard>(),
        route::<models::card::UpdateCardMessage>(),
        route::<models::card::DeleteCard>(),
        route::<models::member::GetUserInfo>(),
        route::<models::member::UpdateUser>(),
        route::<models::pay_gift_member_card::AddPayGiftMemberCard>(),
        route::<models::pay_gift_member_card::GetPayGiftMemberCard>(),
        route::<models::pay_gift_member_card::DeletePayGiftMemberCard>(),
    ]);
    routes
});

/// Where a request of this family goes.
pub(crate) enum Target {
    /// To this operation.
    Route(&'static Route),
    /// Nowhere: the path wants GET.
    WantsGet,
    /// Nowhere: the path wants POST.
    WantsPost,
    /// Nowhere.
    Nothing,
}

impl Target {
    /// Returns the id of the operation.
    pub(crate) fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Route(route) => Some(route.operation.id),
            Self::WantsGet | Self::WantsPost | Self::Nothing => None,
        }
    }
}

/// Tells whether a path belongs to `api.weixin.qq.com`.
pub(crate) fn owns(path: &str) -> bool {
    ["/cgi-bin/", "/card/", "/datacube/"].iter().any(|prefix| path.starts_with(prefix))
}

/// Finds the operation. One path serves two: the body of `/card/update` decides.
pub(crate) fn find(method: &Method, path: &str, body: &[u8]) -> Target {
    let mut matching = ROUTES.iter().filter(|route| route.operation.path == path).peekable();
    let Some(first) = matching.peek() else { return Target::Nothing };
    if first.operation.method != *method {
        return if first.operation.method == Method::GET { Target::WantsGet } else { Target::WantsPost };
    }
    let message = models::card::UPDATE_CARD_MESSAGE.id;
    let found = if path == models::card::UPDATE_CARD.path {
        let wants_message = changes_message(body);
        matching.find(|route| (route.operation.id == message) == wants_message)
    } else {
        matching.next()
    };
    found.map_or(Target::Nothing, Target::Route)
}

fn changes_message(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body)
        .ok()
        .is_some_and(|body| body.pointer("/member_card/modify_msg_operation").is_some())
}
