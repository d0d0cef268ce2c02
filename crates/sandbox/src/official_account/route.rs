//! Which operation a request belongs to.

use std::sync::LazyLock;

use bytes::Bytes;
use http::Method;
use kabao_models::official_account as models;
use kabao_models::{Endpoint, Operation};
use serde_json::Value;

use super::Refused;
use super::gate::{self, Inbound};
use crate::serve::{Core, Serve};

/// An operation and how it is run.
pub(crate) struct Route {
    pub(super) operation: &'static Operation,
    pub(super) run: fn(&Inbound<'_>) -> Result<Bytes, Refused>,
}

/// Makes the route of an operation.
const fn route<E>() -> Route
where
    E: Serve + Endpoint,
    E::Core: Core<Refusal = Refused>,
{
    Route {
        operation: E::OPERATION,
        run: gate::serve_endpoint::<E>,
    }
}

/// Every operation, in the order of the catalogue.
static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    vec![
        route::<models::token::GetToken>(),
        route::<models::stable_token::GetStableToken>(),
        route::<models::card::CreateCard>(),
        route::<models::card::GetCard>(),
        route::<models::card::BatchGetCards>(),
        route::<models::card::UpdateCard>(),
        route::<models::card::UpdateCardMessage>(),
        route::<models::card::DeleteCard>(),
        route::<models::card::ModifyCardStock>(),
        route::<models::code::GetCode>(),
        route::<models::code::DecryptCode>(),
        route::<models::code::SetCodeUnavailable>(),
        route::<models::code::UpdateCode>(),
        route::<models::code::DepositCodes>(),
        route::<models::code::GetDepositCount>(),
        route::<models::code::CheckCodes>(),
        route::<models::user::ListUserCards>(),
        route::<models::member::GetUserInfo>(),
        route::<models::member::ActivateMember>(),
        route::<models::member::SetActivateUserForm>(),
        route::<models::member::GetActivateTempInfo>(),
        route::<models::member::GetActivateUrl>(),
        route::<models::member::UpdateUser>(),
        route::<models::qrcode::CreateQrcode>(),
        route::<models::pay_gift_member_card::AddPayGiftMemberCard>(),
        route::<models::pay_gift_member_card::DeletePayGiftMemberCard>(),
        route::<models::pay_gift_member_card::GetPayGiftMemberCard>(),
        route::<models::pay_gift_card::AddPayGiftCard>(),
        route::<models::pay_gift_card::DeletePayGiftCard>(),
        route::<models::pay_gift_card::GetPayGiftCard>(),
        route::<models::pay_gift_card::BatchGetPayGiftCards>(),
        route::<models::datacube::GetMemberCardInfo>(),
        route::<models::datacube::GetMemberCardDetail>(),
        route::<models::media::UploadImage>(),
        route::<models::ticket::GetTicket>(),
        route::<models::test_whitelist::SetTestWhitelist>(),
        route::<models::landing_page::CreateLandingPage>(),
        route::<models::mp_news::GetMpNewsHtml>(),
        route::<models::pay_cell::SetPayCell>(),
        route::<models::self_consume_cell::SetSelfConsumeCell>(),
        route::<models::code::ConsumeCode>(),
        route::<models::colors::GetColors>(),
    ]
});

/// What a path of this family leads to.
pub(crate) enum Target {
    /// To an operation.
    Operation(&'static Route),
    /// To an operation that wants the other method.
    OtherMethod(&'static Route),
    /// Nowhere.
    Nothing,
}

impl Target {
    /// Returns the id of the operation, if there is one.
    pub(crate) fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Operation(route) | Self::OtherMethod(route) => Some(route.operation.id),
            Self::Nothing => None,
        }
    }
}

/// Tells whether a path belongs to `api.weixin.qq.com`.
pub(crate) fn owns(path: &str) -> bool {
    ["/card/", "/cgi-bin/", "/datacube/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// Finds the operation of a request. One path serves two: the body decides.
pub(crate) fn find(method: &Method, path: &str, body: &[u8]) -> Target {
    let message = path == models::card::UPDATE_CARD_MESSAGE.path && changes_only_message(body);
    let wanted = |route: &&Route| {
        route.operation.path == path
            && (route.operation.id == models::card::UPDATE_CARD_MESSAGE.id) == message
    };
    match ROUTES.iter().find(wanted) {
        Some(route) if route.operation.method == *method => Target::Operation(route),
        Some(route) => Target::OtherMethod(route),
        None => Target::Nothing,
    }
}

/// Tells whether a change is about the message slot and nothing else.
fn changes_only_message(body: &[u8]) -> bool {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let change = body
        .as_ref()
        .and_then(|body| body.get("member_card"))
        .and_then(Value::as_object);
    // Members that are `null` count as absent; where the settings refuse them, either operation does.
    change.is_some_and(|change| {
        let mut given = change.iter().filter(|(_, member)| !member.is_null());
        given
            .next()
            .is_some_and(|(name, _)| name == "modify_msg_operation")
            && given.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_catalogue_is_served() {
        let served: Vec<_> = ROUTES.iter().map(|route| route.operation.id).collect();
        let catalogue: Vec<_> = models::OPERATIONS
            .iter()
            .map(|operation| operation.id)
            .collect();
        assert_eq!(served, catalogue);
        for operation in models::OPERATIONS {
            assert!(owns(operation.path), "{}", operation.path);
        }
    }

    #[test]
    fn the_body_of_an_update_decides() {
        let find = |body: &str| find(&Method::POST, "/card/update", body.as_bytes()).operation();
        let (update, message) = (
            "official_account.card.update",
            "official_account.card.update_modify_msg",
        );
        for (body, expected) in [
            ("", update),
            ("{", update),
            (r#"{"card_id":"p","member_card":{"discount":5}}"#, update),
            (
                r#"{"card_id":"p","member_card":{"modify_msg_operation":{}}}"#,
                message,
            ),
            (
                r#"{"card_id":"p","member_card":{"base_info":null,"modify_msg_operation":{}}}"#,
                message,
            ),
            (
                r#"{"card_id":"p","member_card":{"modify_msg_operation":{},"discount":5}}"#,
                update,
            ),
        ] {
            assert_eq!(find(body), Some(expected), "{body}");
        }
        assert!(matches!(
            super::find(&Method::GET, "/card/get", b""),
            Target::OtherMethod(_)
        ));
        assert!(matches!(
            super::find(&Method::GET, "/card/none", b""),
            Target::Nothing
        ));
    }
}
