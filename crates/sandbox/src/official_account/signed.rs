//! What a page passes on is signed with a ticket; WeChat checks it when the user taps.

use kabao_auth::card_signature;
use kabao_models::official_account::DateInfoType;
use serde::{Deserialize, Deserializer, Serialize};

use super::template::CodeMode;
use super::{Claim, Context, Core};
use crate::described::described;
use crate::official_account::Refused;
use crate::settings::Permit;

/// `cardExt` of `wx.addCard`.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CardExt {
    pub(crate) code: Option<String>,
    pub(crate) openid: Option<String>,
    #[serde(deserialize_with = "text_or_number")]
    pub(crate) timestamp: String,
    pub(crate) nonce_str: Option<String>,
    pub(crate) fixed_begintimestamp: Option<i64>,
    pub(crate) outer_str: Option<String>,
    pub(crate) outer_id: Option<i64>,
    pub(crate) signature: String,
}

described! {
    /// The arguments of `wx.chooseCard` and who taps.
    #[derive(Clone, Default)]
    pub(crate) struct Choice {
        /// Who taps.
        #[serde(default)]
        pub(crate) openid: String,
        /// The shop, as the page passed it on.
        #[serde(default)]
        pub(crate) shop_id as "shopId": String,
        /// The type of card, as the page passed it on.
        #[serde(default)]
        pub(crate) card_type as "cardType": String,
        /// The card, as the page passed it on.
        #[serde(default)]
        pub(crate) card_id as "cardId": String,
        /// Unix seconds, also as a number.
        #[serde(default, deserialize_with = "text_or_number")]
        pub(crate) timestamp: String,
        /// The random text that was signed.
        #[serde(default)]
        pub(crate) nonce_str as "nonceStr": String,
        /// How it was signed.
        #[serde(default)]
        pub(crate) sign_type as "signType": String,
        /// The signature.
        #[serde(default)]
        pub(crate) card_sign as "cardSign": String,
    }
}

/// A card that a user may choose.
#[derive(Serialize)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Chosen {
    pub(crate) card_id: String,
    pub(crate) encrypt_code: String,
}

/// Pages print the time as a number as well.
fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(i64),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    })
}

impl Core {
    /// Checks `cardExt` and returns the claim that it makes of a user's tap.
    ///
    /// `tickets` are those that sign validly now.
    pub(crate) fn signed_claim(
        &self,
        context: &Context<'_>,
        tickets: &[String],
        claim: Claim,
        ext: &CardExt,
    ) -> Result<Claim, Refused> {
        let template = self.template(context, &claim.card_id)?;
        let own_code = template.code_mode() == CodeMode::Custom;
        let bound = template.base.bind_openid == Some(true);
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        // Both must be there where the card needs them, and only there.
        if given(&ext.code) != own_code || given(&ext.openid) != bound {
            return Err(Refused::CardExt);
        }
        let nonce = ext.nonce_str.as_deref().unwrap_or_default();
        let values = [
            &claim.card_id,
            ext.timestamp.as_str(),
            ext.code.as_deref().unwrap_or_default(),
            ext.openid.as_deref().unwrap_or_default(),
            nonce,
        ];
        check_signature(context, tickets, &values, &ext.timestamp, &ext.signature)?;
        if ext
            .openid
            .as_deref()
            .is_some_and(|only| !only.is_empty() && only != claim.openid)
        {
            return Err(Refused::Openid);
        }
        let nonce = (!nonce.is_empty()).then(|| format!("{}/{nonce}", claim.card_id));
        if context.rules.card_ext_replay == Permit::Refuse
            && nonce
                .as_ref()
                .is_some_and(|nonce| self.used_nonces.get(nonce).is_some())
        {
            return Err(Refused::CardExt);
        }
        let dates = template.base.date_info.as_ref();
        let has_term =
            dates.is_some_and(|dates| dates.r#type == Some(DateInfoType::DateTypeFixTerm));
        Ok(Claim {
            code: ext.code.clone().filter(|code| !code.is_empty()),
            outer_str: ext.outer_str.clone(),
            outer_id: ext.outer_id,
            begin: ext.fixed_begintimestamp.filter(|_| has_term),
            bound_to: ext.openid.clone(),
            nonce,
            ..claim
        })
    }

    /// Checks the arguments of `wx.chooseCard` and returns the user's cards that it shows.
    pub(crate) fn choose(
        &mut self,
        context: &Context<'_>,
        tickets: &[String],
        choice: &Choice,
    ) -> Result<Vec<Chosen>, Refused> {
        if !matches!(choice.sign_type.as_str(), "" | "SHA1") {
            return Err(Refused::CardExt);
        }
        let values = [
            context.appid,
            choice.shop_id.as_str(),
            &choice.timestamp,
            &choice.nonce_str,
            &choice.card_id,
            &choice.card_type,
        ];
        if choice.nonce_str.is_empty() {
            return Err(Refused::CardExt);
        }
        check_signature(
            context,
            tickets,
            &values,
            &choice.timestamp,
            &choice.card_sign,
        )?;
        if !matches!(choice.card_type.as_str(), "" | "MEMBER_CARD") {
            // Only member cards exist.
            return Ok(Vec::new());
        }
        let card_id = Some(choice.card_id.as_str()).filter(|card_id| !card_id.is_empty());
        let cards = self.list_members(context, &choice.openid, card_id)?;
        let store: Option<i64> = choice.shop_id.parse().ok();
        let usable: Vec<_> = cards
            .into_iter()
            .filter(|(card_id, _)| {
                choice.shop_id.is_empty()
                    || self.templates.get(card_id).is_some_and(|template| {
                        let stores = template
                            .base
                            .location_id_list
                            .as_deref()
                            .unwrap_or_default();
                        template.base.use_all_locations == Some(true)
                            || store.is_some_and(|store| stores.contains(&store))
                    })
            })
            .collect();
        Ok(usable
            .into_iter()
            .map(|key| Chosen {
                encrypt_code: self.encrypt_code(&key),
                card_id: key.0,
            })
            .collect())
    }
}

/// Checks that one of the tickets made a signature that is not too old.
fn check_signature(
    context: &Context<'_>,
    tickets: &[String],
    values: &[&str],
    timestamp: &str,
    signature: &str,
) -> Result<(), Refused> {
    let signed_at: i64 = timestamp.parse().map_err(|_| Refused::CardExt)?;
    let too_old = context
        .rules
        .card_ext_max_age_seconds
        .is_some_and(|most| context.now.saturating_sub(signed_at) > most);
    let mut all = values.to_vec();
    let valid = tickets.iter().any(|ticket| {
        all.push(ticket);
        let expected = card_signature(&all);
        all.pop();
        expected == signature
    });
    if valid && !too_old {
        Ok(())
    } else {
        Err(Refused::CardExt)
    }
}

#[cfg(test)]
mod tests;
