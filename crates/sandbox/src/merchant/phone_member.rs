//! Registered members whom WeChat reminds to receive the card.

use kabao_models::Personal;
use kabao_models::merchant::ReceiveStatus;
use kabao_models::merchant::phone_members::{
    ImportPhoneMember, SearchPhoneMember, SearchPhoneMemberResponse, UserCardInformation,
};
use serde::Serialize;

use super::import::{Person, phone_number};
use super::validity::required_time;
use super::{Context, Core, Refused, Rule};
use crate::clock::rfc3339_millis;
use crate::ledger::{Change, Effect, whole};
use crate::records::Recorded;

/// A registered member who is reminded.
#[derive(Clone, Default, PartialEq, Serialize)]
pub(crate) struct PhoneMember {
    /// The code that the user gets.
    pub(super) code: Option<Personal>,
    pub(super) membership_number: Option<Personal>,
    registration_time: Option<String>,
    pub(super) outer_str: Option<String>,
    /// Whether WeChat showed the reminder.
    reminded: bool,
}

impl Recorded for PhoneMember {
    /// `card_id` and phone number.
    type Key = (String, String);

    fn place(&self, key: &Self::Key) -> Effect {
        Effect::on(&key.0)
    }

    fn changes(_: &Self::Key, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        match before.zip(after) {
            Some((before, after)) if before.reminded != after.reminded => {
                let (before, after) = (before.reminded, after.reminded);
                whole("phone_member.reminded", &before, &after)
            }
            _ => whole("phone_member", &before, &after),
        }
    }
}

impl Core {
    /// Returns the registered members by `card_id` and phone number.
    pub(crate) fn phone_members(&self) -> impl Iterator<Item = (&str, &str, &PhoneMember)> {
        self.phone_members
            .iter()
            .map(|((card_id, number), member)| (card_id.as_str(), number.as_str(), member))
    }

    /// Makes WeChat remind a registered member to receive the card. A second import replaces what
    /// the first one said.
    pub(super) fn import_phone_member(
        &mut self,
        context: &Context<'_>,
        request: &ImportPhoneMember,
    ) -> Result<(), Refused> {
        let member = request
            .member_information
            .as_ref()
            .ok_or(Refused::Required("member_information"))?;
        let card_id = member
            .card_id
            .as_deref()
            .ok_or(Refused::Required("member_information/card_id"))?;
        let template = self.template(context.merchant, card_id)?;
        let number = phone_number(context, request.encrypted_phone_number.as_ref())?;
        required_time(
            &member.registration_time,
            "member_information/registration_time",
        )?;
        template.check_approved(context)?;
        let code = self.given_code(context, card_id, member.code.as_ref())?;
        let person = Person::PhoneNumber(number);
        if self.present_card(context, card_id, person).is_some() {
            return Err(Rule::AlreadyReceived.into());
        }
        if !self.has_paid(context, number) {
            return Err(Rule::NoPayment.into());
        }
        if code.is_some_and(|code| {
            self.members
                .contains_key(&(card_id.to_owned(), code.to_owned()))
        }) {
            return Err(Rule::CodeTaken.into());
        }
        let key = (card_id.to_owned(), number.to_owned());
        let before = self.phone_members.get(&key);
        let after = PhoneMember {
            code: code.map(Personal::from),
            membership_number: member.membership_number.clone(),
            registration_time: member.registration_time.clone(),
            outer_str: request.outer_str.clone(),
            reminded: before.is_some_and(|before| before.reminded),
        };
        self.phone_members.put(&mut self.effects, None, key, after);
        Ok(())
    }

    /// Tells whether the user of a phone number received the card.
    pub(super) fn search_phone_member(
        &self,
        context: &Context<'_>,
        request: &SearchPhoneMember,
    ) -> Result<SearchPhoneMemberResponse, Refused> {
        let card_id = request
            .card_id
            .as_deref()
            .ok_or(Refused::Required("card_id"))?;
        let template = self.template(context.merchant, card_id)?;
        let number = phone_number(context, request.encrypted_phone_number.as_ref())?;
        let key = self.holders.by_phone(number, card_id);
        let received = key.and_then(|key| {
            let member = self.members.get(key)?;
            Some((member, member.in_wallet?))
        });
        if let Some((member, received)) = received {
            return Ok(SearchPhoneMemberResponse {
                receive_status: Some(ReceiveStatus::Received),
                user_card_information: Some(UserCardInformation {
                    code: member.card.code.clone(),
                    openid: member.card.openid.clone(),
                    receive_time: Some(rfc3339_millis(received)),
                    card_appid: template.card.appid.clone(),
                    card_id: member.card.card_id.clone(),
                    ..UserCardInformation::default()
                }),
                ..SearchPhoneMemberResponse::default()
            });
        }
        let status = match self
            .phone_members
            .get(&(card_id.to_owned(), number.to_owned()))
        {
            Some(member) if member.reminded => ReceiveStatus::Unreceived,
            None if context.rules.refuse_unknown_phone_members && key.is_none() => {
                return Err(Rule::PhoneMemberUnknown.into());
            }
            _ => ReceiveStatus::Unshowed,
        };
        Ok(SearchPhoneMemberResponse {
            receive_status: Some(status),
            ..SearchPhoneMemberResponse::default()
        })
    }

