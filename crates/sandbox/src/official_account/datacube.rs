//! The operations that report figures by day.

use kabao_models::official_account::datacube::{
    GetMemberCardDetail, GetMemberCardDetailResponse, GetMemberCardInfo, GetMemberCardInfoResponse,
    MemberCardDetailRow, MemberCardInfoRow,
};

use super::card::{OK, required};
use super::core::DayFigures;
use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};

/// What the recorded answers have as `merchanttype`; its values are not documented.
const MERCHANT_TYPE: i64 = 2;

fn day(date: &Option<String>) -> Result<&str, Refused> {
    date.as_deref().ok_or(Refused::DateFormat)
}

/// Returns `errcode` and `errmsg`, which recorded answers do not have.
fn head(context: &Context<'_>) -> (Option<i64>, Option<String>) {
    context
        .rules
        .datacube_errcode
        .then(|| (0, OK.to_owned()))
        .unzip()
}

impl Serve for GetMemberCardInfo {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetMemberCardInfoResponse, Refused> {
        let context = Context::of(call);
        let made_by_api = match self.cond_source {
            Some(0) => false,
            Some(1) => true,
            _ => return Err(Refused::Body("cond_source".into())),
        };
        let figures = core.account_figures(
            &context,
            day(&self.begin_date)?,
            day(&self.end_date)?,
            made_by_api,
        )?;
        let (errcode, errmsg) = head(&context);
        Ok(GetMemberCardInfoResponse {
            errcode,
            errmsg,
            list: Some(figures.into_iter().map(info_row).collect()),
            ..GetMemberCardInfoResponse::default()
        })
    }
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

impl Serve for GetMemberCardDetail {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetMemberCardDetailResponse, Refused> {
        let context = Context::of(call);
        let card_id = required(&self.card_id)?;
        let figures = core.card_figures(
            &context,
            day(&self.begin_date)?,
            day(&self.end_date)?,
            card_id,
        )?;
        let (errcode, errmsg) = head(&context);
        Ok(GetMemberCardDetailResponse {
            errcode,
            errmsg,
            list: Some(
                figures
                    .into_iter()
                    .map(|figures| detail_row(figures, card_id))
                    .collect(),
            ),
            ..GetMemberCardDetailResponse::default()
        })
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
