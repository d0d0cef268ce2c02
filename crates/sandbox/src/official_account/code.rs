//! Codes of claimed cards: query, decryption, change.

use kabao_models::official_account::UserCardStatus;

use super::dynamic_code::Expired;
use super::template::CodeMode;
use super::{Context, Core, Member, MemberKey};
use crate::ledger::{Effect, whole};
use crate::official_account::Refused;
use crate::random;
use crate::records::Recorded as _;

/// The longest code that queries take.
const MAX_CODE: usize = 20;

/// What an encrypted code stands for.
pub(super) struct EncryptedCode {
    appid: String,
    key: MemberKey,
}

/// What `code/get` shows.
pub(crate) struct CodeState {
    pub(crate) key: MemberKey,
    pub(crate) card: Member,
    pub(crate) begin_time: Option<i64>,
    pub(crate) end_time: Option<i64>,
    pub(crate) status: UserCardStatus,
}

impl CodeState {
    /// Tells whether the code can be redeemed.
    pub(crate) fn can_consume(&self) -> bool {
        !self.card.consumed
            && matches!(
                self.status,
                UserCardStatus::Normal | UserCardStatus::GiftTimeout
            )
    }
}

/// Whether `code/get` reports abnormal states as errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Consume,
    Nothing,
}

/// A code as a till reads it: the real one or what the card showed.
pub(crate) struct Asked<'a> {
    pub(crate) code: &'a str,
    pub(crate) card_id: Option<&'a str>,
    /// Whether a dynamic code may have run out.
    pub(crate) expired: Expired,
}

impl Core {
    /// Returns a code and its card, and whether what was asked for is a dynamic code.
    pub(crate) fn shown_code(
        &self,
        context: &Context<'_>,
        asked: &Asked<'_>,
        check: Check,
    ) -> Result<(CodeState, bool), Refused> {
        match self.real_code(context, asked.code, asked.expired) {
            Some(key) => {
                let (card_id, code) = key?;
                let state = self.code(context, &code, Some(&card_id), check)?;
                Ok((state, true))
            }
            None => {
                let state = self.code(context, asked.code, asked.card_id, check)?;
                Ok((state, false))
            }
        }
    }

    /// Returns a code and its card.
    pub(crate) fn code(
        &self,
        context: &Context<'_>,
        code: &str,
        card_id: Option<&str>,
        check: Check,
    ) -> Result<CodeState, Refused> {
        check_form(code)?;
        let (key, template, card) = self.member(context, code, card_id)?;
        let status = card.status(context, template);
        if status == UserCardStatus::GiftSucc {
            return Err(Refused::Code);
        }
        if check == Check::Consume {
            check_consumed(&key, card)?;
            match status {
                UserCardStatus::Normal | UserCardStatus::GiftTimeout => {}
                UserCardStatus::Expire if !context.rules.expired_fails_check => {}
                _ => return Err(Refused::UserCardStatus),
            }
        }
        let (begin_time, end_time) = card.validity(template);
        Ok(CodeState {
            key,
            card: card.clone(),
            begin_time,
            end_time,
            status,
        })
    }

    /// Gives a card of its own codes another code.
    pub(crate) fn update_code(
        &mut self,
        context: &Context<'_>,
        code: &str,
        card_id: Option<&str>,
        new_code: &str,
    ) -> Result<(), Refused> {
        check_form(code)?;
        check_form(new_code)?;
        let (key, template, card) = self.member(context, code, card_id)?;
        if template.code_mode() == CodeMode::Platform || !context.rules.custom_code_permission {
            return Err(Refused::CustomCodes);
        }
        card.check_usable(context, template)?;
        let new_key = (key.0.clone(), new_code.to_owned());
        if self.members.contains_key(&new_key) || template.imported.contains(new_code) {
            return Err(Refused::CodeForm);
        }
        let effect = Effect {
            changes: whole("code", &key.1, &new_key.1),
            ..card.place(&new_key)
        };
        self.members
            .rename(&mut self.effects, &key, new_key, effect);
        Ok(())
    }

    /// Encrypts a code for a page jump. It is the value after one URL-decoding.
    pub(crate) fn encrypt_code(&mut self, key: &MemberKey) -> String {
        let appid = self.owner(&key.0).unwrap_or_default().to_owned();
        let encrypted = format!("XXIz{}+{}==", random::secret(40), random::secret(10));
        self.encrypted_codes.insert(
            encrypted.clone(),
            EncryptedCode {
                appid,
                key: key.clone(),
            },
        );
        encrypted
    }

    /// Decrypts a code of one of the caller's cards.
    pub(crate) fn decrypt_code(
        &self,
        context: &Context<'_>,
        encrypted: &str,
    ) -> Result<String, Refused> {
        let known = self
            .encrypted_codes
            .get(encrypted)
            .filter(|known| known.appid == context.appid)
            .ok_or(Refused::EncryptCode)?;
        if self.members.contains_key(&known.key) {
            Ok(known.key.1.clone())
        } else {
            Err(Refused::CodeForm)
        }
    }

    /// Returns a platform code that no card has.
    pub(super) fn fresh_code(&self) -> String {
        loop {
            let code = random::digits(12);
            if !self.platform_codes.contains_key(&code) {
                return code;
            }
        }
    }
}

