//! The operations: each turns a request into one command of the core and its result into the
//! answer. `errcode` and `errmsg` of a success are written where answers are.

mod figures;
mod pay_rule;
mod qrcode;
mod shown_code;

use kabao_models::official_account as models;
use kabao_models::official_account::callback_ips::{GetCallbackIps, GetCallbackIpsResponse};
use kabao_models::official_account::card::{
    self, BatchGetCardsResponse, CreateCardResponse, GetCardResponse, UpdateCardResponse,
};
use kabao_models::official_account::code::{
    self, CheckCodesResponse, ConsumeCodeResponse, ConsumedCard, DecryptCodeResponse,
    DepositCodesResponse, GetDepositCountResponse,
};
use kabao_models::official_account::colors::{Color, GetColors, GetColorsResponse};
use kabao_models::official_account::landing_page::{CreateLandingPage, CreateLandingPageResponse};
use kabao_models::official_account::media::{UploadImage, UploadImageResponse};
use kabao_models::official_account::member::{
    self, GetActivateTempInfoResponse, GetActivateUrlResponse, UpdateUserResponse,
};
use kabao_models::official_account::mp_news::{GetMpNewsHtml, GetMpNewsHtmlResponse};
use kabao_models::official_account::ticket::{GetTicket, GetTicketResponse};
use kabao_models::official_account::user::{ListUserCards, ListUserCardsResponse, UserCard};
use kabao_models::official_account::{
    AccessToken, CardColor, datacube, pay_gift_card, pay_gift_member_card,
};
use kabao_models::{Personal, Secret};

use super::tickets::Issued;
use super::{Context, Core, Refused, Tokens};
use super::{LandingPage, SelfConsumeCell, Testers};
use crate::serve::{nothing, operations};
use crate::settings::UploadPart;

operations! {
    |tokens: Tokens, context: Context, request|

    models::token::GetToken => {
        tokens.issue(context.appid, context.now, context.rules).map(access_token)
    };
    models::stable_token::GetStableToken => {
        let issued = if request.force_refresh == Some(true) {
            tokens.force_stable(context.appid, context.now, context.rules)
        } else {
            tokens.stable(context.appid, context.now, context.rules)
        };
        issued.map(access_token)
    };
    GetTicket => {
        let kind = request.r#type.ok_or(Refused::Body("type".into()))?;
        let tickets = &mut tokens.tickets;
        let issued = tickets.issue(context.appid, &kind, context.now, context.rules)?;
        Ok(GetTicketResponse {
            ticket: Some(Secret::new(issued.token)),
            expires_in: Some(issued.expires_in),
            ..GetTicketResponse::default()
        })
    };
}