    /// WeChat shows the reminder to a registered member.
    pub(crate) fn remind_phone_member(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        phone_number: &str,
    ) -> Result<(), Refused> {
        self.template(context.merchant, card_id)?;
        let key = (card_id.to_owned(), phone_number.to_owned());
        self.phone_members
            .change(&mut self.effects, None, &key, |member| {
                member.reminded = true;
            })
            .map(|_| ())
            .ok_or_else(|| Rule::PhoneMemberUnknown.into())
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::merchant::CodeMode;
    use kabao_models::merchant::phone_members::MemberInformation;
    use kabao_models::merchant::user_cards::SetUserCardUnavailable;
    use kabao_models::{Answer as _, Sensitive};

    use super::super::claim::tests::claim_of;
    use super::super::claim::{Claim, User};
    use super::super::testing::{CARD, context, core, rules};
    use super::*;
    use crate::settings;

    const PHONE: &str = "13800000417";

    fn import() -> ImportPhoneMember {
        let member = MemberInformation {
            card_id: Some(CARD.into()),
            membership_number: Some("820915483307".into()),
            registration_time: Some("2025-11-02T09:15:00.000+08:00".into()),
            ..MemberInformation::default()
        };
        ImportPhoneMember {
            outer_str: Some("wallet_recall".into()),
            ..ImportPhoneMember::new(member, Sensitive::plain(PHONE))
        }
    }

    fn search(
        core: &Core,
        rules: &settings::Merchant,
    ) -> Result<SearchPhoneMemberResponse, Refused> {
        let request = SearchPhoneMember::new(CARD, Sensitive::plain(PHONE));
        let answer = core.search_phone_member(&context(rules), &request)?;
        assert!(
            answer.strict_violations().is_empty(),
            "{:?}",
            answer.strict_violations()
        );
        Ok(answer)
    }

    #[test]
    fn a_reminded_member_receives_the_card() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let status = |core: &Core| search(core, &rules).unwrap().receive_status.unwrap();
        assert_eq!(status(&core), ReceiveStatus::Unshowed);
        for _ in 0..2 {
            core.import_phone_member(&context, &import()).unwrap();
        }
        assert_eq!(core.effects.len(), 1);
        assert_eq!(status(&core), ReceiveStatus::Unshowed);
        core.remind_phone_member(&context, CARD, PHONE).unwrap();
        assert_eq!(status(&core), ReceiveStatus::Unreceived);
        let user = User {
            phone_number: Some(PHONE.into()),
            ..User::of("oNew")
        };
        let card = core
            .claim(
                &context,
                &Claim {
                    user,
                    ..claim_of("oNew")
                },
            )
            .unwrap();
        assert_eq!(card.membership_number.unwrap().expose(), "820915483307");
        let answer = search(&core, &rules).unwrap();
        assert_eq!(answer.receive_status, Some(ReceiveStatus::Received));
        assert_eq!(
            answer
                .user_card_information
                .unwrap()
                .openid
                .unwrap()
                .expose(),
            "oNew"
        );
        let refused = core.import_phone_member(&context, &import());
        assert_eq!(refused, Err(Rule::AlreadyReceived.into()));
        // Whoever may receive the card again may be reminded again, too.
        let end = SetUserCardUnavailable::new(CARD, card.code.unwrap());
        core.set_unavailable(&context, &end).unwrap();
        let again = settings::Merchant {
            receive_again_after_end: true,
            ..rules.clone()
        };
        let again = core.import_phone_member(&self::context(&again), &import());
        assert_eq!(again, Ok(()));
    }

    #[test]
    fn reminders_need_a_payer_and_real_time_a_code() {
        let mut core = core();
        let strict = settings::Merchant {
            everyone_has_paid: false,
            refuse_unknown_phone_members: true,
            ..rules()
        };
        let refused = core.import_phone_member(&context(&strict), &import());
        assert_eq!(refused, Err(Rule::NoPayment.into()));
        assert_eq!(search(&core, &strict), Err(Rule::PhoneMemberUnknown.into()));
        core.templates.get_mut(CARD).unwrap().card.code_mode = Some(CodeMode::RealTime);
        let refused = core.import_phone_member(&context(&rules()), &import());
        assert_eq!(refused, Err(Rule::CodeMissing.into()));
        let missing = core.remind_phone_member(&context(&rules()), CARD, PHONE);
        assert_eq!(missing, Err(Rule::PhoneMemberUnknown.into()));
    }
}
