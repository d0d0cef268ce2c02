//! Where cards are handed out and used besides QR codes: shelf pages, articles, and the entries for
//! quick pay and self-redeeming.

use kabao_models::official_account::LandingPageScene;
use serde::Serialize;

use super::template::{CodeMode, SelfConsumeCell, Template};
use super::{Context, Core};
use crate::ledger::{Change, Effect, whole};
use crate::official_account::Refused;
use crate::records::Recorded;
use crate::settings::Permit;

/// A shelf page.
#[derive(Clone, Serialize)]
pub(crate) struct LandingPage {
    pub(crate) page_id: i64,
    pub(crate) appid: String,
    pub(crate) page_title: String,
    pub(crate) can_share: bool,
    pub(crate) scene: Option<LandingPageScene>,
    /// The cards on it, by their ids.
    pub(crate) cards: Vec<String>,
}

impl Recorded for LandingPage {
    /// The `page_id`.
    type Key = i64;

    fn place(&self, _: &i64) -> Effect {
        Effect::default()
    }

    fn changes(_: &i64, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        whole("landing_page", &before, &after)
    }
}

impl Core {
    /// Makes a shelf page and returns its address and its number, which the page gets here.
    pub(crate) fn create_landing_page(
        &mut self,
        context: &Context<'_>,
        mut page: LandingPage,
    ) -> Result<(String, i64), Refused> {
        if page.cards.is_empty() {
            return Err(Refused::Missing("card_list".into()));
        }
        let too_many = context
            .rules
            .landing_page_max_cards
            .is_some_and(|most| page.cards.len() > most);
        if too_many {
            return Err(Refused::Body("card_list".into()));
        }
        for card_id in &page.cards {
            self.check_handed_out(context, card_id)?;
        }
        let made = i64::try_from(self.landing_pages.len()).unwrap_or(i64::MAX);
        page.page_id = made.saturating_add(1);
        page.appid = context.appid.to_owned();
        let page_id = page.page_id;
        let url = format!(
            "https://mp.weixin.qq.com/bizmall/cardshelf?shelf_id={page_id}&biz={}#wechat_redirect",
            biz(context)
        );
        self.landing_pages
            .put(&mut self.effects, None, page_id, page);
        Ok((url, page_id))
    }

    /// Returns the shelf pages.
    pub(crate) fn landing_pages(&self) -> impl Iterator<Item = &LandingPage> {
        self.landing_pages.values()
    }

    /// Returns what an article needs to hand a card out.
    pub(crate) fn article_html(
        &self,
        context: &Context<'_>,
        card_id: &str,
    ) -> Result<String, Refused> {
        self.check_handed_out(context, card_id)?;
        Ok(format!(
            "<iframe class=\"res_iframe card_iframe js_editor_card\" data-src=\"https://mp.weixin.qq.com/bizmall/appmsgcard?action=show&biz={}&cardid={card_id}&wechat_card_js=1#wechat_redirect\"></iframe>",
            biz(context)
        ))
    }

    /// Shows or removes the entry for quick pay.
    pub(crate) fn set_pay_cell(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        open: bool,
    ) -> Result<(), Refused> {
        self.check_cell(context, card_id, open)?;
        self.live_template(context, card_id)?;
        self.change_template(card_id, |template| template.pay_cell = open);
        Ok(())
    }

    /// Shows or removes the entry for redeeming a card oneself.
    pub(crate) fn set_self_consume_cell(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        cell: Option<SelfConsumeCell>,
    ) -> Result<(), Refused> {
        self.check_cell(context, card_id, cell.is_some())?;
        if context.rules.self_consume_member_card == Permit::Refuse {
            return Err(Refused::CardType);
        }
        self.live_template(context, card_id)?;
        self.change_template(card_id, |template| template.self_consume_cell = cell);
        Ok(())
    }

    /// Checks that a page or an article may hand a card out.
    fn check_handed_out(&self, context: &Context<'_>, card_id: &str) -> Result<(), Refused> {
        let template = self.template(context, card_id)?;
        let errcode = context.rules.landing_page_unapproved_errcode;
        if template.is_deleted() {
            return Err(Refused::CardStatus);
        }
        if !template.is_approved() && errcode != 0 {
            return Err(Refused::Chosen {
                errcode,
                errmsg: "invalid card status, the card is not approved",
            });
        }
        let without_codes = match template.code_mode() {
            CodeMode::Platform => false,
            CodeMode::Custom => true,
            CodeMode::Deposit => template.imported.is_empty(),
        };
        if without_codes && context.rules.own_code_needs_deposit {
            return Err(Refused::CardStatus);
        }
        Ok(())
    }

    /// Checks what both entries need. Removing one needs no store.
    fn check_cell(&self, context: &Context<'_>, card_id: &str, open: bool) -> Result<(), Refused> {
        let template = self.template(context, card_id)?;
        if !context.rules.pay_permission {
            return Err(Refused::PayPermission);
        }
        if open && context.rules.cells_need_store && !has_store(template) {
            return Err(Refused::Store);
        }
        Ok(())
    }
}