operations! {
    |core: Core, context: Context, request|

    // Templates.
    card::CreateCard => {
        let card = request.card.as_ref().ok_or(Refused::Missing("card".into()))?;
        let card_id = core.create_template(context, card)?;
        Ok(CreateCardResponse { card_id: Some(card_id), ..CreateCardResponse::default() })
    };
    card::GetCard => {
        let card = core.get_template(context, required(&request.card_id)?)?;
        Ok(GetCardResponse { card: Some(card), ..GetCardResponse::default() })
    };
    card::BatchGetCards => {
        let states = request.status_list.as_deref();
        let (offset, count) = (request.offset.unwrap_or(0), request.count.unwrap_or(0));
        let page = core.list_templates(context, states, offset, count)?;
        Ok(BatchGetCardsResponse {
            card_id_list: Some(page.items),
            total_num: Some(page.total),
            ..BatchGetCardsResponse::default()
        })
    };
    card::UpdateCard => {
        let change = request.member_card.unwrap_or_default();
        core.update_template(context, required(&request.card_id)?, &change).map(updated)
    };
    card::UpdateCardMessage => {
        let slot = request
            .member_card
            .and_then(|change| change.modify_msg_operation)
            .ok_or(Refused::Missing("member_card.modify_msg_operation".into()))?;
        core.set_message(context, required(&request.card_id)?, slot)?;
        Ok(updated(false))
    };
    card::DeleteCard => nothing(core.delete_template(context, required(&request.card_id)?));
    card::ModifyCardStock => {
        let increase = request.increase_stock_value.unwrap_or(0);
        let reduce = request.reduce_stock_value.unwrap_or(0);
        nothing(core.modify_stock(context, required(&request.card_id)?, increase, reduce))
    };

    // Codes.
    code::GetCode => shown_code::show(core, context, &request);
    code::ConsumeCode => {
        let card_id = request.card_id.as_deref();
        let (card_id, openid) = core.redeem_code(context, exposed(&request.code)?, card_id)?;
        Ok(ConsumeCodeResponse {
            card: Some(ConsumedCard { card_id: Some(card_id), ..ConsumedCard::default() }),
            openid: Some(openid.into()),
            ..ConsumeCodeResponse::default()
        })
    };
    code::DecryptCode => {
        let encrypted = request.encrypt_code.as_ref().ok_or(Refused::EncryptCode)?;
        let code = core.decrypt_code(context, encrypted.expose())?;
        Ok(DecryptCodeResponse { code: Some(code.into()), ..DecryptCodeResponse::default() })
    };
    code::SetCodeUnavailable => {
        let (card_id, reason) = (request.card_id.as_deref(), request.reason.clone());
        nothing(core.set_unavailable(context, exposed(&request.code)?, card_id, reason))
    };
    code::UpdateCode => {
        let (code, new_code) = (exposed(&request.code)?, exposed(&request.new_code)?);
        nothing(core.update_code(context, code, request.card_id.as_deref(), new_code))
    };
    code::DepositCodes => {
        let codes = texts(request.code);
        let deposited = core.deposit_codes(context, required(&request.card_id)?, &codes)?;
        Ok(DepositCodesResponse {
            succ_code: Some(deposited.imported),
            duplicate_code: Some(deposited.duplicate),
            fail_code: Some(deposited.failed),
            ..DepositCodesResponse::default()
        })
    };
    code::GetDepositCount => {
        let count = core.deposit_count(context, required(&request.card_id)?)?;
        Ok(GetDepositCountResponse {
            count: i64::try_from(count).ok(),
            ..GetDepositCountResponse::default()
        })
    };
    code::CheckCodes => {
        let codes = texts(request.code);
        let (exist, missing) = core.check_codes(context, required(&request.card_id)?, &codes)?;
        Ok(CheckCodesResponse {
            exist_code: Some(exist),
            not_exist_code: Some(missing),
            ..CheckCodesResponse::default()
        })
    };
    models::qrcode::CreateQrcode => qrcode::create(core, context, request);

    // Members.
    ListUserCards => {
        let openid = request.openid.as_ref().ok_or(Refused::Openid)?;
        let cards = core.list_members(context, openid.expose(), request.card_id.as_deref())?;
        let card_list = cards.into_iter().map(|(card_id, code)| UserCard {
            code: Some(code.into()),
            card_id: Some(card_id),
            ..UserCard::default()
        });
        Ok(ListUserCardsResponse {
            card_list: Some(card_list.collect()),
            // Friend coupons do not exist here.
            has_share_card: Some(false),
            ..ListUserCardsResponse::default()
        })
    };
    member::GetUserInfo => {
        core.get_member(context, required(&request.card_id)?, exposed(&request.code)?)
    };
    member::UpdateUser => {
        let totals = core.update_member(context, &request)?;
        Ok(UpdateUserResponse {
            result_bonus: Some(totals.bonus),
            result_balance: Some(totals.balance),
            openid: Some(totals.openid.into()),
            ..UpdateUserResponse::default()
        })
    };
    member::ActivateMember => nothing(core.activate_member(context, &request));
    member::SetActivateUserForm => {
        nothing(core.set_form(context, required(&request.card_id)?, &request))
    };
    member::GetActivateTempInfo => {
        let ticket = request.activate_ticket.ok_or(Refused::Missing("activate_ticket".into()))?;
        let info = core.temporary_info(context, ticket.expose())?;
        Ok(GetActivateTempInfoResponse {
            info: Some(info),
            ..GetActivateTempInfoResponse::default()
        })
    };
    member::GetActivateUrl => {
        let outer_str = request.outer_str.as_deref();
        let url = core.activate_url(context, required(&request.card_id)?, outer_str)?;
        Ok(GetActivateUrlResponse { url: Some(url), ..GetActivateUrlResponse::default() })
    };

    // Rules for cards after a payment.
    pay_gift_member_card::AddPayGiftMemberCard => pay_rule::add_old(core, context, request);
    pay_gift_member_card::DeletePayGiftMemberCard => {
        let mchids = request.mchid_list.unwrap_or_default();
        let outcome = core.delete_merchants(context, required(&request.card_id)?, &mchids);
        outcome.map(pay_rule::old_result)
    };
    pay_gift_member_card::GetPayGiftMemberCard => pay_rule::show_old(core, context, &request);
    pay_gift_card::AddPayGiftCard => pay_rule::add(core, context, request);
    pay_gift_card::DeletePayGiftCard => {
        nothing(core.delete_pay_rule(context, pay_rule::id(request.rule_id)?))
    };
    pay_gift_card::GetPayGiftCard => pay_rule::show(core, context, &request);
    pay_gift_card::BatchGetPayGiftCards => pay_rule::list(core, context, &request);

    // Figures by day.
    datacube::GetMemberCardInfo => figures::of_account(core, context, &request);
    datacube::GetMemberCardDetail => figures::of_card(core, context, &request);

    // Pictures, testers, pages, entries of a card, colours.
    UploadImage => {
        // A part without a file name is no file.
        request.filename.ok_or(Refused::MediaMissing)?;
        let picture = match context.rules.upload_part {
            UploadPart::Any => request.media.or(request.buffer),
            UploadPart::Media => request.media,
            UploadPart::Buffer => request.buffer,
        };
        let url = core.upload_picture(context, &picture.ok_or(Refused::MediaMissing)?)?;
        Ok(UploadImageResponse { url: Some(url), ..UploadImageResponse::default() })
    };
    models::test_whitelist::SetTestWhitelist => {
        let testers = Testers {
            openid: texts(request.openid),
            username: texts(request.username),
        };
        nothing(core.set_testers(context, testers))
    };
    CreateLandingPage => {
        let cards = request.card_list.into_iter().flatten();
        let page = LandingPage {
            page_id: 0,
            appid: String::new(),
            page_title: request.page_title.unwrap_or_default(),
            can_share: request.can_share == Some(true),
            scene: request.scene,
            cards: cards.filter_map(|card| card.card_id).collect(),
        };
        let (url, page_id) = core.create_landing_page(context, page)?;
        Ok(CreateLandingPageResponse {
            url: Some(url),
            page_id: Some(page_id),
            ..CreateLandingPageResponse::default()
        })
    };
    GetMpNewsHtml => {
        let content = core.article_html(context, required(&request.card_id)?)?;
        Ok(GetMpNewsHtmlResponse { content: Some(content), ..GetMpNewsHtmlResponse::default() })
    };
    models::pay_cell::SetPayCell => {
        let open = request.is_open == Some(true);
        nothing(core.set_pay_cell(context, required(&request.card_id)?, open))
    };
    models::self_consume_cell::SetSelfConsumeCell => {
        let cell = (request.is_open == Some(true)).then_some(SelfConsumeCell {
            need_verify_cod: request.need_verify_cod == Some(true),
            need_remark_amount: request.need_remark_amount == Some(true),
        });
        nothing(core.set_self_consume_cell(context, required(&request.card_id)?, cell))
    };
    // The sandbox pushes from where it runs.
    GetCallbackIps => {
        let ip_list = Some(vec!["127.0.0.1".to_owned(), "::1".to_owned()]);
        Ok(GetCallbackIpsResponse { ip_list, ..GetCallbackIpsResponse::default() })
    };
    GetColors => {
        let colors = COLORS.map(|(name, value)| Color {
            name: Some(name),
            value: Some(value.to_owned()),
            ..Color::default()
        });
        Ok(GetColorsResponse { colors: Some(colors.into()), ..GetColorsResponse::default() })
    };
}

