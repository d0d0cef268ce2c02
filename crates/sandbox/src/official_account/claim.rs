//! A user claims a card.

use kabao_models::official_account::UserCardStatus;
use serde::Serialize;

use super::code::check_form;
use super::figures::Event;
use super::template::{ActivationMode, CodeMode, Template};
use super::validity::DAY;
use super::{Context, Core, Member, MemberKey};
use crate::official_account::Refused;

/// What a user does to get a card.
#[derive(Clone, Default)]
pub(crate) struct Claim {
    pub(crate) card_id: String,
    pub(crate) openid: String,
    pub(crate) nickname: Option<String>,
    /// The code, for cards that bring their own.
    pub(crate) code: Option<String>,
    pub(crate) outer_str: Option<String>,
    pub(crate) outer_id: Option<i64>,
    /// When the validity starts, in place of the moment of the claim.
    pub(crate) begin: Option<i64>,
    /// The only user who may claim, of a signed claim.
    pub(crate) bound_to: Option<String>,
    /// The card and the random text of a signed claim, which no other claim may use.
    pub(crate) nonce: Option<String>,
    /// The ticket of the QR code that was scanned.
    pub(crate) qr_ticket: Option<String>,
}

/// What a user got.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Claimed {
    pub(crate) card_id: String,
    pub(crate) code: String,
    /// Whether it is a card that the user had deleted.
    pub(crate) restored: bool,
    pub(crate) has_active: bool,
    /// Whether it was the last one in stock.
    pub(crate) sold_out: bool,
}

impl Core {
    /// Gives a user a card, or gives back one that the user deleted.
    pub(crate) fn claim(
        &mut self,
        context: &Context<'_>,
        claim: &Claim,
    ) -> Result<Claimed, Refused> {
        let template = self.templates.get(&claim.card_id).ok_or(Refused::CardId)?;
        let scene = match &claim.qr_ticket {
            Some(ticket) => Some(self.scan(context, ticket, &claim.card_id, &claim.openid)?),
            None => None,
        };
        let bound = scene
            .as_ref()
            .is_some_and(|scene| scene.openid.as_deref() == Some(claim.openid.as_str()))
            || claim.bound_to.as_deref() == Some(claim.openid.as_str());
        if template.base.bind_openid == Some(true) && !bound {
            return Err(Refused::Openid);
        }
        let code = scene
            .as_ref()
            .and_then(|scene| scene.code.clone())
            .or_else(|| claim.code.clone());
        if context.rules.reclaim_restores
            && let Some(key) = self.deleted_card(&claim.card_id, &claim.openid, code.as_deref())
        {
            return self.reclaim(context, key);
        }
        let tester = self.is_tester(context, &claim.openid);
        check_distributable(context, template, tester)?;
        let claims = self.claims(&claim.card_id, &claim.openid);
        if claims >= template.get_limit() {
            return Err(Refused::ClaimLimit);
        }
        let code = match (template.code_mode(), code) {
            (CodeMode::Platform, None) => self.fresh_code(),
            (CodeMode::Platform, Some(code)) if self.platform_codes.contains_key(&code) => {
                return Err(Refused::CodeForm);
            }
            // A test may choose the code that the platform would.
            (CodeMode::Platform, Some(code)) | (CodeMode::Custom, Some(code)) => code,
            (CodeMode::Custom, None) => return Err(Refused::Missing("code".into())),
            (CodeMode::Deposit, _) => template.waiting.front().cloned().ok_or(Refused::SoldOut)?,
        };
        check_form(&code)?;
        let key = (claim.card_id.clone(), code);
        if self.members.contains_key(&key) {
            return Err(Refused::CodeForm);
        }
        let mut card = Member::new(&claim.openid, context.now);
        card.nickname.clone_from(&claim.nickname);
        card.outer_str = scene
            .as_ref()
            .and_then(|scene| scene.outer_str.clone())
            .or_else(|| claim.outer_str.clone());
        card.outer_id = scene
            .as_ref()
            .and_then(|scene| scene.outer_id)
            .or(claim.outer_id);
        if let Some(begin) = claim.begin {
            let term = template
                .base
                .date_info
                .as_ref()
                .and_then(|dates| dates.fixed_term)
                .unwrap_or(0);
            card.activate_begin_time = Some(begin);
            card.activate_end_time = Some(begin.saturating_add(term.saturating_mul(DAY)));
        }
        let claimed = self.issue(context, key, card, claim.qr_ticket.as_deref())?;
        if let Some(nonce) = &claim.nonce {
            self.used_nonces.insert(nonce.clone(), ());
        }
        Ok(claimed)
    }

