//! The operations: each turns a request into one command of the core and its result into the
//! answer.

use kabao_models::NoContent;
use kabao_models::merchant as models;
use kabao_models::merchant::activate_informations::GetActivateInformationResponse;
use kabao_models::merchant::activities::{self, ListActivitiesResponse, TerminateActivityResponse};
use kabao_models::merchant::callback::Callback;
use kabao_models::merchant::cards::{self, Card, ListCardsResponse};
use kabao_models::merchant::codes::{self, DepositCodesResponse};
use kabao_models::merchant::phone_members::{self, SearchPhoneMemberResponse};
use kabao_models::merchant::service_modules::{self, ServiceModule};
use kabao_models::merchant::user_cards::{self, ListUserCardsResponse, UserCard};
use kabao_models::merchant::{CodeResponse, card_qrcodes, permission_tokens};

use super::{Context, Core, Refused};
use crate::pay::{Route, route};
use crate::serve::{Call, Serve};

/// Serves operations: `Request => Answer, |core, context, request| command`.
macro_rules! operations {
    ($($request:ty => $answer:ty, |$core:ident, $context:ident, $this:ident| $command:expr;)*) => {
        $(
            impl Serve for $request {
                type Core = Core;

                fn serve(self, $core: &mut Core, call: &Call) -> Result<$answer, Refused> {
                    let ($context, $this) = (&Context::of(call), self);
                    $command
                }
            }
        )*

        /// Returns the operations that are served.
        pub(crate) fn routes() -> Vec<Route> {
            vec![$(route::<$request>(),)*]
        }
    };
}

operations! {
    // Templates.
    cards::CreateCard => cards::CardSummary, |core, context, request| core.create_template(context, &request);
    cards::ListCards => ListCardsResponse, |core, context, request| {
        let page = core.list_templates(context, &request)?;
        Ok(ListCardsResponse {
            total_count: Some(page.total),
            offset: request.offset,
            limit: request.limit,
            data: Some(page.items),
            ..ListCardsResponse::default()
        })
    };
    cards::GetCard => Card, |core, context, request| core.get_template(context, &request.card_id);
    cards::UpdateCard => NoContent, |core, context, request| nothing(core.update_template(context, &request));
    cards::DeleteCard => NoContent, |core, context, request| {
        nothing(core.delete_template(context, &request.card_id))
    };
    cards::UpgradeCard => NoContent, |core, context, request| {
        nothing(core.upgrade_template(context, &request))
    };
    models::card_rights::UpdateCardRights => NoContent, |core, context, request| {
        nothing(core.update_sections(context, &request))
    };

    // Codes, links, activation.
    codes::DepositCodes => DepositCodesResponse, |core, context, request| {
        core.deposit_codes(context, &request)
    };
    codes::DecryptCode => CodeResponse, |core, context, request| {
        let encrypt_code = request.encrypt_code.unwrap_or_default();
        let code = core.decrypt_code(context, &request.card_id, encrypt_code.expose())?;
        Ok(CodeResponse { code: Some(code), ..CodeResponse::default() })
    };
    card_qrcodes::CreateCardQrcode => card_qrcodes::CreateCardQrcodeResponse, |core, context, request| {
        core.create_qrcode(context, &request)
    };
    permission_tokens::CreatePermissionToken => permission_tokens::CreatePermissionTokenResponse,
        |core, context, request| core.create_permission_token(context, &request);
    models::activate_informations::GetActivateInformation => GetActivateInformationResponse,
        |core, context, request| core.activate_information(context, request.activate_ticket.expose());

    // User cards.
    user_cards::GetUserCard => UserCard, |core, context, request| {
        core.get_member(context, &request.card_id, request.code.expose())
    };
    user_cards::UpdateUserCard => NoContent, |core, context, request| {
        nothing(core.update_member(context, &request))
    };
    user_cards::ActivateUserCard => NoContent, |core, context, request| {
        nothing(core.activate_member(context, &request))
    };
    user_cards::SetUserCardUnavailable => NoContent, |core, context, request| {
        nothing(core.set_unavailable(context, &request))
    };
    user_cards::ConfirmUserCard => NoContent, |core, context, request| {
        nothing(core.confirm_member(context, &request))
    };
    user_cards::ImportUserCardByOpenid => CodeResponse, |core, context, request| {
        core.import_by_openid(context, &request)
    };
    user_cards::ImportUserCardByPhone => CodeResponse, |core, context, request| {
        core.import_by_phone(context, &request)
    };
    user_cards::ListUserCards => ListUserCardsResponse, |core, context, request| {
        let page = core.list_members(context, &request)?;
        Ok(ListUserCardsResponse {
            data: Some(page.items),
            total_count: Some(page.total),
            offset: request.offset,
            limit: request.limit,
            ..ListUserCardsResponse::default()
        })
    };
    models::user_card_rights::UpdateUserCardRights => NoContent, |core, context, request| {
        nothing(core.update_member_rights(context, &request))
    };

    // Points of orders.
    models::bonus::PrepareBonus => NoContent, |core, context, request| {
        nothing(core.prepare_bonus(context, &request))
    };
    models::bonus::CommitBonus => NoContent, |core, context, request| {
        nothing(core.commit_bonus(context, &request))
    };

    // Registered members.
    phone_members::ImportPhoneMember => NoContent, |core, context, request| {
        nothing(core.import_phone_member(context, &request))
    };
    phone_members::SearchPhoneMember => SearchPhoneMemberResponse, |core, context, request| {
        core.search_phone_member(context, &request)
    };

    // Service items.
    service_modules::AddServiceModule => ServiceModule, |core, context, request| {
        core.add_service(context, &request)
    };
    service_modules::UpdateServiceModule => ServiceModule, |core, context, request| {
        core.update_service(context, &request)
    };
    service_modules::RemoveServiceModule => NoContent, |core, context, request| {
        nothing(core.remove_service(context, &request))
    };
    models::user_card_services::SetUserCardService => NoContent, |core, context, request| {
        nothing(core.set_user_service(context, &request))
    };

    // Pictures.
    models::media::UploadImage => models::media::UploadedImage, |core, _context, request| {
        core.upload_picture(&request)
    };

    // Callback.
    models::callback::SetCallback => Callback, |core, context, request| core.set_callback(context, &request);
    models::callback::GetCallback => Callback, |core, context, _request| core.get_callback(context);

    // Activities.
    activities::CreateActivity => activities::Activity, |core, context, request| {
        core.create_activity(context, &request)
    };
    activities::ListActivities => ListActivitiesResponse, |core, context, request| {
        let (page, offset, limit) = core.list_activities(context, &request)?;
        Ok(ListActivitiesResponse {
            data: Some(page.items),
            offset: Some(offset),
            limit: Some(limit),
            total_count: Some(page.total),
            ..ListActivitiesResponse::default()
        })
    };
    activities::GetActivity => activities::Activity, |core, context, request| {
        core.get_activity(context, &request.activity_id)
    };
    activities::TerminateActivity => TerminateActivityResponse, |core, context, request| {
        core.terminate_activity(context, &request.activity_id)
    };
}

/// Turns the success of a command into an empty answer.
fn nothing<T>(result: Result<T, Refused>) -> Result<NoContent, Refused> {
    result.map(|_| NoContent::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_catalogue_is_served() {
        let served = routes();
        assert_eq!(served.len(), models::OPERATIONS.len());
        for operation in models::OPERATIONS {
            let found = served
                .iter()
                .any(|route| route.operation().id == operation.id);
            assert!(found, "{}", operation.id);
        }
    }
}
