//! What the definition of a card must hold, whether it is made or changed.

use kabao_models::official_account::card::{BaseInfo, DateInfo, MemberCard};
use serde::Serialize;
use serde_json::Value;

use super::{Context, validity};
use crate::official_account::Refused;

/// The only mode in which codes are imported.
pub(crate) const DEPOSIT: &str = "GET_CUSTOM_CODE_MODE_DEPOSIT";

/// How many of points, balance and custom fields a card can show.
const SLOTS: usize = 3;

/// Checks a new card.
pub(super) fn definition(
    context: &Context<'_>,
    card: &MemberCard,
    base: &BaseInfo,
) -> Result<(), Refused> {
    validity::check(
        base.date_info.as_ref().unwrap_or(&DateInfo::default()),
        context.now,
    )?;
    let quantity = base.sku.as_ref().and_then(|sku| sku.quantity).unwrap_or(0);
    if quantity < 0 {
        return Err(Refused::Stock);
    }
    let custom = base.use_custom_code == Some(true);
    if custom && !context.rules.custom_code_permission {
        return Err(Refused::CustomCodes);
    }
    match base.get_custom_code_mode.as_deref() {
        None | Some("") => {}
        Some(DEPOSIT) if !custom => return Err(Refused::Body("get_custom_code_mode".into())),
        Some(DEPOSIT) if quantity != 0 => return Err(Refused::Stock),
        Some(DEPOSIT) => {}
        Some(_) => return Err(Refused::Body("get_custom_code_mode".into())),
    }
    if card.supply_balance == Some(true) && !context.rules.stored_value_permission {
        return Err(Refused::StoredValue);
    }
    limits(base)?;
    slots(card)?;
    pictures(context, card, base)
}

/// Both limits count cards.
pub(super) fn limits(base: &BaseInfo) -> Result<(), Refused> {
    for (limit, name) in [(base.get_limit, "get_limit"), (base.use_limit, "use_limit")] {
        if limit.is_some_and(|limit| limit < 1) {
            return Err(Refused::Body(name.into()));
        }
    }
    Ok(())
}

/// At most three of points, balance and custom fields are shown, and every field has a name.
pub(super) fn slots(card: &MemberCard) -> Result<(), Refused> {
    let fields = [
        &card.custom_field1,
        &card.custom_field2,
        &card.custom_field3,
    ];
    let nameless = fields
        .into_iter()
        .flatten()
        .any(|field| field.name_type.is_none() && field.name.is_none());
    if nameless {
        return Err(Refused::Missing("custom_field.name".into()));
    }
    let shown = [
        card.supply_bonus == Some(true),
        card.supply_balance == Some(true),
        card.custom_field1.is_some(),
        card.custom_field2.is_some(),
        card.custom_field3.is_some(),
    ];
    if shown.into_iter().filter(|shown| *shown).count() > SLOTS {
        Err(Refused::Slots)
    } else {
        Ok(())
    }
}

/// Pictures come from WeChat's own servers, or get a remark.
pub(super) fn pictures(
    context: &Context<'_>,
    card: &MemberCard,
    base: &BaseInfo,
) -> Result<(), Refused> {
    let advanced = card.advanced_info.as_ref();
    let covers = advanced
        .and_then(|info| info.r#abstract.as_ref())
        .and_then(|cover| cover.icon_url_list.as_ref());
    let images = advanced.and_then(|info| info.text_image_list.as_ref());
    let urls = [&card.background_pic_url, &base.logo_url]
        .into_iter()
        .flatten()
        .chain(covers.into_iter().flatten())
        .chain(
            images
                .into_iter()
                .flatten()
                .filter_map(|image| image.image_url.as_ref()),
        );
    for url in urls {
        picture(context, url)?;
    }
    Ok(())
}

/// The same for one picture.
pub(super) fn picture(context: &Context<'_>, url: &str) -> Result<(), Refused> {
    let host = url.split_once("://").map_or("", |(_, rest)| {
        rest.split(['/', ':', '?']).next().unwrap_or_default()
    });
    let on_cdn = host.ends_with(".qpic.cn") || host.ends_with(".qlogo.cn");
    if url.is_empty() || on_cdn {
        return Ok(());
    }
    if context.rules.require_cdn_pictures {
        return Err(Refused::Picture);
    }
    context.remark(
        "a picture is not from WeChat's CDN; the real service refuses it with 52000, by reports \
         (official_account.require_cdn_pictures)",
    );
    Ok(())
}

/// Refuses the texts that the settings name.
pub(super) fn texts(context: &Context<'_>, content: &impl Serialize) -> Result<(), Refused> {
    let refused = &context.rules.refused_texts;
    if refused.is_empty() {
        return Ok(());
    }
    let content = serde_json::to_value(content).map_err(|_| Refused::Internal)?;
    if contains(&content, refused) {
        Err(Refused::Spam)
    } else {
        Ok(())
    }
}

fn contains(value: &Value, refused: &[String]) -> bool {
    match value {
        Value::String(text) => refused
            .iter()
            .any(|refused| text.contains(refused.as_str())),
        Value::Array(items) => items.iter().any(|item| contains(item, refused)),
        Value::Object(members) => members.values().any(|member| contains(member, refused)),
        _ => false,
    }
}