    /// The same for a card that shall wait for its activation; refuses what would be active.
    pub(crate) fn claim_waiting(
        &mut self,
        context: &Context<'_>,
        claim: &Claim,
    ) -> Result<Claimed, Refused> {
        let template = self.templates.get(&claim.card_id).ok_or(Refused::CardId)?;
        if template.activation_mode() == ActivationMode::Automatic {
            return Err(Refused::Action(
                "activated: a card with auto_activate is active as soon as it is claimed, so it cannot be claimed with false",
            ));
        }
        let earlier = self
            .deleted_card(&claim.card_id, &claim.openid, claim.code.as_deref())
            .filter(|_| context.rules.reclaim_restores)
            .and_then(|key| self.members.get(&key));
        if earlier.is_some_and(|card| card.has_active) {
            return Err(Refused::Action(
                "activated: the user takes back a deleted card that was active, so it cannot be claimed with false",
            ));
        }
        self.claim(context, claim)
    }

    /// Puts a new card into a wallet; every check has passed.
    fn issue(
        &mut self,
        context: &Context<'_>,
        key: MemberKey,
        card: Member,
        qr_ticket: Option<&str>,
    ) -> Result<Claimed, Refused> {
        let mut template = self.templates.get(&key.0).ok_or(Refused::CardId)?.clone();
        template.take_one()?;
        let sold_out = template.stock() == 0;
        let automatic = template.activation_mode() == ActivationMode::Automatic;
        match template.code_mode() {
            CodeMode::Deposit => {
                template.waiting.pop_front();
            }
            CodeMode::Platform => {
                self.platform_codes.insert(key.1.clone(), key.0.clone());
            }
            CodeMode::Custom => {}
        }
        self.templates
            .put(&mut self.effects, None, key.0.clone(), template);
        let openid = card.openid.clone();
        self.put_member(key.clone(), card);
        if let Some(ticket) = qr_ticket {
            self.use_up(ticket);
        }
        self.figures
            .note(&key.0, &openid, context.now, Event::Receive);
        self.count_holders(&key.0, context.now);
        if automatic {
            self.activate_itself(context, &key)?;
        }
        Ok(Claimed {
            card_id: key.0,
            code: key.1,
            restored: false,
            has_active: automatic,
            sold_out,
        })
    }

    fn reclaim(&mut self, context: &Context<'_>, key: MemberKey) -> Result<Claimed, Refused> {
        let (card_id, code) = key;
        self.restore_member(context, &card_id, &code)?;
        let has_active = self.held(&card_id, &code)?.2.has_active;
        Ok(Claimed {
            card_id,
            code,
            restored: true,
            has_active,
            sold_out: false,
        })
    }

    /// Finds a card of the user that can come back.
    fn deleted_card(&self, card_id: &str, openid: &str, code: Option<&str>) -> Option<MemberKey> {
        self.members
            .iter()
            .find(|((of, held), card)| {
                of == card_id
                    && card.openid == openid
                    && card.user_card_status == UserCardStatus::Delete
                    && code.is_none_or(|code| code == held)
            })
            .map(|(key, _)| key.clone())
    }

    /// Counts how often a user claimed a card; gifts do not count.
    fn claims(&self, card_id: &str, openid: &str) -> i64 {
        let cards = self.members.iter().filter(|((of, _), card)| {
            of == card_id && card.openid == openid && !card.received_as_gift
        });
        i64::try_from(cards.count()).unwrap_or(i64::MAX)
    }
}

