//! Imports of members who registered elsewhere, and who paid when.

use jiff::Timestamp;
use kabao_models::merchant::user_cards::{ImportUserCardByOpenid, ImportUserCardByPhone, UserCard};
use kabao_models::merchant::{CodeResponse, UserCardStatus};
use kabao_models::{Personal, Sensitive};
use serde_json::json;

use super::claim::Issue;
use super::state::MemberKey;
use super::{Context, Core, Refused, Rule};
use crate::clock::{plus_days, rfc3339};
use crate::ledger::{Change, Effect, whole};
use crate::records::Recorded;

/// How long a payment counts.
const PAYMENT_DAYS: i64 = 365;

/// Who is imported.
#[derive(Clone, Copy)]
pub(super) enum Person<'a> {
    Openid(&'a str),
    PhoneNumber(&'a str),
}

impl<'a> Person<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Openid(text) | Self::PhoneNumber(text) => text,
        }
    }
}

/// The last payment of somebody.
#[derive(Clone)]
pub(super) struct Payment(Timestamp);

impl Recorded for Payment {
    /// The merchant number, and the openid or phone number.
    type Key = (String, String);

    fn place(&self, _: &Self::Key) -> Effect {
        Effect::default()
    }

    /// A payment is news even if somebody paid before.
    fn changes(key: &Self::Key, _: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        let told = after.map(|paid| json!({ "payer": key.1, "at": rfc3339(paid.0) }));
        whole("payment", &None, &told)
    }
}

impl Core {
    /// Gives a card to an openid. It is active and not in the wallet.
    pub(super) fn import_by_openid(
        &mut self,
        context: &Context<'_>,
        request: &ImportUserCardByOpenid,
    ) -> Result<CodeResponse, Refused> {
        let openid = request.openid.as_ref().ok_or(Refused::Required("openid"))?;
        self.import(
            context,
            request.out_request_no.as_deref(),
            &request.card_id,
            Person::Openid(openid.expose()),
            request.code.as_ref(),
        )
    }

    /// Gives a card to the user of a phone number. It is active and not in the wallet, and it has
    /// no openid until the user receives it.
    pub(super) fn import_by_phone(
        &mut self,
        context: &Context<'_>,
        request: &ImportUserCardByPhone,
    ) -> Result<CodeResponse, Refused> {
        let number = phone_number(context, request.encrypted_phone_number.as_ref())?;
        self.import(
            context,
            request.out_request_no.as_deref(),
            &request.card_id,
            Person::PhoneNumber(number),
            request.code.as_ref(),
        )
    }

    fn import(
        &mut self,
        context: &Context<'_>,
        number: Option<&str>,
        card_id: &str,
        person: Person<'_>,
        code: Option<&Personal>,
    ) -> Result<CodeResponse, Refused> {
        self.template(context.merchant, card_id)?;
        let answer = |code: &str| CodeResponse {
            code: Some(code.into()),
            ..CodeResponse::default()
        };
        let given = self.given_code(context, card_id, code)?;
        if let Some(present) = self.present_card(context, card_id, person) {
            if !context.rules.second_import_answers_code {
                return Err(Rule::AlreadyReceived.into());
            }
            return Ok(answer(&present.1));
        }
        self.check_payment(context, person)?;
        self.template(context.merchant, card_id)?
            .check_distributable(context)?;
        let (openid, phone_number) = match person {
            Person::Openid(openid) => (Some(openid.into()), None),
            Person::PhoneNumber(number) => (None, Some(number)),
        };
        let key = self.issue(
            context,
            Issue {
                card_id,
                code: given,
                number,
                status: UserCardStatus::Effective,
                card: UserCard {
                    openid,
                    ..UserCard::default()
                },
                phone_number,
                outer_str: None,
                in_wallet: false,
            },
        )?;
        Ok(answer(&key.1))
    }