fn has_store(template: &Template) -> bool {
    let listed = template
        .base
        .location_id_list
        .as_ref()
        .is_some_and(|stores| !stores.is_empty());
    listed || template.base.use_all_locations == Some(true)
}

/// The number of an account in addresses: 16 characters that stand for the AppID.
fn biz(context: &Context<'_>) -> String {
    let digest = kabao_auth::sha256_hex(context.appid.as_bytes());
    format!("Mj{}%3D%3D", digest.get(..12).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::testing::{CARD, World, new_card};

    fn page(world: &mut World, cards: &[&str]) -> Result<i64, i64> {
        let page = LandingPage {
            page_id: 0,
            appid: String::new(),
            page_title: "茶港".to_owned(),
            can_share: true,
            scene: Some(LandingPageScene::SceneMenu),
            cards: cards.iter().map(|card| (*card).to_owned()).collect(),
        };
        world
            .run(|core, context| core.create_landing_page(context, page))
            .map(|(_, page_id)| page_id)
            .map_err(|refused| refused.errcode())
    }

    fn article(world: &mut World, card_id: &str) -> Result<String, i64> {
        world
            .run(|core, context| core.article_html(context, card_id))
            .map_err(|refused| refused.errcode())
    }

    #[test]
    fn pages_are_numbered_and_hand_out_approved_cards_only() {
        let mut world = World::new();
        assert_eq!(page(&mut world, &[CARD]), Ok(1));
        assert_eq!(page(&mut world, &[CARD, CARD]), Ok(2));
        assert_eq!(page(&mut world, &[]), Err(41011));
        assert_eq!(page(&mut world, &["none"]), Err(40073));
        world.rules.landing_page_max_cards = Some(1);
        assert_eq!(page(&mut world, &[CARD, CARD]), Err(47001));
        let card_id = world
            .run(|core, context| core.create_template(context, &new_card()))
            .unwrap();
        assert_eq!(page(&mut world, &[&card_id]), Err(40078));
        assert_eq!(article(&mut world, &card_id), Err(40078));
        world.rules.landing_page_unapproved_errcode = 0;
        assert_eq!(page(&mut world, &[&card_id]), Ok(3));
        let html = article(&mut world, &card_id).unwrap();
        assert!(html.contains(&format!("cardid={card_id}&")), "{html}");
    }

    #[test]
    fn own_codes_must_be_deposited_before_a_page_hands_them_out() {
        let mut world = World::new();
        let custom = world.approved_base(|base| base.use_custom_code = Some(true));
        assert_eq!(article(&mut world, &custom), Err(40078));
        world.rules.own_code_needs_deposit = false;
        assert!(article(&mut world, &custom).is_ok());
        world.rules.own_code_needs_deposit = true;
        let deposit = world.approved_base(|base| {
            base.use_custom_code = Some(true);
            base.get_custom_code_mode = Some("GET_CUSTOM_CODE_MODE_DEPOSIT".to_owned());
            base.sku.as_mut().unwrap().quantity = Some(0);
        });
        assert_eq!(page(&mut world, &[&deposit]), Err(40078));
        world
            .run(|core, context| core.deposit_codes(context, &deposit, &["M1".to_owned()]))
            .unwrap();
        assert_eq!(page(&mut world, &[&deposit]), Ok(1));
    }

    #[test]
    fn entries_need_permission_and_a_store_to_be_opened() {
        let mut world = World::new();
        let pay = |world: &mut World, card_id: &str, open: bool| {
            world
                .run(|core, context| core.set_pay_cell(context, card_id, open))
                .map_err(|refused| refused.errcode())
        };
        let itself = |world: &mut World, card_id: &str| {
            let cell = Some(SelfConsumeCell {
                need_verify_cod: true,
                need_remark_amount: false,
            });
            world
                .run(|core, context| core.set_self_consume_cell(context, card_id, cell))
                .map_err(|refused| refused.errcode())
        };
        let bare = world.approved(|_| ());
        let stores = world.approved_base(|base| base.location_id_list = Some(vec![101]));
        let all = world.approved_base(|base| base.use_all_locations = Some(true));
        assert_eq!(pay(&mut world, &bare, true), Err(43017));
        assert_eq!(itself(&mut world, &bare), Err(43017));
        assert_eq!(pay(&mut world, &bare, false), Ok(()));
        for card_id in [&stores, &all] {
            assert_eq!(pay(&mut world, card_id, true), Ok(()));
            assert_eq!(itself(&mut world, card_id), Ok(()));
        }
        let shown = world.run(|core, _| {
            core.templates()
                .find(|template| template.card_id == stores)
                .map(|template| (template.pay_cell, template.self_consume_cell))
        });
        let (pay_cell, cell) = shown.unwrap();
        assert!(pay_cell && cell.unwrap().need_verify_cod);
        world.rules.cells_need_store = false;
        assert_eq!(pay(&mut world, &bare, true), Ok(()));
        world.rules.self_consume_member_card = Permit::Refuse;
        assert_eq!(itself(&mut world, &all), Err(40071));
        world.rules.pay_permission = false;
        assert_eq!(pay(&mut world, &all, true), Err(43008));
        assert_eq!(itself(&mut world, &all), Err(43008));
    }
}
