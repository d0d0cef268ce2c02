//! The operations: each turns a request into one command of the core and its result into the
//! answer.

use kabao_models::merchant as models;
use kabao_models::merchant::activities::{self, ListActivitiesResponse};
use kabao_models::merchant::cards::{self, ListCardsResponse};
use kabao_models::merchant::user_cards::{self, ListUserCardsResponse};
use kabao_models::merchant::{
    CodeResponse, card_qrcodes, codes, permission_tokens, phone_members, service_modules,
};

use super::{Context, Core};
use crate::serve::{nothing, operations};

operations! {
    |core: Core, context: Context, request|

    // Templates.
    cards::CreateCard => core.create_template(context, &request);
    cards::ListCards => {
        let page = core.list_templates(context, &request)?;
        Ok(ListCardsResponse {
            total_count: Some(page.total),
            offset: request.offset,
            limit: request.limit,
            data: Some(page.items),
            ..ListCardsResponse::default()
        })
    };
    cards::GetCard => core.get_template(context, &request.card_id);
    cards::UpdateCard => nothing(core.update_template(context, &request));
    cards::DeleteCard => nothing(core.delete_template(context, &request.card_id));
    cards::UpgradeCard => nothing(core.upgrade_template(context, &request));
    models::card_rights::UpdateCardRights => nothing(core.update_sections(context, &request));

    // Codes, links, activation.
    codes::DepositCodes => core.deposit_codes(context, &request);
    codes::DecryptCode => {
        let encrypt_code = request.encrypt_code.unwrap_or_default();
        let code = core.decrypt_code(context, &request.card_id, encrypt_code.expose())?;
        Ok(CodeResponse { code: Some(code), ..CodeResponse::default() })
    };
    card_qrcodes::CreateCardQrcode => core.create_qrcode(context, &request);
    permission_tokens::CreatePermissionToken => core.create_permission_token(context, &request);
    models::activate_informations::GetActivateInformation => {
        core.activate_information(context, request.activate_ticket.expose())
    };

    // Members.
    user_cards::GetUserCard => core.get_member(context, &request.card_id, request.code.expose());
    user_cards::UpdateUserCard => nothing(core.update_member(context, &request));
    user_cards::ActivateUserCard => nothing(core.activate_member(context, &request));
    user_cards::SetUserCardUnavailable => nothing(core.set_unavailable(context, &request));
    user_cards::ConfirmUserCard => nothing(core.confirm_member(context, &request));
    user_cards::ImportUserCardByOpenid => core.import_by_openid(context, &request);
    user_cards::ImportUserCardByPhone => core.import_by_phone(context, &request);
    user_cards::ListUserCards => {
        let page = core.list_members(context, &request)?;
        Ok(ListUserCardsResponse {
            data: Some(page.items),
            total_count: Some(page.total),
            offset: request.offset,
            limit: request.limit,
            ..ListUserCardsResponse::default()
        })
    };
    models::user_card_rights::UpdateUserCardRights => {
        nothing(core.update_member_rights(context, &request))
    };

    // Points of orders.
    models::bonus::PrepareBonus => nothing(core.prepare_bonus(context, &request));
    models::bonus::CommitBonus => nothing(core.commit_bonus(context, &request));

    // Registered members.
    phone_members::ImportPhoneMember => nothing(core.import_phone_member(context, &request));
    phone_members::SearchPhoneMember => core.search_phone_member(context, &request);

    // Service items.
    service_modules::AddServiceModule => core.add_service(context, &request);
    service_modules::UpdateServiceModule => core.update_service(context, &request);
    service_modules::RemoveServiceModule => nothing(core.remove_service(context, &request));
    models::user_card_services::SetUserCardService => {
        nothing(core.set_user_service(context, &request))
    };

    // Pictures.
    models::media::UploadImage => core.upload_picture(&request);

    // Callback.
    models::callback::SetCallback => core.set_callback(context, &request);
    models::callback::GetCallback => core.get_callback(context);

    // Activities.
    activities::CreateActivity => core.create_activity(context, &request);
    activities::ListActivities => {
        let (page, offset, limit) = core.list_activities(context, &request)?;
        Ok(ListActivitiesResponse {
            data: Some(page.items),
            offset: Some(offset),
            limit: Some(limit),
            total_count: Some(page.total),
            ..ListActivitiesResponse::default()
        })
    };
    activities::GetActivity => core.get_activity(context, &request.activity_id);
    activities::TerminateActivity => core.terminate_activity(context, &request.activity_id);
}

#[cfg(test)]
mod tests;
