//! The figures that are reported by day.

use kabao_models::official_account::datacube::{
    GetMemberCardDetail, GetMemberCardDetailResponse, GetMemberCardInfo, GetMemberCardInfoResponse,
    MemberCardDetailRow, MemberCardInfoRow,
};

use super::required;
use crate::official_account::DayFigures;
use crate::official_account::{Context, Core, Refused};

/// What the recorded answers have as `merchanttype`; its values are not documented.
const MERCHANT_TYPE: i64 = 2;

pub(super) fn of_account(
    core: &Core,
    context: &Context<'_>,
    request: &GetMemberCardInfo,
) -> Result<GetMemberCardInfoResponse, Refused> {
    let made_by_api = match request.cond_source {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(Refused::Body("cond_source".into())),
    };
    let (begin, end) = (day(&request.begin_date)?, day(&request.end_date)?);
    let figures = core.account_figures(context, begin, end, made_by_api)?;
    Ok(GetMemberCardInfoResponse {
        list: Some(figures.into_iter().map(info_row).collect()),
        ..GetMemberCardInfoResponse::default()
    })
}

pub(super) fn of_card(
    core: &Core,
    context: &Context<'_>,
    request: &GetMemberCardDetail,
) -> Result<GetMemberCardDetailResponse, Refused> {
    let card_id = required(&request.card_id)?;
    let (begin, end) = (day(&request.begin_date)?, day(&request.end_date)?);
    let figures = core.card_figures(context, begin, end, card_id)?;
    let row = |figures| detail_row(figures, card_id);
    Ok(GetMemberCardDetailResponse {
        list: Some(figures.into_iter().map(row).collect()),
        ..GetMemberCardDetailResponse::default()
    })
}

fn day(date: &Option<String>) -> Result<&str, Refused> {
    date.as_deref().ok_or(Refused::DateFormat)
}

fn info_row(figures: DayFigures) -> MemberCardInfoRow {
    MemberCardInfoRow {
        ref_date: Some(figures.date),
        view_cnt: Some(figures.views.0),
        view_user: Some(figures.views.1),
        receive_cnt: Some(figures.receipts.0),
        receive_user: Some(figures.receipts.1),
        verify_cnt: Some(figures.uses.0),
        verify_user: Some(figures.uses.1),
        active_user: Some(figures.activations.1),
        total_user: Some(figures.holders),
        total_receive_user: Some(figures.ever_received),
        ..MemberCardInfoRow::default()
    }
}

fn detail_row(figures: DayFigures, card_id: &str) -> MemberCardDetailRow {
    MemberCardDetailRow {
        ref_date: Some(figures.date),
        view_cnt: Some(figures.views.0),
        view_user: Some(figures.views.1),
        receive_cnt: Some(figures.receipts.0),
        receive_user: Some(figures.receipts.1),
        verify_cnt: Some(figures.uses.0),
        verify_user: Some(figures.uses.1),
        active_user: Some(figures.activations.1),
        total_user: Some(figures.holders),
        total_receive_user: Some(figures.ever_received),
        active_cnt: Some(figures.activations.0),
        new_user: Some(figures.new_users),
        merchanttype: Some(MERCHANT_TYPE),
        cardid: Some(card_id.to_owned()),
        submerchantid: Some(0),
        pay_original_fee: Some(figures.original_fee),
        fee: Some(figures.fee),
        ..MemberCardDetailRow::default()
    }
}
