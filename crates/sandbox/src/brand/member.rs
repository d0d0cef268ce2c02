//! User cards: who is a member, and what may change.

use jiff::Timestamp;
use kabao_models::Personal;
use kabao_models::brand::user_cards::UpdateUserCard;
use kabao_models::brand::{CardState, CodeMode, UserCard, UserCardState};
use kabao_models::{Sensitive, VisitSensitive as _};

use super::{Core, Refused, form, validity};
use crate::clock::rfc3339;
use crate::ledger::{Effect, differences};
use crate::random;
use crate::settings;

/// A user card and what the wire does not show of it. Sensitive fields are plain.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) card: UserCard,
    /// The end of validity; none for permanent cards and for those that wait.
    pub(crate) expires: Option<Timestamp>,
    /// When the card became active.
    activated: Option<Timestamp>,
}

/// What a user does to join.
pub(crate) struct Claim {
    pub(crate) card_id: String,
    pub(crate) openid: String,
    pub(crate) code: Option<String>,
    pub(crate) phone_number: Option<String>,
    /// False to leave the card waiting for the merchant's confirmation.
    pub(crate) activated: bool,
}

/// Names one user card as every operation does.
pub(super) struct Name<'a> {
    pub(super) brand_id: &'a str,
    pub(super) card_id: &'a str,
    pub(super) openid: &'a str,
    pub(super) code: &'a str,
}

impl Member {
    fn state(&self, now: Timestamp) -> UserCardState {
        let stored = self.card.user_card_state.clone().unwrap_or(UserCardState::Effective);
        let over = self.expires.is_some_and(|end| now >= end);
        if over && stored == UserCardState::Effective { UserCardState::Expired } else { stored }
    }

    /// Returns the card as the service shows it at a moment.
    pub(crate) fn shown(&self, now: Timestamp) -> UserCard {
        UserCard { user_card_state: Some(self.state(now)), ..self.card.clone() }
    }

    fn belongs_to(&self, card_id: &str, openid: &str) -> bool {
        self.card.card_id.as_deref() == Some(card_id)
            && self.card.openid.as_ref().is_some_and(|other| other.expose() == openid)
    }
}

/// Returns a copy that can be written as JSON for the ledger and the control API.
pub(crate) fn readable(mut card: UserCard) -> UserCard {
    card.visit_sensitive(&mut |field| *field = Sensitive::Encrypted(field.expose().to_owned()));
    card
}

impl Core {
    /// Returns a user card. Any mismatch of the four names is "not found".
    pub(super) fn get_member(&self, name: &Name<'_>, now: Timestamp) -> Result<UserCard, Refused> {
        self.member(name).map(|member| member.shown(now))
    }

    fn member(&self, name: &Name<'_>) -> Result<&Member, Refused> {
        self.template(name.brand_id, name.card_id)?;
        if !is_openid(name.openid) {
            return Err(Refused::OpenidInvalid);
        }
        self.members
            .get(&(name.card_id.to_owned(), name.code.to_owned()))
            .filter(|member| member.belongs_to(name.card_id, name.openid))
            .ok_or(Refused::MemberNotFound)
    }

    /// Changes an effective user card and returns it after the change.
    pub(super) fn update_member(
        &mut self,
        name: &Name<'_>,
        change: &UpdateUserCard,
        now: Timestamp,
        rules: &settings::Brand,
    ) -> Result<UserCard, Refused> {
        let template = self.template(name.brand_id, name.card_id)?;
        let member = self.member(name)?;
        if member.state(now) != UserCardState::Effective {
            return Err(Refused::NotEffective);
        }
        if let Some(information) = &change.valid_date_information {
            validity::check(information, template.valid_date_information.as_ref())?;
        }
        if let Some(values) = &change.user_information {
            form::check_values(values, template.user_information.as_ref())?;
        }
        if change.level.as_ref().is_some_and(|level| rules.refused_texts.iter().any(|text| level.contains(text.as_str()))) {
            return Err(Refused::Content("level"));
        }
        let mut after = member.clone();
        lay_over(&mut after.card, change);
        if change.valid_date_information.is_some() {
            let activated = after.activated.unwrap_or(now);
            after.expires = validity::end(after.card.valid_date_information.as_ref(), activated);
        }
        after.card.modify_time = Some(rfc3339(now));
        let shown = after.shown(now);
        self.replace_member(name.card_id, name.code, after);
        Ok(shown)
    }

