//! Lists of the official-account family, which hold names only, and those of coupons among them.

use std::collections::BTreeSet;

use kabao_api::{
    CallContext, Cursor, Error, ListMembers, ListTemplates, Member, MemberName, Page, Reason,
    Template, TemplateName,
};
use kabao_models::official_account::CardType;
use kabao_models::official_account::card::{BatchGetCards, Card};
use kabao_models::official_account::user::{ListUserCards, UserCard};

use super::OfficialAccount;
use crate::paging::{
    Answered, count, following, items, member_name, members_scope, page, read_all, template_name,
    templates_scope, unless_gone,
};
use crate::portable::{Names, require_same_account};

/// As many unless the caller says otherwise: each item is read on its own.
const PAGE: u32 = 20;
/// The documented maximum of `card.batch_get`, and our own for the cards of a user.
const MAX_PAGE: u32 = 50;
const TEMPLATES: Names = Names(&[("offset", "page_token"), ("count", "page_size")]);
const MEMBERS: Names = Names(&[("card_id", "parent")]);

impl OfficialAccount {
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
        let cursor = scope.cursor(&asked, PAGE, MAX_PAGE)?;
        let request = BatchGetCards::new(count(cursor.offset), i64::from(cursor.size));
        let answer = self
            .ground
            .call(context, request)
            .await
            .map_err(|error| TEMPLATES.translate(error))?;
        let (ids, came) = items(answer.card_id_list, &answer.extra, "card_id_list")?;
        let answered = Answered {
            items: came,
            total: answer.total_num,
        };
        let next = following(cursor, &answered)?;
        let names: Vec<_> = ids
            .iter()
            .filter_map(|id| template_name(&account, Some(id)))
            .collect();
        let reads = names.into_iter().map(|name| async move {
            let card = self.read_card(context, &name).await;
            let card = unless_gone(card, Reason::TemplateNotFound)?.filter(is_member_card);
            Ok(card.map(|card| self.template(name, card, view)))
        });
        // The total counts coupons too.
        Ok(page(read_all(reads).await?, scope, next, None))
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
        let cursor = scope.cursor(&asked, PAGE, MAX_PAGE)?;
        let mut request = ListUserCards::new(openid);
        request.card_id = template.as_ref().map(|id| id.as_str().to_owned());
        let answer = self
            .ground
            .call(context, request)
            .await
            .map_err(|error| MEMBERS.translate(error))?;
        let (cards, _) = items(answer.card_list, &answer.extra, "card_list")?;

        // WeChat gives all cards at once; the page is ours.
        let skipped = usize::try_from(cursor.offset).unwrap_or(usize::MAX);
        let size = usize::try_from(cursor.size).unwrap_or(usize::MAX);
        let left = cards.len().saturating_sub(skipped);
        let next = (left > size).then(|| Cursor {
            offset: cursor.offset.saturating_add(u64::from(cursor.size)),
            size: cursor.size,
        });
        let total = template
            .is_some()
            .then(|| i64::try_from(cards.len()).unwrap_or(i64::MAX));
        let mut names = Vec::new();
        for UserCard { card_id, code, .. } in cards.into_iter().skip(skipped).take(size) {
            let name = template_name(&account, card_id.as_deref());
            names.extend(name.and_then(|name| member_name(name, code)));
        }
        if template.is_none() {
            let member_cards = self.member_cards(context, &names).await?;
            names.retain(|name| member_cards.contains(name.template()));
        }
        let reads = names.into_iter().map(|name| async move {
            let member = self.read_member(context, name, view).await;
            unless_gone(member, Reason::MemberNotFound)
        });
        Ok(page(read_all(reads).await?, scope, next, total))
    }

    /// Finds out which of the cards are member cards and not coupons.
    async fn member_cards(
        &self,
        context: &CallContext,
        names: &[MemberName],
    ) -> Result<BTreeSet<TemplateName>, Error> {
        let templates: BTreeSet<_> = names.iter().map(|name| name.template().clone()).collect();
        let reads = templates.into_iter().map(|name| async move {
            let card = self.read_card(context, &name).await;
            let card = unless_gone(card, Reason::TemplateNotFound)?;
            Ok(card.filter(is_member_card).map(|_| name))
        });
        Ok(read_all(reads).await?.into_iter().collect())
    }
}

fn is_member_card(card: &Card) -> bool {
    match &card.card_type {
        Some(card_type) => *card_type == CardType::MemberCard,
        None => card.member_card.is_some(),
    }
}
