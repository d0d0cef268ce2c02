//! Lists of the brand family, which page by item and hold whole resources.

use kabao_api::{CallContext, Error, ListMembers, ListTemplates, Member, Page, Template};
use kabao_models::brand::cards::ListCards;
use kabao_models::brand::direct_cards::ListDirectCards;
use kabao_models::brand::direct_user_cards::ListDirectUserCards;
use kabao_models::brand::user_cards::ListUserCards;

use super::Brand;
use super::member::{member, require_openid};
use super::template::template;
use crate::paging::{
    Answered, count, following, items, member_name, members_scope, page, template_name,
    templates_scope,
};
use crate::portable::{Names, require_same_account};

/// The documented maximum, and as many unless the caller says otherwise.
const PAGE: u32 = 20;
const NAMES: Names = Names(&[("offset", "page_token"), ("limit", "page_size")]);

impl Brand {
    pub(super) async fn list_cards(
        &self,
        context: &CallContext,
        request: ListTemplates,
    ) -> Result<Page<Template>, Error> {
        let ListTemplates {
            account,
            page: asked,
            view,
            ..
        } = request;
        require_same_account(context, &account)?;
        let scope = templates_scope(&account, view);
        let cursor = scope.cursor(&asked, PAGE, PAGE)?;
        let (offset, limit) = (count(cursor.offset), i64::from(cursor.size));
        let list = ListCards::new(self.brand_id.as_str(), offset, limit);
        let answer = self.call::<ListDirectCards>(context, list).await;
        let answer = answer.map_err(|error| NAMES.translate(error))?;
        let (cards, came) = items(answer.data, &answer.extra, "data")?;
        let answered = Answered {
            items: came,
            total: answer.total_count,
        };
        let next = following(cursor, &answered)?;
        let mut templates = Vec::with_capacity(cards.len());
        for card in cards {
            if let Some(name) = template_name(&account, card.card_id.as_deref()) {
                templates.push(template(name, card, view));
            }
        }
        Ok(page(templates, scope, next, answer.total_count))
    }

    pub(super) async fn list_cards_of_user(
        &self,
        context: &CallContext,
        request: ListMembers,
    ) -> Result<Page<Member>, Error> {
        let ListMembers {
            account,
            template,
            openid,
            page: asked,
            view,
            ..
        } = request;
        require_same_account(context, &account)?;
        let openid = require_openid(Some(openid))?;
        let scope = members_scope(&account, template.as_ref(), &openid, view);
        let cursor = scope.cursor(&asked, PAGE, PAGE)?;
        let (offset, limit) = (count(cursor.offset), i64::from(cursor.size));
        let list = ListUserCards::new(self.brand_id.as_str(), openid, offset, limit);
        let answer = self.call::<ListDirectUserCards>(context, list).await;
        let answer = answer.map_err(|error| NAMES.translate(error))?;
        let (cards, came) = items(answer.data, &answer.extra, "data")?;
        let answered = Answered {
            items: came,
            total: answer.total_count,
        };
        let next = following(cursor, &answered)?;
        let mut members = Vec::with_capacity(cards.len());
        for card in cards {
            let Some(name) = template_name(&account, card.card_id.as_deref()) else {
                continue;
            };
            if template.as_ref().is_some_and(|wanted| wanted != name.id()) {
                continue;
            }
            // A card that waits for the merchant's own code has none yet, and so no name.
            let Some(code) = card.user_card_code.clone().filter(|code| !code.is_empty()) else {
                continue;
            };
            if let Some(name) = member_name(name, Some(code)) {
                members.push(member(name, card, view));
            }
        }
        let exact = template.is_none() && members.len() == answered.items;
        let total = answer.total_count.filter(|_| exact);
        Ok(page(members, scope, next, total))
    }
}