    /// Lets a user join.
    pub(crate) fn claim(&mut self, claim: &Claim, now: Timestamp) -> Result<UserCard, Refused> {
        let template = self.templates.get(&claim.card_id).ok_or(Refused::TemplateNotFound)?;
        if template.state != Some(CardState::CardEffective) {
            return Err(Refused::TemplateInvalid);
        }
        if !is_openid(&claim.openid) {
            return Err(Refused::OpenidInvalid);
        }
        // A user is offered a template once: not again after invalidation or deletion either.
        if self.members.values().any(|member| member.belongs_to(&claim.card_id, &claim.openid)) {
            return Err(Refused::AlreadyMember);
        }
        let code = match (&claim.code, &template.code_mode) {
            (Some(code), _) => code.clone(),
            (None, Some(CodeMode::SystemAllocate)) => self.fresh_code(&claim.card_id),
            (None, _) => return Err(Refused::CodeMissing),
        };
        if self.members.contains_key(&(claim.card_id.clone(), code.clone())) {
            return Err(Refused::CodeTaken);
        }
        let state = if claim.activated { UserCardState::Effective } else { UserCardState::Unactivated };
        let moment = rfc3339(now);
        let card = UserCard {
            user_card_code: Some(code.as_str().into()),
            card_id: Some(claim.card_id.clone()),
            openid: Some(claim.openid.as_str().into()),
            card_color: template.card_color.clone(),
            card_picture_url: template.card_picture_url.clone(),
            brand_id: template.brand_id.clone(),
            card_type: template.card_type.clone(),
            phone_number: claim.phone_number.as_deref().map(Sensitive::plain),
            level: template.init_level.clone(),
            valid_date_information: template.valid_date_information.clone(),
            pickup_time: Some(moment.clone()),
            user_card_state: Some(state),
            create_time: Some(moment.clone()),
            modify_time: Some(moment),
            ..UserCard::default()
        };
        self.put(card, claim.activated.then_some(now));
        let key = (claim.card_id.clone(), code.clone());
        let shown = self.members.get(&key).map(|member| member.shown(now)).ok_or(Refused::Internal)?;
        self.note(&key, &UserCard::default(), &shown);
        Ok(shown)
    }

    /// Puts a user card in place as it is.
    pub(crate) fn put(&mut self, card: UserCard, activated: Option<Timestamp>) {
        let (Some(card_id), Some(code)) = (card.card_id.clone(), card.user_card_code.clone()) else { return };
        let expires = activated.and_then(|moment| validity::end(card.valid_date_information.as_ref(), moment));
        self.members.insert((card_id, code.into_exposed()), Member { card, expires, activated });
    }

    /// The merchant confirms the membership.
    pub(crate) fn activate(&mut self, card_id: &str, code: &str, now: Timestamp) -> Result<UserCard, Refused> {
        let mut after = self.any_member(card_id, code)?.clone();
        if after.state(now) != UserCardState::Unactivated {
            return Err(Refused::NotWaiting);
        }
        after.activated = Some(now);
        after.expires = validity::end(after.card.valid_date_information.as_ref(), now);
        after.card.user_card_state = Some(UserCardState::Effective);
        after.card.modify_time = Some(rfc3339(now));
        let shown = after.shown(now);
        self.replace_member(card_id, code, after);
        Ok(shown)
    }

    /// The user deletes the card, for good.
    pub(crate) fn delete_member(&mut self, card_id: &str, code: &str, now: Timestamp) -> Result<UserCard, Refused> {
        let mut after = self.any_member(card_id, code)?.clone();
        if !matches!(after.state(now), UserCardState::Effective | UserCardState::Unactivated) {
            return Err(Refused::NotEffective);
        }
        let moment = rfc3339(now);
        after.card.user_card_state = Some(UserCardState::Invalid);
        after.card.invalid_time = Some(moment.clone());
        after.card.modify_time = Some(moment);
        let shown = after.shown(now);
        self.replace_member(card_id, code, after);
        Ok(shown)
    }

    fn any_member(&self, card_id: &str, code: &str) -> Result<&Member, Refused> {
        self.members.get(&(card_id.to_owned(), code.to_owned())).ok_or(Refused::MemberNotFound)
    }

    fn replace_member(&mut self, card_id: &str, code: &str, after: Member) {
        let key = (card_id.to_owned(), code.to_owned());
        let before = self.members.get(&key).map(|member| member.card.clone()).unwrap_or_default();
        self.note(&key, &before, &after.card);
        self.members.insert(key, after);
    }

    fn note(&mut self, key: &(String, String), before: &UserCard, after: &UserCard) {
        self.effects.push(Effect {
            template: Some(key.0.clone()),
            member: Some(key.1.clone()),
            changes: differences(&readable(before.clone()), &readable(after.clone())),
            ..Effect::default()
        });
    }

