//! Old cards of the public platform, and how they become cards of this API.

use kabao_models::merchant::cards::{Brand, Card, DateInformation, UpgradeCard};
use kabao_models::merchant::{CardTemplateStatus, CodeMode, CodeType, DateInformationType};

use super::template::{DEFAULT_STOCK, Template};
use super::template_rules::check_appid;
use super::{Context, Core, Refused, Rule};
use crate::clock::rfc3339_millis;
use crate::described::described;

/// The picture of old cards.
const PICTURE: &str = "https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0";

described! {
    /// An old card of the public platform, created there.
    #[derive(Clone, Default)]
    pub(crate) struct OldCard {
        /// Its id; without one a new one is made.
        pub(crate) card_id: Option<String>,
        /// What it is called.
        pub(crate) title: Option<String>,
        /// The AppID that made it.
        pub(crate) appid: Option<String>,
    }
}

impl Core {
    /// Puts an old card in place, as the public platform's own API would have created it.
    pub(crate) fn create_old_card(
        &mut self,
        context: &Context<'_>,
        old: &OldCard,
    ) -> Result<Card, Refused> {
        let card_id = old.card_id.clone().unwrap_or_else(|| self.fresh_card_id());
        if self.templates.contains_key(&card_id) {
            return Err(Refused::value("card_id", "is taken", card_id));
        }
        let created = rfc3339_millis(context.now);
        let card = Card {
            card_id: Some(card_id.clone()),
            create_time: Some(created.clone()),
            update_time: Some(created),
            remain_quantity: Some(DEFAULT_STOCK),
            total_quantity: Some(DEFAULT_STOCK),
            status: Some(CardTemplateStatus::Approved),
            appid: old.appid.clone(),
            logo_url: Some(PICTURE.to_owned()),
            title: Some(
                old.title
                    .clone()
                    .unwrap_or_else(|| "公众平台会员卡".to_owned()),
            ),
            background_picture_url: Some(PICTURE.to_owned()),
            description: Some("公众平台创建的会员卡".to_owned()),
            code_type: Some(CodeType::BarCode),
            code_mode: Some(CodeMode::SystemAllocate),
            date_information: Some(DateInformation {
                r#type: Some(DateInformationType::Permanent),
                ..DateInformation::default()
            }),
            out_request_no: Some(format!("old_{card_id}")),
            ..Card::default()
        };
        let template = Template {
            upgraded: false,
            ..Template::new(card.clone(), context.merchant)
        };
        self.put_template(None, template);
        Ok(card)
    }

    /// Binds an old card to a brand and an AppID; id and members stay.
    pub(super) fn upgrade_template(
        &mut self,
        context: &Context<'_>,
        request: &UpgradeCard,
    ) -> Result<(), Refused> {
        let template = self
            .templates
            .get(&request.card_id)
            .ok_or(Rule::CardIdInvalid)?;
        if template.owner != context.merchant {
            return Err(Rule::NotOwner.into());
        }
        if template.upgraded {
            return Err(Rule::AlreadyUpgraded.into());
        }
        check_appid(request.appid.as_deref(), context.rules)?;
        let brand_id = request
            .brand_id
            .clone()
            .ok_or(Refused::Required("brand_id"))?;
        let brand = self.brand(brand_id);
        let appid = request.appid.clone().ok_or(Refused::Required("appid"))?;
        self.change_template(&request.card_id, |template| {
            template.card.brand = Some(brand);
            template.card.appid = Some(appid);
            template.card.update_time = Some(rfc3339_millis(context.now));
            template.upgraded = true;
        });
        Ok(())
    }

    /// Finds the name of a brand among the templates; an unknown one is named by its id.
    fn brand(&self, brand_id: String) -> Brand {
        let mut brands = self
            .templates
            .values()
            .filter_map(|template| template.card.brand.as_ref());
        let known = brands
            .find(|brand| brand.brand_id.as_ref() == Some(&brand_id))
            .cloned();
        known.unwrap_or_else(|| Brand {
            display_name: Some(brand_id.clone()),
            brand_id: Some(brand_id),
            ..Brand::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;
    use kabao_models::merchant::user_cards::UpdateUserCard;

    use super::super::claim::tests::claim_of;
    use super::super::testing::{CARD, context, core, rules};
    use super::*;
    use crate::settings;

    const OLD: &str = "pOldCardOfThePublicPlatform0";

    fn with_old_card() -> Core {
        let mut core = core();
        let old = OldCard {
            card_id: Some(OLD.into()),
            ..OldCard::default()
        };
        core.create_old_card(&context(&rules()), &old).unwrap();
        core
    }

    #[test]
    fn an_old_card_must_be_upgraded_first_and_only_once() {
        let mut core = with_old_card();
        let rules = rules();
        let context = context(&rules);
        assert_eq!(
            core.get_template(&context, OLD),
            Err(Rule::NotUpgraded.into())
        );
        let change = UpdateUserCard::new(OLD, "1", "n");
        assert_eq!(
            core.update_member(&context, &change),
            Err(Rule::NotUpgraded.into())
        );
        let upgrade = UpgradeCard::new(OLD, "1004", "wxd678efh567hg6787");
        core.upgrade_template(&context, &upgrade).unwrap();
        let card = core.get_template(&context, OLD).unwrap();
        assert!(
            card.strict_violations().is_empty(),
            "{:?}",
            card.strict_violations()
        );
        assert_eq!(card.brand.unwrap().display_name.as_deref(), Some("茶港"));
        assert_eq!(
            core.upgrade_template(&context, &upgrade),
            Err(Rule::AlreadyUpgraded.into())
        );
        let claim = super::super::claim::Claim {
            card_id: OLD.into(),
            ..claim_of("oNew")
        };
        core.claim(&context, &claim).unwrap();
    }

    #[test]
    fn an_upgrade_needs_a_service_account_and_the_right_caller() {
        let mut core = with_old_card();
        let rules = settings::Merchant {
            service_account_appids: vec!["wx1".into()],
            ..rules()
        };
        let context = context(&rules);
        let upgrade = UpgradeCard::new(OLD, "1004", "wx2");
        assert_eq!(
            core.upgrade_template(&context, &upgrade),
            Err(Rule::NotServiceAccount.into())
        );
        let unknown = UpgradeCard {
            card_id: "nobody".into(),
            ..upgrade.clone()
        };
        assert_eq!(
            core.upgrade_template(&context, &unknown),
            Err(Rule::CardIdInvalid.into())
        );
        let other = Context {
            merchant: "1900000999",
            ..context
        };
        assert_eq!(
            core.upgrade_template(&other, &upgrade),
            Err(Rule::NotOwner.into())
        );
        let taken = OldCard {
            card_id: Some(CARD.into()),
            ..OldCard::default()
        };
        assert!(core.create_old_card(&context, &taken).is_err());
    }
}
