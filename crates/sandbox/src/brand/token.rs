//! Tokens: for the join component and for the payment code.

use jiff::{SignedDuration, Timestamp};
use kabao_models::Secret;
use kabao_models::brand;
use kabao_models::brand::UserCardState;

use super::member_change::is_valid;
use super::{Context, Core, Refused, Rule};
use crate::clock::rfc3339;
use crate::ledger::Effect;
use crate::random;

/// How long a join token works.
const JOIN: SignedDuration = SignedDuration::from_hours(1);
/// How long a payment-code token works.
const PAYMENT_CODE: SignedDuration = SignedDuration::from_mins(10);

/// A token that was given out.
pub(super) struct Token {
    kind: Kind,
    card_id: String,
    openid: String,
    expires: Timestamp,
    used: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Join,
    PaymentCode,
}

impl Core {
    /// Gives a token with which a user can join.
    pub(super) fn create_join_token(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        openid: &str,
    ) -> Result<brand::Token, Refused> {
        if context.rules.join_tokens_closed {
            return Err(Rule::CallerClosed.into());
        }
        let template = self.usable_template(context, card_id)?;
        if template.is_expired(context) {
            return Err(Rule::TemplateExpired.into());
        }
        self.check_openid(context, openid)?;
        let held = self
            .cards_under(context, card_id, openid)
            .any(|(_, member)| is_valid(&member.state(context.now, context.rules)));
        if held {
            return Err(Rule::HoldsCard.into());
        }
        Ok(self.give_token(context, Kind::Join, card_id, openid))
    }

    /// Gives a token with which a member can open the payment code.
    pub(super) fn create_payment_code_token(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        openid: &str,
    ) -> Result<brand::Token, Refused> {
        if !context.rules.unlisted_operations_answer {
            return Err(Rule::CallerClosed.into());
        }
        if !self.usable_template(context, card_id)?.jumps_from_code() {
            return Err(Rule::NoCodeJump.into());
        }
        self.check_openid(context, openid)?;
        let member = self
            .cards_under(context, card_id, openid)
            .any(|(_, member)| {
                member.state(context.now, context.rules) == UserCardState::Effective
            });
        if !member {
            return Err(Rule::NotMember.into());
        }
        Ok(self.give_token(context, Kind::PaymentCode, card_id, openid))
    }

    fn give_token(
        &mut self,
        context: &Context<'_>,
        kind: Kind,
        card_id: &str,
        openid: &str,
    ) -> brand::Token {
        self.tokens.retain(|token| context.now < token.expires);
        let text = random::secret(32);
        let lifetime = if kind == Kind::Join {
            JOIN
        } else {
            PAYMENT_CODE
        };
        let expires = context
            .now
            .saturating_add(lifetime)
            .unwrap_or(Timestamp::MAX);
        let token = Token {
            kind,
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            expires,
            used: false,
        };
        self.tokens.insert(text.clone(), token);
        // The token itself is a secret; that there is one is enough.
        let field = if kind == Kind::Join {
            "join_token"
        } else {
            "payment_code_token"
        };
        let field = format!("{field}.expire_time");
        self.give(Effect::on(card_id).gives(&field, rfc3339(expires)));
        brand::Token {
            token: Some(Secret::new(text)),
            expire_time: Some(rfc3339(expires)),
            ..brand::Token::default()
        }
    }

    /// The user opens the join component.
    pub(super) fn use_join_token(
        &mut self,
        context: &Context<'_>,
        token: &str,
        card_id: &str,
        openid: &str,
    ) -> Result<(), Refused> {
        let single = context.rules.join_token_single_use;
        let token = self.live_token(context.now, token, Kind::Join)?;
        if token.card_id != card_id || token.openid != openid {
            return Err(Rule::TokenInvalid.into());
        }
        if token.used && single {
            return Err(Rule::TokenOver.into());
        }
        token.used = true;
        Ok(())
    }

    /// The user opens the payment code, which a token allows once.
    pub(crate) fn open_payment_code(&mut self, token: &str, now: Timestamp) -> Result<(), Refused> {
        let token = self.live_token(now, token, Kind::PaymentCode)?;
        if token.used {
            return Err(Rule::TokenOver.into());
        }
        token.used = true;
        Ok(())
    }

