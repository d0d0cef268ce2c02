//! Jump activation: the user is sent to the merchant with a ticket and an encrypted code, and the
//! merchant activates the card.

use jiff::Timestamp;
use kabao_models::Personal;
use kabao_models::merchant::activate_informations::GetActivateInformationResponse;
use kabao_models::merchant::user_cards::{ActivateUserCard, UserCard};
use kabao_models::merchant::{UserCardStatus, UserInformation};

use super::claim::Claim;
use super::member::Pass;
use super::state::MemberKey;
use super::{Context, Core, Refused, Rule};
use crate::bounded::Bounded;
use crate::random;

/// How many passes are remembered; the oldest go first.
const CAPACITY: usize = 100_000;

/// The user cards by what was handed out for them.
#[derive(Default)]
pub(crate) struct Passes {
    encrypt_codes: Bounded<String, MemberKey, CAPACITY>,
    tickets: Bounded<String, MemberKey, CAPACITY>,
}

impl Core {
    /// The user opens a card that the merchant has to activate: it is issued if the user has none,
    /// and a new pass replaces an earlier one. A card that the user takes back or receives after
    /// an import is active already, so there is no pass for it.
    pub(crate) fn start_activation(
        &mut self,
        context: &Context<'_>,
        claim: &Claim,
    ) -> Result<(UserCard, Option<Pass>), Refused> {
        let key = match self.waiting(context, claim) {
            Some(key) => {
                self.template(context.merchant, &claim.card_id)?;
                key
            }
            None => {
                let card = self.claim(
                    context,
                    &Claim {
                        activated: false,
                        ..claim.clone()
                    },
                )?;
                let code = card.code.map(Personal::into_exposed).unwrap_or_default();
                (claim.card_id.clone(), code)
            }
        };
        let member = self.members.get(&key).ok_or(Rule::CodeNotExist)?;
        let shown = member.shown(context.now);
        if shown.user_card_status != Some(UserCardStatus::NotActivate) {
            return Ok((shown, None));
        }
        let pass = Pass {
            encrypt_code: encrypted_code(),
            activate_ticket: random::secret(24),
            made: context.now,
            code_used: false,
            ticket_used: false,
        };
        self.change_member(&key, None, |member| member.pass = Some(pass.clone()));
        self.passes
            .encrypt_codes
            .insert(pass.encrypt_code.clone(), key.clone());
        self.passes
            .tickets
            .insert(pass.activate_ticket.clone(), key);
        Ok((shown, Some(pass)))
    }

    /// Finds the card of a user that waits for an activation.
    fn waiting(&self, context: &Context<'_>, claim: &Claim) -> Option<MemberKey> {
        let key = self.holders.by_openid(&claim.user.openid, &claim.card_id)?;
        let status = self.members.get(key)?.status(context.now);
        (status == UserCardStatus::NotActivate).then(|| key.clone())
    }

    /// Turns an `encrypt_code` into the code.
    pub(super) fn decrypt_code(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        encrypt_code: &str,
    ) -> Result<Personal, Refused> {
        self.template(context.merchant, card_id)?;
        let invalid = Rule::EncryptCodeInvalid;
        let key = self
            .passes
            .encrypt_codes
            .get(encrypt_code)
            .filter(|key| key.0 == card_id)
            .ok_or(invalid)?;
        let member = self.members.get(key).ok_or(invalid)?;
        let pass = member.pass.as_ref();
        // A new pass replaces the one before.
        let pass = pass.filter(|pass| pass.encrypt_code == encrypt_code);
        let pass = pass.ok_or(invalid)?;
        let used = pass.code_used && context.rules.encrypt_code_single_use;
        if used || is_over(context, pass.made, context.rules.encrypt_code_seconds) {
            return Err(invalid.into());
        }
        let code = member.code().into();
        let key = key.clone();
        self.change_pass(&key, |pass| pass.code_used = true);
        Ok(code)
    }

    /// Turns an `activate_ticket` into what the user filled in.
    pub(super) fn activate_information(
        &mut self,
        context: &Context<'_>,
        ticket: &str,
    ) -> Result<GetActivateInformationResponse, Refused> {
        let invalid = Rule::TicketInvalid;
        let key = self.passes.tickets.get(ticket).ok_or(invalid)?;
        let own = self
            .templates
            .get(&key.0)
            .is_some_and(|template| template.owner == context.merchant);
        let member = self.members.get(key).filter(|_| own).ok_or(invalid)?;
        let pass = member.pass.as_ref();
        let pass = pass.filter(|pass| pass.activate_ticket == ticket);
        let pass = pass.ok_or(invalid)?;
        let used = pass.ticket_used && context.rules.activate_ticket_single_use;
        if used || is_over(context, pass.made, context.rules.activate_ticket_seconds) {
            return Err(invalid.into());
        }
        let answer = GetActivateInformationResponse {
            nickname: member.card.nickname.clone(),
            head_image_url: member.card.head_image_url.clone(),
            user_information: member.card.user_information.clone(),
            ..GetActivateInformationResponse::default()
        };
        let key = key.clone();
        self.change_pass(&key, |pass| pass.ticket_used = true);
        Ok(answer)
    }