/// Checks that a user can get the card now.
fn check_distributable(
    context: &Context<'_>,
    template: &Template,
    tester: bool,
) -> Result<(), Refused> {
    let ignores_state = tester && context.rules.test_users_ignore_state;
    if template.is_deleted() && !ignores_state || !(template.is_approved() || tester) {
        return Err(Refused::CardStatus);
    }
    let end = template
        .base
        .date_info
        .as_ref()
        .and_then(|dates| dates.end_timestamp);
    if end.is_some_and(|end| context.now >= end) && !ignores_state {
        return Err(Refused::Time);
    }
    if template.stock() > 0 {
        Ok(())
    } else {
        Err(Refused::SoldOut)
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::card::NewSku;

    use super::*;
    use crate::official_account::Review;
    use crate::official_account::testing::{World, new_card};

    #[test]
    fn a_claim_takes_from_the_stock_until_it_is_empty() {
        let mut world = World::new();
        let card_id = world.approved_base(|base| {
            base.sku = Some(NewSku {
                quantity: Some(2),
                ..NewSku::default()
            });
        });
        let code = world.claim(&card_id, "oOne");
        assert!(code.len() == 12 && code.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(world.try_claim(&card_id, "oOne"), Err(Refused::ClaimLimit));
        let claim = Claim {
            card_id: card_id.clone(),
            openid: "oTwo".into(),
            ..Claim::default()
        };
        assert!(
            world
                .run(|core, context| core.claim(context, &claim))
                .unwrap()
                .sold_out
        );
        assert_eq!(world.try_claim(&card_id, "oThree"), Err(Refused::SoldOut));
    }

    #[test]
    fn only_testers_get_a_card_before_its_approval() {
        let mut world = World::new();
        let card_id = world
            .run(|core, context| core.create_template(context, &new_card()))
            .unwrap();
        assert_eq!(
            world.try_claim(&card_id, "oTester"),
            Err(Refused::CardStatus)
        );
        world.rules.test_openids = vec!["oTester".into()];
        assert!(world.try_claim(&card_id, "oTester").is_ok());
        assert_eq!(
            world.try_claim(&card_id, "oOther"),
            Err(Refused::CardStatus)
        );
        world
            .run(|core, context| core.review_template(context, &card_id, Review::Approve))
            .unwrap();
        assert!(world.try_claim(&card_id, "oOther").is_ok());
        world
            .run(|core, context| core.delete_template(context, &card_id))
            .unwrap();
        assert_eq!(
            world.try_claim(&card_id, "oTester2"),
            Err(Refused::CardStatus)
        );
    }

    #[test]
    fn a_deleted_card_comes_back_unless_the_setting_says_otherwise() {
        let mut world = World::new();
        let card_id = world.approved(|card| card.auto_activate = Some(true));
        let code = world.claim(&card_id, "oOne");
        world
            .run(|core, context| core.delete_member(context, &card_id, &code))
            .unwrap();
        world.rules.reclaim_restores = false;
        assert_eq!(world.try_claim(&card_id, "oOne"), Err(Refused::ClaimLimit));
        world.rules.reclaim_restores = true;
        assert_eq!(world.claim(&card_id, "oOne"), code);
        let info = world
            .run(|core, context| core.get_member(context, &card_id, &code))
            .unwrap();
        assert_eq!(
            (info.user_card_status, info.has_active),
            (Some(UserCardStatus::Normal), Some(true))
        );
    }

    #[test]
    fn own_codes_must_be_given_and_be_new() {
        let mut world = World::new();
        let card_id = world.approved_base(|base| base.use_custom_code = Some(true));
        assert!(matches!(
            world.try_claim(&card_id, "oOne"),
            Err(Refused::Missing(_))
        ));
        world.claim_code(&card_id, "oOne", "M0000001").unwrap();
        assert_eq!(
            world.claim_code(&card_id, "oTwo", "M0000001"),
            Err(Refused::CodeForm)
        );
        assert_eq!(
            world.claim_code(&card_id, "oTwo", "M 2"),
            Err(Refused::CodeForm)
        );
    }
}