    /// Finds the card that stands against another one for the same person.
    pub(super) fn present_card(
        &self,
        context: &Context<'_>,
        card_id: &str,
        person: Person<'_>,
    ) -> Option<MemberKey> {
        let key = match person {
            Person::Openid(openid) => self.holders.by_openid(openid, card_id),
            Person::PhoneNumber(number) => self.holders.by_phone(number, card_id),
        }?;
        let status = self.members.get(key)?.status(context.now);
        let ended = matches!(status, UserCardStatus::Unavailable | UserCardStatus::Expire);
        (!ended || !context.rules.receive_again_after_end).then(|| key.clone())
    }

    fn check_payment(&self, context: &Context<'_>, person: Person<'_>) -> Result<(), Refused> {
        let needed = match person {
            Person::Openid(_) => context.rules.openid_import_needs_payment,
            Person::PhoneNumber(_) => true,
        };
        if needed && !self.has_paid(context, person.text()) {
            Err(Rule::NoPayment.into())
        } else {
            Ok(())
        }
    }

    /// Tells whether somebody paid the caller within a year.
    pub(super) fn has_paid(&self, context: &Context<'_>, person: &str) -> bool {
        let last = self
            .payments
            .get(&(context.merchant.to_owned(), person.to_owned()));
        context.rules.everyone_has_paid
            || last.is_some_and(|paid| plus_days(paid.0, PAYMENT_DAYS) > context.now)
    }

    /// Notes that somebody, known by openid or phone number, paid the merchant at a moment.
    pub(crate) fn record_payment(&mut self, context: &Context<'_>, person: &str, paid: Timestamp) {
        let key = (context.merchant.to_owned(), person.to_owned());
        self.payments
            .put(&mut self.effects, None, key, Payment(paid));
    }
}