/// Returns a `card_id` that the limits require.
fn required(card_id: &Option<String>) -> Result<&str, Refused> {
    card_id.as_deref().ok_or(Refused::CardIdMissing)
}

/// Returns a code that the limits require.
fn exposed(code: &Option<Personal>) -> Result<&str, Refused> {
    code.as_ref()
        .map(Personal::expose)
        .ok_or(Refused::Missing("code".into()))
}

/// Returns a list of personal texts as it is.
fn texts(texts: Option<Vec<Personal>>) -> Vec<String> {
    texts
        .into_iter()
        .flatten()
        .map(Personal::into_exposed)
        .collect()
}

fn updated(send_check: bool) -> UpdateCardResponse {
    UpdateCardResponse {
        send_check: Some(send_check),
        ..UpdateCardResponse::default()
    }
}

fn access_token(issued: Issued) -> AccessToken {
    AccessToken {
        access_token: Some(Secret::new(issued.token)),
        expires_in: Some(issued.expires_in),
        ..AccessToken::default()
    }
}

/// The names of the colours and what they look like today.
const COLORS: [(CardColor, &str); 14] = [
    (CardColor::Color010, "#63b359"),
    (CardColor::Color020, "#2c9f67"),
    (CardColor::Color030, "#509fc9"),
    (CardColor::Color040, "#5885cf"),
    (CardColor::Color050, "#9062c0"),
    (CardColor::Color060, "#d09a45"),
    (CardColor::Color070, "#e4b138"),
    (CardColor::Color080, "#ee903c"),
    (CardColor::Color081, "#f08500"),
    (CardColor::Color082, "#a9d92d"),
    (CardColor::Color090, "#dd6549"),
    (CardColor::Color100, "#cc463d"),
    (CardColor::Color101, "#cf3e36"),
    (CardColor::Color102, "#5E6671"),
];

#[cfg(test)]
mod tests;
