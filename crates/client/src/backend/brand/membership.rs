//! Beginning and end of a membership in the brand family.

use kabao_api::{
    ActivateMember, ActivationOutcome, CallContext, Error, FieldViolation, ImportMember,
    ImportedUser, InvalidateMember, Member, MemberName, Method, Personal, Validity,
};
use kabao_models::Sensitive;
use kabao_models::brand::direct_user_cards::{
    ConfirmDirectUserCard, ImportDirectUserCardByOpenid, InvalidateDirectUserCard,
};
use kabao_models::brand::user_cards::{
    ConfirmUserCard, ImportUserCardByOpenid, ImportUserCardByPhone, ImportUserCardByPhoneResponse,
    InvalidateUserCard,
};
use kabao_models::brand::{UserCard, UserCardConfirmState, ValidDateInformation};

use super::Brand;
use super::creation::dates;
use super::member::{member, require_openid};
use crate::portable::{
    Names, beijing_time, require_same_account, require_supported, set, validity_violation,
};

const NAMES: Names = Names(&[
    ("card_id", "name"),
    ("user_card_code", "name"),
    ("invalid_reason", "reason"),
    ("user_card_confirm_state", "outcome"),
    ("level", "initial_values.level"),
    ("card_picture_url", "initial_values.background_picture_url"),
]);
const IMPORT: Names = Names(&[
    ("card_id", "parent"),
    ("user_card_code", "code"),
    ("valid_date_information", "validity"),
    ("date_information", "validity"),
    ("level", "initial_values.level"),
    ("card_picture_url", "initial_values.background_picture_url"),
]);

/// What is imported, read and checked.
struct Import {
    code: Personal,
    level: Option<String>,
    picture: Option<String>,
    pickup_time: Option<String>,
    validity: Option<ValidDateInformation>,
}

impl Brand {
    pub(super) async fn confirm(
        &self,
        context: &CallContext,
        request: ActivateMember,
    ) -> Result<Member, Error> {
        let ActivateMember {
            name,
            openid,
            outcome,
            initial,
            view,
            ..
        } = request;
        require_same_account(context, name.account())?;
        require_supported(self.support(Method::ActivateMember), set(initial.fields()))?;
        let openid = require_openid(openid)?;
        let state = match outcome {
            ActivationOutcome::Enrolled => UserCardConfirmState::CreateCardSuccess,
            ActivationOutcome::AlreadyMember => UserCardConfirmState::CreateCardAlreadyExists,
            ActivationOutcome::Refused => UserCardConfirmState::CreateCardFail,
            _ => return Err(Error::not_supported(Self::FAMILY, &["outcome"])),
        };
        let (card_id, code) = (name.template().id().as_str(), name.code().clone());
        let brand = self.brand_id.as_str();
        let mut confirm = ConfirmUserCard::new(code, brand, card_id, openid, state);
        confirm.level = initial.level;
        confirm.card_picture_url = initial.background_picture_url;
        let answer = self.call::<ConfirmDirectUserCard>(context, confirm).await;
        let card = answer.map_err(|error| NAMES.translate(error))?;
        Ok(member(name, card, view))
    }

    pub(super) async fn invalidate(
        &self,
        context: &CallContext,
        request: InvalidateMember,
    ) -> Result<Member, Error> {
        let InvalidateMember {
            name,
            openid,
            reason,
            view,
            ..
        } = request;
        require_same_account(context, name.account())?;
        let openid = require_openid(openid)?;
        let (card_id, code) = (name.template().id().as_str(), name.code().clone());
        let brand = self.brand_id.as_str();
        let mut invalidation = InvalidateUserCard::new(code, brand, card_id, openid);
        invalidation.invalid_reason = reason;
        let sent = self.call::<InvalidateDirectUserCard>(context, invalidation);
        let card = sent.await.map_err(|error| NAMES.translate(error))?;
        Ok(member(name, card, view))
    }