/// Returns the number behind an encrypted member, which the server has decrypted.
pub(super) fn phone_number<'a>(
    context: &Context<'_>,
    field: Option<&'a Sensitive>,
) -> Result<&'a str, Refused> {
    const FIELD: &str = "encrypted_phone_number";
    let number = field
        .and_then(Sensitive::as_plain)
        .ok_or(Refused::Required(FIELD))?;
    let is_mainland = number.len() == 11
        && number.starts_with('1')
        && number.bytes().all(|byte| byte.is_ascii_digit());
    if context.rules.mainland_numbers_only && !is_mainland {
        // The number itself stays out of the answer: it came encrypted.
        return Err(Refused::value(
            FIELD,
            "must be a mainland mobile number",
            "",
        ));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;
    use kabao_models::merchant::CodeMode;

    use super::super::claim::tests::claim_of;
    use super::super::claim::{Claim, User};
    use super::super::testing::{CARD, context, core, rules};
    use super::*;
    use crate::settings;

    const PHONE: &str = "13800000417";

    fn by_openid(openid: &str, number: &str) -> ImportUserCardByOpenid {
        ImportUserCardByOpenid::new(CARD, openid, number)
    }

    fn by_phone(number: &str) -> ImportUserCardByPhone {
        ImportUserCardByPhone::new(CARD, Sensitive::plain(PHONE), number)
    }

    #[test]
    fn an_import_is_active_and_outside_the_wallet_until_the_user_takes_it() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let answer = core
            .import_by_openid(&context, &by_openid("oNew", "n1"))
            .unwrap();
        assert!(answer.strict_violations().is_empty());
        let code = answer.code.unwrap().into_exposed();
        assert_eq!(
            core.import_by_openid(&context, &by_openid("oNew", "n2")),
            Err(Rule::AlreadyReceived.into())
        );
        let key = (CARD.to_owned(), code.clone());
        assert!(core.members[&key].in_wallet.is_none());
        let card = core.claim(&context, &claim_of("oNew")).unwrap();
        assert_eq!(card.code.unwrap().expose(), code);
        assert!(core.members[&key].in_wallet.is_some());
        assert_eq!(
            core.claim(&context, &claim_of("oNew")),
            Err(Rule::AlreadyReceived.into())
        );
    }

    #[test]
    fn a_phone_import_has_no_openid_until_the_user_receives_it() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let code = core
            .import_by_phone(&context, &by_phone("n1"))
            .unwrap()
            .code
            .unwrap()
            .into_exposed();
        let card = core.get_member(&context, CARD, &code).unwrap();
        assert!(card.openid.is_none() && card.nickname.is_none() && card.head_image_url.is_none());
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
        assert_eq!(card.openid.unwrap().expose(), "oNew");
        assert!(card.nickname.is_some());
        assert_eq!(
            core.import_by_openid(&context, &by_openid("oNew", "n2")),
            Err(Rule::AlreadyReceived.into())
        );
    }

    #[test]
    fn a_phone_import_needs_a_payment_within_a_year() {
        let mut core = core();
        let strict = settings::Merchant {
            everyone_has_paid: false,
            ..rules()
        };
        let context = context(&strict);
        assert_eq!(
            core.import_by_phone(&context, &by_phone("n1")),
            Err(Rule::NoPayment.into())
        );
        core.record_payment(&context, PHONE, plus_days(context.now, -365));
        assert_eq!(
            core.import_by_phone(&context, &by_phone("n1")),
            Err(Rule::NoPayment.into())
        );
        core.record_payment(&context, PHONE, plus_days(context.now, -364));
        core.import_by_phone(&context, &by_phone("n1")).unwrap();
        core.import_by_openid(&context, &by_openid("oNew", "n1"))
            .unwrap();
        let stricter = settings::Merchant {
            openid_import_needs_payment: true,
            ..strict.clone()
        };
        let stricter = Context {
            rules: &stricter,
            ..context
        };
        let refused = core.import_by_openid(&stricter, &by_openid("oOther", "n2"));
        assert_eq!(refused, Err(Rule::NoPayment.into()));
    }

    #[test]
    fn a_phone_import_takes_mainland_numbers() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        let foreign = ImportUserCardByPhone::new(CARD, Sensitive::plain("+1 555 0100"), "n2");
        assert!(matches!(
            core.import_by_phone(&context, &foreign),
            Err(Refused::Value { .. })
        ));
    }

    #[test]
    fn real_time_imports_carry_their_code_and_others_only_by_setting() {
        let mut core = core();
        let strict = rules();
        let with_code = ImportUserCardByOpenid {
            code: Some("C-1".into()),
            ..by_openid("o1", "n1")
        };
        let code = core
            .import_by_openid(&context(&strict), &with_code)
            .unwrap()
            .code
            .unwrap();
        assert_eq!(code.expose().len(), 12);
        let lenient = settings::Merchant {
            given_codes_count: true,
            ..rules()
        };
        let with_code = ImportUserCardByOpenid {
            code: Some("C-2".into()),
            ..by_openid("o2", "n2")
        };
        let code = core
            .import_by_openid(&context(&lenient), &with_code)
            .unwrap()
            .code
            .unwrap();
        assert_eq!(code.expose(), "C-2");
        core.templates.get_mut(CARD).unwrap().card.code_mode = Some(CodeMode::RealTime);
        let refused = core.import_by_openid(&context(&strict), &by_openid("o3", "n3"));
        assert_eq!(refused, Err(Rule::CodeMissing.into()));
        let taken = ImportUserCardByOpenid {
            code: Some("C-2".into()),
            ..by_openid("o3", "n3")
        };
        assert_eq!(
            core.import_by_openid(&context(&strict), &taken),
            Err(Rule::CodeTaken.into())
        );
    }

    #[test]
    fn a_second_import_can_answer_the_present_code() {
        let mut core = core();
        let rules = settings::Merchant {
            second_import_answers_code: true,
            ..rules()
        };
        let first = core
            .import_by_openid(&context(&rules), &by_openid("oNew", "n1"))
            .unwrap();
        let second = core
            .import_by_openid(&context(&rules), &by_openid("oNew", "n2"))
            .unwrap();
        assert_eq!(first, second);
        assert_eq!(core.effects.len(), 1);
    }
}
