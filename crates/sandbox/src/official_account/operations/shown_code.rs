//! What `code/get` shows of a code, and of its member.

use kabao_models::Personal;
use kabao_models::official_account::CodeStatus;
use kabao_models::official_account::code::{CodeCard, GetCode, GetCodeResponse};

use super::exposed;
use crate::official_account::{Asked, Check, CodeState, Expired};
use crate::official_account::{Context, Core, Refused};
use crate::settings::MemberData;

pub(super) fn show(
    core: &Core,
    context: &Context<'_>,
    request: &GetCode,
) -> Result<GetCodeResponse, Refused> {
    let check = if request.check_consume == Some(false) {
        Check::Nothing
    } else {
        Check::Consume
    };
    let expired = if request.is_expire_dynamic_code == Some(true) {
        Expired::Find
    } else {
        Expired::Refuse
    };
    let asked = Asked {
        code: exposed(&request.code)?,
        card_id: request.card_id.as_deref(),
        expired,
    };
    let (state, dynamic) = core.shown_code(context, &asked, check)?;
    let mut answer = answer(state, dynamic);
    let shown = context.rules.code_get_member_data;
    if shown != MemberData::Always {
        // Only the model of one SDK has these.
        answer.nickname = None;
        answer.membership_number = None;
        answer.bonus = None;
        answer.balance = None;
        answer.user_info = None;
    }
    let of_dynamic_codes = dynamic && shown == MemberData::Dynamic;
    if let Some(card) = &mut answer.card
        && shown != MemberData::Always
        && !of_dynamic_codes
    {
        card.membership_number = None;
        card.bonus = None;
        card.balance = None;
    }
    Ok(answer)
}

/// The answer with everything that is known of the member.
fn answer(state: CodeState, dynamic: bool) -> GetCodeResponse {
    let can_consume = state.can_consume();
    let status = if state.card.consumed {
        CodeStatus::Consumed
    } else {
        CodeStatus::from(state.status.as_str())
    };
    let (card_id, code) = state.key;
    let card = state.card;
    let number = card.membership_number.map(Personal::from);
    GetCodeResponse {
        card: Some(CodeCard {
            card_id: Some(card_id),
            // Beside a dynamic code, these stand for a permanent card.
            begin_time: state.begin_time.or(dynamic.then_some(0)),
            end_time: state.end_time.or(dynamic.then_some(i64::from(i32::MAX))),
            code: Some(code.into()),
            membership_number: number.clone(),
            bonus: Some(card.bonus),
            balance: Some(card.balance),
            ..CodeCard::default()
        }),
        openid: Some(card.openid.into()),
        can_consume: Some(can_consume),
        outer_str: card.outer_str,
        user_card_status: Some(status),
        background_pic_url: card.background_pic_url,
        nickname: card.nickname.map(Personal::from),
        membership_number: number,
        bonus: Some(card.bonus),
        balance: Some(card.balance),
        user_info: Some(card.user_info),
        ..GetCodeResponse::default()
    }
}