    pub(super) async fn import(
        &self,
        context: &CallContext,
        request: ImportMember,
    ) -> Result<Member, Error> {
        require_same_account(context, request.template.account())?;
        let by_phone = matches!(request.user, ImportedUser::Phone(_));
        let asked = set(request.initial.fields()).chain([("phone_number", by_phone)]);
        require_supported(self.support(Method::ImportMember), asked)?;
        let import = read(&request, by_phone)?;
        let ImportMember {
            template,
            user,
            view,
            ..
        } = request;
        let name = MemberName::new(template, import.code.clone())?;
        let answer = match user {
            ImportedUser::Openid(openid) => {
                let openid = require_openid(Some(openid))?;
                self.import_by_openid(context, &name, openid, import).await
            }
            ImportedUser::Phone(phone) => self.import_by_phone(context, &name, phone, import).await,
            _ => return Err(Error::not_supported(Self::FAMILY, &["user"])),
        };
        let card = answer.map_err(|error| IMPORT.translate(error))?;
        Ok(member(name, card, view))
    }

    async fn import_by_openid(
        &self,
        context: &CallContext,
        name: &MemberName,
        openid: Personal,
        import: Import,
    ) -> Result<UserCard, Error> {
        let Import {
            code,
            level,
            picture,
            pickup_time,
            validity,
        } = import;
        let card_id = name.template().id().as_str();
        let brand = self.brand_id.as_str();
        let mut request = ImportUserCardByOpenid::new(brand, card_id, openid, code);
        request.level = level;
        request.card_picture_url = picture;
        request.pickup_time = pickup_time;
        request.valid_date_information = validity;
        self.call::<ImportDirectUserCardByOpenid>(context, request)
            .await
    }

    async fn import_by_phone(
        &self,
        context: &CallContext,
        name: &MemberName,
        phone: Personal,
        import: Import,
    ) -> Result<UserCard, Error> {
        let request = ImportUserCardByPhone {
            brand_id: Some(self.brand_id.clone()),
            card_id: Some(name.template().id().as_str().to_owned()),
            phone_number: Some(Sensitive::plain(phone.into_exposed())),
            user_card_code: Some(import.code),
            card_picture_url: import.picture,
            level: import.level,
            date_information: import.validity,
            pickup_time: import.pickup_time,
            ..ImportUserCardByPhone::default()
        };
        let answer = self.ground.call(context, request).await?;
        Ok(card(answer))
    }
}

fn read(request: &ImportMember, by_phone: bool) -> Result<Import, Error> {
    let mut violations = Vec::new();
    let mut require = |field: &str, description: &str, holds: bool| {
        if !holds {
            violations.push(FieldViolation::new(field, description));
        }
    };
    let code = request.code.clone().filter(|code| !code.is_empty());
    require("code", "is required by the brand family", code.is_some());
    let by_phone_needs = "is required for an import by phone number";
    require(
        "pickup_time",
        by_phone_needs,
        !by_phone || request.pickup_time.is_some(),
    );
    require(
        "validity",
        by_phone_needs,
        !by_phone || request.validity.is_some(),
    );
    let pickup_time = request.pickup_time.and_then(beijing_time);
    require(
        "pickup_time",
        "is out of range",
        request.pickup_time.is_none() || pickup_time.is_some(),
    );
    let validity = request
        .validity
        .clone()
        .map(|validity: Validity| dates(validity));
    if matches!(validity, Some(None)) {
        violations.push(validity_violation());
    }
    match code {
        Some(code) if violations.is_empty() => Ok(Import {
            code,
            level: request.initial.level.clone(),
            picture: request.initial.background_picture_url.clone(),
            pickup_time,
            validity: validity.flatten(),
        }),
        _ => Err(Error::field_invalid(violations)),
    }
}

/// The answer of an import by phone number has fewer members than other answers.
fn card(answer: ImportUserCardByPhoneResponse) -> UserCard {
    let ImportUserCardByPhoneResponse {
        user_card_code,
        card_id,
        openid,
        card_color,
        card_picture_url,
        brand_id,
        card_type,
        phone_number,
        level,
        valid_date_information,
        pickup_time,
        user_information,
        attach,
        user_card_state,
        invalid_reason,
        invalid_time,
        extra,
    } = answer;
    UserCard {
        user_card_code,
        card_id,
        openid,
        card_color,
        card_picture_url,
        brand_id,
        card_type,
        phone_number,
        level,
        valid_date_information,
        pickup_time,
        user_information,
        attach,
        user_card_state,
        invalid_reason,
        invalid_time,
        extra,
        ..UserCard::default()
    }
}