/// Codes are half-width and have no blanks.
pub(super) fn check_form(code: &str) -> Result<(), Refused> {
    let well_formed =
        (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    if well_formed {
        Ok(())
    } else {
        Err(Refused::CodeForm)
    }
}

pub(super) fn check_consumed((card_id, code): &MemberKey, card: &Member) -> Result<(), Refused> {
    if card.consumed {
        return Err(Refused::Redeemed {
            card_id: card_id.clone(),
            code: code.as_str().into(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::DateInfoType;
    use kabao_models::official_account::card::DateInfo;

    use super::*;
    use crate::official_account::testing::{CARD, CODE, World};

    fn status(
        world: &mut World,
        card_id: Option<&str>,
        code: &str,
        check: Check,
    ) -> Result<UserCardStatus, i64> {
        world
            .run(|core, context| core.code(context, code, card_id, check))
            .map(|state| state.status)
            .map_err(|refused| refused.errcode())
    }

    #[test]
    fn abnormal_states_are_errors_only_when_checked() {
        let mut world = World::new();
        assert_eq!(
            status(&mut world, None, CODE, Check::Consume),
            Ok(UserCardStatus::Normal)
        );
        world
            .run(|core, context| core.delete_member(context, CARD, CODE))
            .unwrap();
        assert_eq!(
            status(&mut world, Some(CARD), CODE, Check::Consume),
            Err(40127)
        );
        assert_eq!(
            status(&mut world, Some(CARD), CODE, Check::Nothing),
            Ok(UserCardStatus::Delete)
        );
        for check in [Check::Consume, Check::Nothing] {
            assert_eq!(status(&mut world, None, "000000000000", check), Err(40056));
            assert_eq!(status(&mut world, Some("none"), CODE, check), Err(40073));
            assert_eq!(status(&mut world, None, "a b", check), Err(40116));
        }
    }

    #[test]
    fn a_redeemed_code_is_40099_and_an_invalidated_one_stays_so() {
        let mut world = World::new();
        world
            .run(|core, context| core.consume(context, CARD, CODE))
            .unwrap();
        assert_eq!(status(&mut world, None, CODE, Check::Consume), Err(40099));
        assert!(status(&mut world, None, CODE, Check::Nothing).is_ok());
        let mut world = World::new();
        let invalidate = |world: &mut World| {
            world.run(|core, context| {
                core.set_unavailable(context, CODE, None, Some("应会员要求".into()))
            })
        };
        invalidate(&mut world).unwrap();
        assert_eq!(invalidate(&mut world), Err(Refused::UserCardStatus));
        assert_eq!(
            status(&mut world, None, CODE, Check::Nothing),
            Ok(UserCardStatus::Unavailable)
        );
        let restored = world.run(|core, context| core.restore_member(context, CARD, CODE));
        assert!(restored.is_err(), "final");
    }

    #[test]
    fn the_setting_decides_whether_an_expired_card_fails_the_check() {
        let mut world = World::new();
        let card_id = world.approved_base(|base| {
            base.date_info = Some(DateInfo {
                r#type: Some(DateInfoType::DateTypeFixTerm),
                fixed_term: Some(1),
                fixed_begin_term: Some(0),
                ..DateInfo::default()
            });
        });
        let code = world.claim(&card_id, "oNew");
        world.now += 86_399;
        let check = |world: &mut World| status(world, None, &code, Check::Consume);
        assert_eq!(check(&mut world), Ok(UserCardStatus::Normal));
        world.now += 1;
        assert_eq!(check(&mut world), Err(40127));
        world.rules.expired_fails_check = false;
        assert_eq!(check(&mut world), Ok(UserCardStatus::Expire));
    }

    #[test]
    fn only_own_codes_change() {
        let mut world = World::new();
        let refused = world.run(|core, context| core.update_code(context, CODE, None, "M1"));
        assert_eq!(refused, Err(Refused::CustomCodes));
        let card_id = world.approved_base(|base| base.use_custom_code = Some(true));
        world.claim_code(&card_id, "oOne", "M0000001").unwrap();
        world.claim_code(&card_id, "oTwo", "M0000002").unwrap();
        let change = |world: &mut World, new: &str| {
            world.run(|core, context| core.update_code(context, "M0000001", Some(&card_id), new))
        };
        assert_eq!(change(&mut world, "M0000002"), Err(Refused::CodeForm));
        assert_eq!(change(&mut world, "M0000003"), Ok(()));
        assert_eq!(
            status(&mut world, Some(&card_id), "M0000001", Check::Nothing),
            Err(40056)
        );
        assert!(status(&mut world, Some(&card_id), "M0000003", Check::Nothing).is_ok());
        assert_eq!(
            status(&mut world, None, "M0000003", Check::Nothing),
            Err(40056),
            "own codes need card_id"
        );
    }

    #[test]
    fn another_account_cannot_decrypt() {
        let mut world = World::new();
        let encrypted = world.run(|core, _| core.encrypt_code(&(CARD.into(), CODE.into())));
        assert_eq!(
            world
                .run(|core, context| core.decrypt_code(context, &encrypted))
                .as_deref(),
            Ok(CODE)
        );
        let foreign = world.run(|core, context| {
            core.decrypt_code(
                &Context {
                    appid: "wx0",
                    ..*context
                },
                &encrypted,
            )
        });
        assert_eq!(foreign, Err(Refused::EncryptCode));
    }
}
