//! Lists of the merchant family.

use kabao_api::{
    CallContext, Cursor, Error, ListMembers, ListTemplates, Member, Page, Reason, Template,
};
use kabao_models::merchant::cards::{Card, CardSummary, ListCards};
use kabao_models::merchant::user_cards::{ListUserCards, UserCardSummary};

use super::template::template;
use super::{ListOffset, Merchant};
use crate::paging::{
    Answered, count, following, items, member_name, members_scope, page, read_all, template_name,
    templates_scope, unless_gone,
};
use crate::portable::{Names, require_same_account};

/// The documented maximum, and as many unless the caller says otherwise.
const PAGE: u32 = 20;
const NAMES: Names = Names(&[("offset", "page_token"), ("limit", "page_size")]);

impl Merchant {
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
        let cursor = match self.list_offset {
            ListOffset::Items => scope.cursor(&asked, PAGE, PAGE)?,
            ListOffset::Pages => scope.cursor_of_pages(&asked, PAGE, PAGE)?,
        };
        let request = ListCards::new(self.upstream_offset(cursor), i64::from(cursor.size));
        let answer = self
            .ground
            .call(context, request)
            .await
            .map_err(|error| NAMES.translate(error))?;
        let (cards, came) = items(answer.data, &answer.extra, "data")?;
        let next = self.following(cursor, came, answer.total_count)?;
        let templates = cards.into_iter().filter_map(|summary| {
            let name = template_name(&account, summary.card_id.as_deref())?;
            Some(template(name, card_of_summary(summary), view))
        });
        let templates = templates.collect();
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
        let scope = members_scope(&account, template.as_ref(), &openid, view);
        let cursor = match self.list_offset {
            ListOffset::Items => scope.cursor(&asked, PAGE, PAGE)?,
            ListOffset::Pages => scope.cursor_of_pages(&asked, PAGE, PAGE)?,
        };
        let (offset, limit) = (self.upstream_offset(cursor), i64::from(cursor.size));
        let answer = self
            .ground
            .call(context, ListUserCards::new(openid, offset, limit))
            .await
            .map_err(|error| NAMES.translate(error))?;
        let (cards, came) = items(answer.data, &answer.extra, "data")?;
        let next = self.following(cursor, came, answer.total_count)?;
        let mut names = Vec::new();
        for UserCardSummary { card_id, code, .. } in cards {
            let name = template_name(&account, card_id.as_deref())
                .filter(|name| template.as_ref().is_none_or(|wanted| wanted == name.id()));
            names.extend(name.and_then(|name| member_name(name, code)));
        }
        let reads = names.into_iter().map(|name| async move {
            let member = self.read_member(context, name, view).await;
            unless_gone(member, Reason::MemberNotFound)
        });
        let members = read_all(reads).await?;
        let total = answer.total_count.filter(|_| template.is_none());
        Ok(page(members, scope, next, total))
    }

    fn upstream_offset(&self, cursor: Cursor) -> i64 {
        match self.list_offset {
            ListOffset::Items => count(cursor.offset),
            ListOffset::Pages => count(cursor.offset / u64::from(cursor.size.max(1))),
        }
    }

    fn following(
        &self,
        cursor: Cursor,
        items: usize,
        total: Option<i64>,
    ) -> Result<Option<Cursor>, Error> {
        let next = following(cursor, &Answered { items, total })?;
        Ok(match self.list_offset {
            ListOffset::Items => next,
            // A page that is not full is the last one, whatever the total says.
            ListOffset::Pages => next
                .filter(|next| next.offset.saturating_sub(cursor.offset) >= u64::from(cursor.size)),
        })
    }
}

/// An item of the list has the members of a single answer but for those that are documented for
/// the latter only.
pub(super) fn card_of_summary(summary: CardSummary) -> Card {
    let CardSummary {
        card_id,
        create_time,
        update_time,
        remain_quantity,
        status,
        brand,
        appid,
        logo_url,
        title,
        background_picture_url,
        description,
        service_phone,
        code_type,
        total_quantity,
        date_information,
        code_mode,
        need_display_level,
        init_level,
        out_request_no,
        balance_information,
        user_information_form,
        additional_statement,
        need_dynamic_code,
        extra,
    } = summary;
    Card {
        card_id,
        create_time,
        update_time,
        remain_quantity,
        status,
        brand,
        appid,
        logo_url,
        title,
        background_picture_url,
        description,
        service_phone,
        code_type,
        total_quantity,
        date_information,
        code_mode,
        need_display_level,
        init_level,
        out_request_no,
        balance_information,
        user_information_form,
        additional_statement,
        need_dynamic_code,
        extra,
        ..Card::default()
    }
}
