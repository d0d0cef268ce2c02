//! How users get cards, lose them and take them back.

use kabao_models::Personal;
use kabao_models::merchant::user_cards::UserCard;
use kabao_models::merchant::{UserCardStatus, UserInformation};

use super::member::Member;
use super::state::MemberKey;
use super::template_rules::is_empty;
use super::{Context, Core, Refused, Rule, validity};
use crate::described::described;

/// The nickname and the picture that WeChat shows of users who gave none.
const NICKNAME: &str = "微信用户";
const HEAD_IMAGE: &str =
    "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24/132";

described! {
    /// A user, as far as a card knows one.
    #[derive(Clone, Default)]
    pub(crate) struct User {
        /// Who.
        pub(crate) openid: String,
        /// The user's number.
        pub(crate) phone_number: Option<String>,
        /// The user's name.
        pub(crate) nickname: Option<String>,
        /// Where the user's picture is.
        pub(crate) head_image_url: Option<String>,
    }
}

impl User {
    /// A user of whom only the openid is known.
    pub(crate) fn of(openid: &str) -> Self {
        Self {
            openid: openid.to_owned(),
            ..Self::default()
        }
    }
}

/// What a user does to get a card.
#[derive(Clone, Default)]
pub(crate) struct Claim {
    pub(crate) card_id: String,
    pub(crate) user: User,
    /// The merchant's code, for `REAL_TIME` and for tests that want a known one.
    pub(crate) code: Option<String>,
    /// False for `JUMP_ACTIVATE`: the card waits for the merchant.
    pub(crate) activated: bool,
    /// The scene.
    pub(crate) outer_str: Option<String>,
    /// What the user filled in.
    pub(crate) user_information: Option<UserInformation>,
}

/// A card to be issued.
pub(super) struct Issue<'a> {
    pub(super) card_id: &'a str,
    pub(super) code: Option<&'a str>,
    pub(super) number: Option<&'a str>,
    pub(super) status: UserCardStatus,
    pub(super) card: UserCard,
    pub(super) phone_number: Option<&'a str>,
    pub(super) outer_str: Option<String>,
    /// False for imports: the card is active but not in the wallet.
    pub(super) in_wallet: bool,
}

impl Core {
    /// Gives a user a card, puts an imported one into the wallet, or gives back one that the user
    /// deleted.
    pub(crate) fn claim(
        &mut self,
        context: &Context<'_>,
        claim: &Claim,
    ) -> Result<UserCard, Refused> {
        self.template(context.merchant, &claim.card_id)?;
        if let Some(answers) = &claim.user_information {
            self.check_answers(&claim.card_id, answers)?;
        }
        if let Some(key) = self.held(&claim.card_id, &claim.user) {
            return self.claim_again(context, claim, &key);
        }
        self.claim_new(context, claim)
    }

    /// Refuses a claim that shall wait for its activation where the user would take back or receive
    /// a card that is active already.
    pub(crate) fn check_would_wait(
        &self,
        context: &Context<'_>,
        claim: &Claim,
    ) -> Result<(), Refused> {
        let held = self
            .held(&claim.card_id, &claim.user)
            .and_then(|key| self.members.get(&key));
        let Some(member) = held else {
            return Ok(());
        };
        let active = match member.status(context.now) {
            UserCardStatus::Delete => {
                member.before_deletion.as_ref() != Some(&UserCardStatus::NotActivate)
            }
            UserCardStatus::Effective => member.in_wallet.is_none(),
            _ => false,
        };
        if active {
            return Err(Rule::NotWaiting.into());
        }
        Ok(())
    }

    /// Finds the card that a user has under a template.
    fn held(&self, card_id: &str, user: &User) -> Option<MemberKey> {
        let by_phone = || {
            self.holders
                .by_phone(user.phone_number.as_deref()?, card_id)
        };
        self.holders
            .by_openid(&user.openid, card_id)
            .or_else(by_phone)
            .cloned()
    }

    fn claim_again(
        &mut self,
        context: &Context<'_>,
        claim: &Claim,
        key: &MemberKey,
    ) -> Result<UserCard, Refused> {
        let member = self.members.get(key).ok_or(Rule::CodeNotExist)?;
        let own = member
            .card
            .openid
            .as_ref()
            .is_none_or(|openid| openid.expose() == claim.user.openid);
        let status = member.status(context.now);
        let ended = matches!(status, UserCardStatus::Unavailable | UserCardStatus::Expire);
        match status {
            UserCardStatus::Delete if own => self.restore(key),
            _ if own && member.in_wallet.is_none() && !ended => {
                self.receive_imported(context, claim, key)
            }
            _ if ended && context.rules.receive_again_after_end => {
                return self.claim_new(context, claim);
            }
            _ => return Err(Rule::AlreadyReceived.into()),
        }
        let member = self.members.get(key).ok_or(Rule::CodeNotExist)?;
        Ok(member.shown(context.now))
    }

    fn claim_new(&mut self, context: &Context<'_>, claim: &Claim) -> Result<UserCard, Refused> {
        let template = self.template(context.merchant, &claim.card_id)?;
        template.check_distributable(context)?;
        let user = &claim.user;
        let imported = user
            .phone_number
            .as_ref()
            .and_then(|number| {
                self.phone_members
                    .get(&(claim.card_id.clone(), number.clone()))
            })
            .cloned();
        let imported = imported.unwrap_or_default();
        let code = claim
            .code
            .clone()
            .or_else(|| imported.code.map(Personal::into_exposed));
        let status = if claim.activated {
            UserCardStatus::Effective
        } else {
            UserCardStatus::NotActivate
        };
        let card = UserCard {
            membership_number: imported.membership_number,
            user_information: claim.user_information.clone(),
            ..card_of(user)
        };
        let key = self.issue(
            context,
            Issue {
                card_id: &claim.card_id,
                code: code.as_deref(),
                number: None,
                status,
                card,
                phone_number: user.phone_number.as_deref(),
                outer_str: claim.outer_str.clone().or(imported.outer_str),
                in_wallet: true,
            },
        )?;
        let member = self.members.get(&key).ok_or(Rule::CodeNotExist)?;
        Ok(member.shown(context.now))
    }