    fn change_pass(&mut self, key: &MemberKey, change: impl FnOnce(&mut Pass)) {
        self.change_member(key, None, |member| {
            if let Some(pass) = &mut member.pass {
                change(pass);
            }
        });
    }

    /// Activates a card that waits.
    pub(crate) fn activate_member(
        &mut self,
        context: &Context<'_>,
        request: &ActivateUserCard,
    ) -> Result<UserCard, Refused> {
        let (key, _, member) =
            self.member(context.merchant, &request.card_id, request.code.expose())?;
        match member.status(context.now) {
            UserCardStatus::NotActivate => {}
            UserCardStatus::Effective if !context.rules.refuse_second_activation => {
                return Ok(member.shown(context.now));
            }
            UserCardStatus::Delete => return Err(Rule::UserCardDeleted.into()),
            UserCardStatus::Unavailable => return Err(Rule::UserCardUnavailable.into()),
            UserCardStatus::Expire => return Err(Rule::UserCardExpired.into()),
            _ => return Err(Rule::NotWaiting.into()),
        }
        let mut after = member.card.clone();
        after.user_card_status = Some(UserCardStatus::Effective);
        after.membership_number = request
            .membership_number
            .clone()
            .or(after.membership_number);
        let member = self.change_member(&key, None, |member| member.card = after);
        let member = member.ok_or(Rule::CodeNotExist)?;
        Ok(member.shown(context.now))
    }

    /// The user fills in the form of the template, or changes the answers if the template allows
    /// that.
    pub(crate) fn submit_form(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
        answers: &UserInformation,
    ) -> Result<UserCard, Refused> {
        let (key, template, member) = self.member(context.merchant, card_id, code)?;
        let form = template.card.user_information_form.as_ref();
        let can_modify = form.and_then(|form| form.can_modify_after_activate) == Some(true);
        member.check_usable(context)?;
        let answered = member.card.user_information.is_some();
        if answered && member.status(context.now) == UserCardStatus::Effective && !can_modify {
            return Err(Rule::FormFixed.into());
        }
        self.check_answers(card_id, answers)?;
        let member = self.change_member(&key, None, |member| {
            member.card.user_information = Some(answers.clone());
        });
        let member = member.ok_or(Rule::CodeNotExist)?;
        Ok(member.shown(context.now))
    }

    /// Checks that every answer belongs to the form of a template.
    pub(super) fn check_answers(
        &self,
        card_id: &str,
        answers: &UserInformation,
    ) -> Result<(), Refused> {
        let template = self.templates.get(card_id).ok_or(Rule::CardIdInvalid)?;
        let form = template.card.user_information_form.as_ref();
        let common = form
            .and_then(|form| form.common_field_list.as_deref())
            .unwrap_or_default();
        let custom = form
            .and_then(|form| form.custom_field_list.as_deref())
            .unwrap_or_default();
        let mut common_answers = answers.common_field_list.iter().flatten();
        let mut custom_answers = answers.custom_field_list.iter().flatten();
        let known = common_answers.all(|answer| {
            answer
                .name
                .as_ref()
                .is_some_and(|name| common.contains(name))
        }) && custom_answers
            .all(|answer| custom.iter().any(|field| field.name == answer.name));
        if known {
            Ok(())
        } else {
            Err(Rule::FormAnswerUnknown.into())
        }
    }
}

/// Tells whether something that lives some seconds is dead.
pub(super) fn is_over(context: &Context<'_>, made: Timestamp, seconds: u32) -> bool {
    context.now.as_second().saturating_sub(made.as_second()) >= i64::from(seconds)
}

