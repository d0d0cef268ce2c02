//! A core with the demo card, and shorter ways to use it.

mod site;

use kabao_models::official_account::card::{DateInfo, NewBaseInfo, NewCard, NewMemberCard, NewSku};
use kabao_models::official_account::{CardColor, CardType, CodeType, DateInfoType};

use super::{Claim, Context, Core, Review};
use crate::demo;
use crate::official_account::Refused;
use crate::settings::OfficialAccount;

pub(crate) use self::site::{SECRET, Site, act, act_as, claim, code};

pub(crate) const APPID: &str = demo::OFFICIAL_ACCOUNT_APPID;
pub(crate) const OTHER_APPID: &str = "wx9f8e7d6c5b4a3021";
pub(crate) const CARD: &str = demo::OFFICIAL_ACCOUNT_CARD;
pub(crate) const ADVERTISED_CARD: &str = demo::OFFICIAL_ACCOUNT_ADVERTISED_CARD;
pub(crate) const CODE: &str = demo::OFFICIAL_ACCOUNT_CODE;
/// 2026-01-01T08:00:00+08:00.
pub(crate) const NOW: i64 = 1_767_225_600;

/// A core, its clock and its settings.
pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) now: i64,
    pub(crate) rules: OfficialAccount,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut core = Core::default();
        demo::official_account::fill(&mut core, jiff::Timestamp::from_second(NOW).unwrap());
        Self {
            core,
            now: NOW,
            rules: OfficialAccount::default(),
        }
    }

    /// Runs a command of the demo account.
    pub(crate) fn run<T>(&mut self, command: impl FnOnce(&mut Core, &Context<'_>) -> T) -> T {
        command(
            &mut self.core,
            &Context {
                appid: APPID,
                now: self.now,
                rules: &self.rules,
                remarks: None,
            },
        )
    }

    /// Makes a card and approves it.
    pub(crate) fn approved(&mut self, change: impl FnOnce(&mut NewMemberCard)) -> String {
        let mut card = new_card();
        change(card.member_card.as_mut().unwrap());
        self.run(|core, context| {
            let card_id = core.create_template(context, &card).unwrap();
            core.review_template(context, &card_id, Review::Approve)
                .unwrap();
            card_id
        })
    }

    /// The same for a change of the common part.
    pub(crate) fn approved_base(&mut self, change: impl FnOnce(&mut NewBaseInfo)) -> String {
        self.approved(|card| change(card.base_info.as_mut().unwrap()))
    }

    pub(crate) fn claim(&mut self, card_id: &str, openid: &str) -> String {
        self.try_claim(card_id, openid).unwrap()
    }

    pub(crate) fn try_claim(&mut self, card_id: &str, openid: &str) -> Result<String, Refused> {
        let claim = Claim {
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            ..Claim::default()
        };
        self.run(|core, context| core.claim(context, &claim))
            .map(|claimed| claimed.code)
    }

    pub(crate) fn claim_code(
        &mut self,
        card_id: &str,
        openid: &str,
        code: &str,
    ) -> Result<String, Refused> {
        let claim = Claim {
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            code: Some(code.to_owned()),
            ..Claim::default()
        };
        self.run(|core, context| core.claim(context, &claim))
            .map(|claimed| claimed.code)
    }
}

/// A small valid card.
pub(crate) fn new_card() -> NewCard {
    let text = |text: &str| Some(text.to_owned());
    NewCard {
        card_type: Some(CardType::MemberCard),
        member_card: Some(NewMemberCard {
            base_info: Some(NewBaseInfo {
                logo_url: text("https://mmbiz.qpic.cn/mmbiz/AbCdEf0123456789/0"),
                brand_name: text("茶港"),
                code_type: Some(CodeType::CodeTypeBarcode),
                title: text("茶港会员卡"),
                color: Some(CardColor::Color030),
                notice: text("使用时出示此卡"),
                description: text("不可与其他优惠同享。"),
                date_info: Some(DateInfo {
                    r#type: Some(DateInfoType::DateTypePermanent),
                    ..DateInfo::default()
                }),
                sku: Some(NewSku {
                    quantity: Some(100),
                    ..NewSku::default()
                }),
                get_limit: Some(1),
                ..NewBaseInfo::default()
            }),
            supply_bonus: Some(true),
            supply_balance: Some(true),
            prerogative: text("会员享九五折。"),
            ..NewMemberCard::default()
        }),
        ..NewCard::default()
    }
}