    /// Puts an imported card into the user's wallet.
    fn receive_imported(&mut self, context: &Context<'_>, claim: &Claim, key: &MemberKey) {
        self.change_member(key, None, |member| {
            let card = &mut member.card;
            let user = card_of(&claim.user);
            card.openid = user.openid;
            card.nickname = user.nickname;
            card.head_image_url = user.head_image_url;
            if claim.user_information.is_some() {
                card.user_information.clone_from(&claim.user_information);
            }
            member.in_wallet = Some(context.now);
            if claim.outer_str.is_some() {
                member.outer_str.clone_from(&claim.outer_str);
            }
        });
        self.holders.bind_openid(&claim.user.openid, key);
        if let Some(number) = &claim.user.phone_number {
            self.bind_phone(number, key);
        }
    }

    /// Issues a card: finds its code, takes it from the stock and gives it what the template
    /// gives to new members.
    pub(super) fn issue(
        &mut self,
        context: &Context<'_>,
        issue: Issue<'_>,
    ) -> Result<MemberKey, Refused> {
        let template = self
            .templates
            .get(issue.card_id)
            .ok_or(Rule::CardIdInvalid)?;
        let points = template
            .card
            .bonus
            .as_ref()
            .filter(|_| template.has_bonus());
        let init_bonus = points.and_then(|bonus| bonus.init_bonus);
        let level = template
            .card
            .init_level
            .clone()
            .filter(|level| !is_empty(Some(level)));
        let at_midnight = context.rules.terms_end_at_midnight;
        let expires = validity::end(
            template.card.date_information.as_ref(),
            context.now,
            at_midnight,
        );
        let code = self.allocate_code(issue.card_id, issue.code)?;
        let given = issue.card;
        let card = UserCard {
            card_id: Some(issue.card_id.to_owned()),
            code: Some(code.as_str().into()),
            membership_number: given
                .membership_number
                .or_else(|| Some(code.as_str().into())),
            level,
            balance: Some(0),
            bonus_value: init_bonus.or(Some(0)),
            user_card_status: Some(issue.status),
            ..given
        };
        let key = (issue.card_id.to_owned(), code);
        if let Some(openid) = &card.openid {
            self.holders.bind_openid(openid.expose(), &key);
        }
        let member = Member {
            expires,
            in_wallet: issue.in_wallet.then_some(context.now),
            outer_str: issue.outer_str,
            ..Member::new(card, context.now)
        };
        self.members
            .put(&mut self.effects, issue.number, key.clone(), member);
        if let Some(number) = issue.phone_number {
            self.bind_phone(number, &key);
        }
        Ok(key)
    }

    fn bind_phone(&mut self, phone_number: &str, key: &MemberKey) {
        self.holders.bind_phone(phone_number, key);
        self.change_member(key, None, |member| {
            member.phone_number = Some(phone_number.into());
        });
    }

    /// Refuses the name of a card that the merchant does not have.
    pub(crate) fn find_member(
        &self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<(), Refused> {
        self.member(context.merchant, card_id, code).map(|_| ())
    }

    /// The user deletes the card.
    pub(crate) fn delete_member(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<UserCard, Refused> {
        let (key, _, member) = self.member(context.merchant, card_id, code)?;
        let before = member.card.user_card_status.clone();
        match before {
            Some(UserCardStatus::Delete) => return Err(Rule::UserCardDeleted.into()),
            Some(UserCardStatus::Unavailable) => return Err(Rule::UserCardUnavailable.into()),
            _ => {}
        }
        let member = self.change_member(&key, None, |member| {
            member.card.user_card_status = Some(UserCardStatus::Delete);
            member.before_deletion = before;
        });
        let member = member.ok_or(Rule::CodeNotExist)?;
        Ok(member.shown(context.now))
    }

    /// The user takes a deleted card back.
    pub(crate) fn restore_member(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<UserCard, Refused> {
        let (key, _, member) = self.member(context.merchant, card_id, code)?;
        if member.status(context.now) != UserCardStatus::Delete {
            return Err(Rule::NotDeleted.into());
        }
        self.restore(&key);
        let member = self.members.get(&key).ok_or(Rule::CodeNotExist)?;
        Ok(member.shown(context.now))
    }

    /// Gives a deleted card the state that it had before.
    fn restore(&mut self, key: &MemberKey) {
        self.change_member(key, None, |member| {
            let before = member.before_deletion.take();
            member.card.user_card_status = Some(before.unwrap_or(UserCardStatus::Effective));
        });
    }
}

fn card_of(user: &User) -> UserCard {
    let or = |text: &Option<String>, default: &str| Some(text.as_deref().unwrap_or(default).into());
    UserCard {
        openid: Some(user.openid.as_str().into()),
        nickname: or(&user.nickname, NICKNAME),
        head_image_url: or(&user.head_image_url, HEAD_IMAGE),
        ..UserCard::default()
    }
}

#[cfg(test)]
pub(super) mod tests;