/// Makes an `encrypt_code`: base64 with at least one `+` and one `/`, as in the official sample,
/// because clients that encode or decode it on the way break exactly there.
fn encrypted_code() -> String {
    let (left, right) = (random::secret(30), random::secret(32));
    format!("{left}+/{right}")
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;
    use kabao_models::merchant::{CommonFieldValue, CommonFormField};

    use super::super::claim::tests::{claim_of, claimed};
    use super::super::testing::{CARD, context, core, rules};
    use super::*;
    use crate::settings;

    fn later(context: Context<'_>, seconds: i64) -> Context<'_> {
        let now = Timestamp::from_second(context.now.as_second() + seconds).unwrap();
        Context { now, ..context }
    }

    fn answers(field: CommonFormField) -> UserInformation {
        UserInformation {
            common_field_list: Some(vec![CommonFieldValue {
                name: Some(field),
                value: Some("13800000000".into()),
                ..CommonFieldValue::default()
            }]),
            ..UserInformation::default()
        }
    }

    fn started(core: &mut Core, context: &Context<'_>, claim: &Claim) -> (UserCard, Pass) {
        let (card, pass) = core.start_activation(context, claim).unwrap();
        (card, pass.unwrap())
    }

    #[test]
    fn a_card_that_is_active_already_needs_no_pass() {
        let mut core = core();
        let rules = rules();
        let code = claimed(&mut core, "oNew", true);
        core.delete_member(&context(&rules), CARD, &code).unwrap();
        let (card, pass) = core
            .start_activation(&context(&rules), &claim_of("oNew"))
            .unwrap();
        assert_eq!(card.user_card_status, Some(UserCardStatus::Effective));
        assert!(pass.is_none());
    }

    #[test]
    fn a_pass_gives_code_and_answers_until_it_is_over() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let claim = Claim {
            user_information: Some(answers(CommonFormField::UserFormFlagMobile)),
            ..claim_of("oNew")
        };
        let (card, pass) = started(&mut core, &context, &claim);
        assert_eq!(card.user_card_status, Some(UserCardStatus::NotActivate));
        assert_eq!(pass.encrypt_code.len(), 64);
        for _ in 0..2 {
            assert_eq!(
                Ok(card.code.clone().unwrap()),
                core.decrypt_code(&context, CARD, &pass.encrypt_code)
            );
            let information = core
                .activate_information(&context, &pass.activate_ticket)
                .unwrap();
            assert!(information.strict_violations().is_empty());
            assert_eq!(information.user_information, claim.user_information);
        }
        let late = later(context, 7200);
        let refused = core.decrypt_code(&late, CARD, &pass.encrypt_code);
        assert_eq!(refused, Err(Rule::EncryptCodeInvalid.into()));
        let refused = core.activate_information(&late, &pass.activate_ticket);
        assert_eq!(refused, Err(Rule::TicketInvalid.into()));
    }

    #[test]
    fn a_pass_can_be_made_single_use_and_a_new_one_replaces_it() {
        let mut core = core();
        let rules = settings::Merchant {
            encrypt_code_single_use: true,
            activate_ticket_single_use: true,
            ..rules()
        };
        let context = context(&rules);
        let (first, old) = started(&mut core, &context, &claim_of("oNew"));
        let (second, pass) = started(&mut core, &context, &claim_of("oNew"));
        assert_eq!(first.code, second.code);
        assert!(
            core.decrypt_code(&context, CARD, &old.encrypt_code)
                .is_err()
        );
        core.decrypt_code(&context, CARD, &pass.encrypt_code)
            .unwrap();
        assert!(
            core.decrypt_code(&context, CARD, &pass.encrypt_code)
                .is_err()
        );
        core.activate_information(&context, &pass.activate_ticket)
            .unwrap();
        assert!(
            core.activate_information(&context, &pass.activate_ticket)
                .is_err()
        );
        let other = Context {
            merchant: "1900000999",
            ..context
        };
        assert!(
            core.activate_information(&other, &pass.activate_ticket)
                .is_err()
        );
    }

    #[test]
    fn a_card_that_waits_is_activated_once() {
        let mut core = core();
        let strict = rules();
        let code = claimed(&mut core, "oNew", false);
        let request = ActivateUserCard {
            membership_number: Some("VIP-1".into()),
            ..ActivateUserCard::new(CARD, code.as_str())
        };
        let card = core.activate_member(&context(&strict), &request).unwrap();
        assert_eq!(card.user_card_status, Some(UserCardStatus::Effective));
        assert_eq!(card.membership_number.unwrap().expose(), "VIP-1");
        assert_eq!(
            core.activate_member(&context(&strict), &request),
            Err(Rule::NotWaiting.into())
        );
        let lenient = settings::Merchant {
            refuse_second_activation: false,
            ..rules()
        };
        core.activate_member(&context(&lenient), &request).unwrap();
        assert_eq!(core.effects.len(), 1);
    }

    #[test]
    fn answers_must_belong_to_the_form_and_may_be_fixed() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let code = claimed(&mut core, "oNew", true);
        let unknown = answers(CommonFormField::UserFormFlagCity);
        let refused = core.submit_form(&context, CARD, &code, &unknown);
        assert_eq!(refused, Err(Rule::FormAnswerUnknown.into()));
        let known = answers(CommonFormField::UserFormFlagMobile);
        core.submit_form(&context, CARD, &code, &known).unwrap();
        let form = core
            .templates
            .get_mut(CARD)
            .unwrap()
            .card
            .user_information_form
            .as_mut()
            .unwrap();
        form.can_modify_after_activate = Some(false);
        assert_eq!(
            core.submit_form(&context, CARD, &code, &known),
            Err(Rule::FormFixed.into())
        );
    }
}
