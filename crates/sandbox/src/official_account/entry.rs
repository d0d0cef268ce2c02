//! The operations on shelf pages, articles, testers, entries of a card and colours.

use kabao_models::official_account::colors::{Color, GetColors, GetColorsResponse};
use kabao_models::official_account::landing_page::{CreateLandingPage, CreateLandingPageResponse};
use kabao_models::official_account::mp_news::{GetMpNewsHtml, GetMpNewsHtmlResponse};
use kabao_models::official_account::pay_cell::SetPayCell;
use kabao_models::official_account::self_consume_cell::SetSelfConsumeCell;
use kabao_models::official_account::test_whitelist::SetTestWhitelist;
use kabao_models::official_account::{BasicResponse, CardColor};

use super::card::{OK, done, required};
use super::code::texts;
use super::core::{LandingPage, SelfConsumeCell, Testers};
use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};

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

impl Serve for SetTestWhitelist {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        let testers = Testers {
            openid: texts(self.openid),
            username: texts(self.username),
        };
        core.set_testers(&Context::of(call), testers)?;
        Ok(done())
    }
}

impl Serve for CreateLandingPage {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<CreateLandingPageResponse, Refused> {
        let page = LandingPage {
            page_id: 0,
            appid: String::new(),
            page_title: self.page_title.unwrap_or_default(),
            can_share: self.can_share == Some(true),
            scene: self.scene,
            cards: self
                .card_list
                .into_iter()
                .flatten()
                .filter_map(|card| card.card_id)
                .collect(),
        };
        let (url, page_id) = core.create_landing_page(&Context::of(call), page)?;
        Ok(CreateLandingPageResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            url: Some(url),
            page_id: Some(page_id),
            ..CreateLandingPageResponse::default()
        })
    }
}

impl Serve for GetMpNewsHtml {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<GetMpNewsHtmlResponse, Refused> {
        let content = core.article_html(&Context::of(call), required(&self.card_id)?)?;
        Ok(GetMpNewsHtmlResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            content: Some(content),
            ..GetMpNewsHtmlResponse::default()
        })
    }
}

impl Serve for SetPayCell {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        let open = self.is_open == Some(true);
        core.set_pay_cell(&Context::of(call), required(&self.card_id)?, open)?;
        Ok(done())
    }
}

impl Serve for SetSelfConsumeCell {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<BasicResponse, Refused> {
        let cell = (self.is_open == Some(true)).then_some(SelfConsumeCell {
            need_verify_cod: self.need_verify_cod == Some(true),
            need_remark_amount: self.need_remark_amount == Some(true),
        });
        core.set_self_consume_cell(&Context::of(call), required(&self.card_id)?, cell)?;
        Ok(done())
    }
}

impl Serve for GetColors {
    type Core = Core;

    fn serve(self, _: &mut Core, _: &Call) -> Result<GetColorsResponse, Refused> {
        let colors = COLORS.map(|(name, value)| Color {
            name: Some(name),
            value: Some(value.to_owned()),
            ..Color::default()
        });
        Ok(GetColorsResponse {
            errcode: Some(0),
            errmsg: Some(OK.to_owned()),
            colors: Some(colors.into()),
            ..GetColorsResponse::default()
        })
    }
}