    fn fresh_code(&self, card_id: &str) -> String {
        loop {
            let code = random::digits(24);
            if self.any_member(card_id, &code).is_err() {
                return code;
            }
        }
    }
}

/// Lays the members of a change over a card. The types differ in what names the card, so the few
/// members that may change are listed.
fn lay_over(card: &mut UserCard, change: &UpdateUserCard) {
    fn set<T: Clone>(target: &mut Option<T>, new: &Option<T>) {
        if new.is_some() {
            target.clone_from(new);
        }
    }
    set(&mut card.card_color, &change.card_color);
    set(&mut card.card_picture_url, &change.card_picture_url);
    set(&mut card.phone_number, &change.phone_number);
    set(&mut card.level, &change.level);
    set(&mut card.valid_date_information, &change.valid_date_information);
    set(&mut card.user_information, &change.user_information);
    set(&mut card.attach, &change.attach);
}

/// Tells whether a text has the form of an openid.
fn is_openid(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text.starts_with('o') && text.bytes().all(plain)
}

/// Returns the name in a request's optional members.
pub(super) fn name<'a>(
    brand_id: &'a Option<String>,
    card_id: &'a Option<String>,
    openid: &'a Option<Personal>,
    code: &'a Personal,
) -> Name<'a> {
    Name {
        brand_id: brand_id.as_deref().unwrap_or_default(),
        card_id: card_id.as_deref().unwrap_or_default(),
        openid: openid.as_ref().map_or("", Personal::expose),
        code: code.expose(),
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::brand::{ValidDateInformation, ValidDateType};

    use super::super::core::tests::{BRAND, CARD, CODE, OPENID, core, now};
    use super::*;

    const NAME: Name<'static> = Name { brand_id: BRAND, card_id: CARD, openid: OPENID, code: CODE };

    fn rules() -> settings::Brand {
        settings::Brand::default()
    }

    fn change() -> UpdateUserCard {
        UpdateUserCard { level: Some("黄金会员".into()), ..UpdateUserCard::default() }
    }

    #[test]
    fn an_update_answers_the_card_and_keeps_sensitive_values_plain() {
        let mut core = core();
        let change = UpdateUserCard { phone_number: Some(Sensitive::plain("13800000417")), ..change() };
        let card = core.update_member(&NAME, &change, now(), &rules()).unwrap();
        assert_eq!(card.level.as_deref(), Some("黄金会员"));
        assert_eq!(card.phone_number.as_ref().and_then(Sensitive::as_plain), Some("13800000417"));
        assert_eq!(core.get_member(&NAME, now()).unwrap(), card);
        let fields: Vec<_> = core.effects[0].changes.iter().map(|change| change.field.as_str()).collect();
        assert!(fields.contains(&"phone_number") && fields.contains(&"level"), "{fields:?}");
    }

    #[test]
    fn all_four_names_must_fit() {
        let core = core();
        for (name, expected) in [
            (Name { brand_id: "9999", ..NAME }, Refused::TemplateNotFound),
            (Name { card_id: "none", ..NAME }, Refused::TemplateNotFound),
            (Name { openid: "oSomebodyElse", ..NAME }, Refused::MemberNotFound),
            (Name { openid: "not an openid", ..NAME }, Refused::OpenidInvalid),
            (Name { code: "000000000000", ..NAME }, Refused::MemberNotFound),
        ] {
            assert_eq!(core.get_member(&name, now()), Err(expected));
        }
    }

    #[test]
    fn only_effective_cards_change() {
        let mut core = core();
        core.delete_member(CARD, CODE, now()).unwrap();
        assert_eq!(core.update_member(&NAME, &change(), now(), &rules()), Err(Refused::NotEffective));
        let claim = Claim {
            card_id: CARD.into(),
            openid: "oNew".into(),
            code: Some("c1".into()),
            phone_number: None,
            activated: false,
        };
        core.claim(&claim, now()).unwrap();
        let name = Name { openid: "oNew", code: "c1", ..NAME };
        assert_eq!(core.update_member(&name, &change(), now(), &rules()), Err(Refused::NotEffective));
        core.activate(CARD, "c1", now()).unwrap();
        core.update_member(&name, &change(), now(), &rules()).unwrap();
        assert_eq!(core.claim(&claim, now()), Err(Refused::AlreadyMember));
    }

    #[test]
    fn a_card_of_another_validity_is_refused() {
        let sent = ValidDateInformation { r#type: Some(ValidDateType::FixTerm), ..ValidDateInformation::default() };
        let change = UpdateUserCard { valid_date_information: Some(sent), ..change() };
        assert_eq!(core().update_member(&NAME, &change, now(), &rules()), Err(Refused::ValidityType));
    }
}