    fn live_token(
        &mut self,
        now: Timestamp,
        token: &str,
        kind: Kind,
    ) -> Result<&mut Token, Refused> {
        let token = self
            .tokens
            .get_mut(token)
            .filter(|token| token.kind == kind)
            .ok_or(Rule::TokenInvalid)?;
        if now < token.expires {
            Ok(token)
        } else {
            Err(Rule::TokenOver.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;
    use kabao_models::brand::{CodeType, UserCardConfirmState};

    use super::super::claim::tests::join;
    use super::super::member_change::{Data, Key};
    use super::super::testing::{CARD, OPENID, context, core, now, rule};
    use super::super::validity::tests::range;
    use super::super::{Join, Way};
    use super::*;
    use crate::settings;

    fn rules() -> settings::Brand {
        settings::Brand::default()
    }

    fn text(token: brand::Token) -> String {
        assert_eq!(token.strict_violations(), []);
        token.token.unwrap().into_exposed()
    }

    fn component(openid: &str, token: &str) -> Join {
        Join {
            way: Way::Component {
                token: token.into(),
            },
            ..join(openid)
        }
    }

    #[test]
    fn a_token_lets_its_user_join_for_an_hour() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let created = core.create_join_token(&context, CARD, "oNew").unwrap();
        assert_eq!(
            created.expire_time.as_deref(),
            Some("2026-01-01T09:00:00+08:00")
        );
        let token = text(created);
        let other = core.join(&component("oOther", &token), now(), &rules);
        assert_eq!(rule(other), Rule::TokenInvalid);
        let late = now() + JOIN;
        let refused = core.join(&component("oNew", &token), late, &rules);
        assert_eq!(rule(refused), Rule::TokenOver);
        let unknown = core.join(&component("oNew", "x"), now(), &rules);
        assert_eq!(rule(unknown), Rule::TokenInvalid);
        core.join(&component("oNew", &token), now(), &rules)
            .unwrap();
    }

    #[test]
    fn tokens_are_refused_as_documented() {
        let rules = rules();
        let closed = settings::Brand {
            join_tokens_closed: true,
            ..rules.clone()
        };
        let mut core = core();
        for (rules, card_id, openid, expected) in [
            (&closed, CARD, "oNew", Rule::CallerClosed),
            (&rules, "none", "oNew", Rule::TemplateUnusable),
            (&rules, CARD, "o New", Rule::OpenidInvalid),
            (&rules, CARD, OPENID, Rule::HoldsCard),
        ] {
            let refused = core.create_join_token(&context(rules), card_id, openid);
            assert_eq!(rule(refused), expected);
        }
        core.templates
            .get_mut(CARD)
            .unwrap()
            .card
            .valid_date_information = Some(range("2020-01-01", "2021-01-01"));
        let expired = core.create_join_token(&context(&rules), CARD, "oNew");
        assert_eq!(rule(expired), Rule::TemplateExpired);
        core.invalidate_template(&context(&rules), CARD).unwrap();
        let invalid = core.create_join_token(&context(&rules), CARD, "oNew");
        assert_eq!(rule(invalid), Rule::TemplateUnusable);
    }

    #[test]
    fn a_join_token_can_be_made_to_work_once() {
        for (single, expected) in [(false, None), (true, Some(Rule::TokenOver))] {
            let mut core = core();
            let rules = settings::Brand {
                join_token_single_use: single,
                ..rules()
            };
            let token = text(
                core.create_join_token(&context(&rules), CARD, "oNew")
                    .unwrap(),
            );
            let card = core
                .join(&component("oNew", &token), now(), &rules)
                .unwrap();
            assert_eq!(
                rule(core.join(&component("oNew", &token), now(), &rules)),
                Rule::HoldsCard
            );
            let code = card.user_card_code.unwrap();
            let key = Key {
                card_id: CARD,
                openid: "oNew",
                code: code.expose(),
            };
            let failed = UserCardConfirmState::CreateCardFail;
            core.confirm_member(&context(&rules), &key, &failed, Data::default())
                .unwrap();
            let again = core.join(&component("oNew", &token), now(), &rules);
            assert_eq!(again.err().map(|refused| refused.rule), expected);
        }
    }

    #[test]
    fn a_payment_code_token_works_once_for_ten_minutes() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let plain = core.create_payment_code_token(&context, CARD, OPENID);
        assert_eq!(rule(plain), Rule::NoCodeJump);
        core.templates.get_mut(CARD).unwrap().card.code_type = Some(CodeType::JumpMiniProgram);
        let stranger = core.create_payment_code_token(&context, CARD, "oNew");
        assert_eq!(rule(stranger), Rule::NotMember);
        let token = text(
            core.create_payment_code_token(&context, CARD, OPENID)
                .unwrap(),
        );
        assert_eq!(
            rule(core.open_payment_code(&token, now() + PAYMENT_CODE)),
            Rule::TokenOver
        );
        core.open_payment_code(&token, now()).unwrap();
        assert_eq!(rule(core.open_payment_code(&token, now())), Rule::TokenOver);
        let closed = settings::Brand {
            unlisted_operations_answer: false,
            ..rules.clone()
        };
        let context = Context {
            rules: &closed,
            ..context
        };
        let refused = core.create_payment_code_token(&context, CARD, OPENID);
        assert_eq!(rule(refused), Rule::CallerClosed);
    }
}
