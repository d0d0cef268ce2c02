//! What holders do with their cards: give away, delete, bring back, use.

use kabao_models::official_account::UserCardStatus;

use super::figures::{Event, Use};
use super::template::CodeMode;
use super::{Context, Core, Member};
use crate::official_account::Refused;

impl Core {
    /// A member starts to give a card away.
    pub(crate) fn gift(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<(), Refused> {
        let (key, template, card) = self.held(card_id, code)?;
        if template.base.can_give_friend == Some(false) {
            return Err(Refused::Action("the card cannot be given away"));
        }
        match card.status(context, template) {
            UserCardStatus::Normal | UserCardStatus::GiftTimeout => {}
            _ => return Err(Refused::UserCardStatus),
        }
        let mut after = card.clone();
        after.user_card_status = UserCardStatus::Gifting;
        after.gifted_at = Some(context.now);
        self.put_member(key, after);
        Ok(())
    }

    /// A friend accepts a gift and gets the card under a new code. Cards with their own codes keep
    /// theirs: the merchant changes it with `code/update`.
    pub(crate) fn accept_gift(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
        friend: &str,
    ) -> Result<String, Refused> {
        let (key, template, card) = self.held(card_id, code)?;
        if card.status(context, template) != UserCardStatus::Gifting {
            return Err(Refused::Action("the card is not being given away"));
        }
        if card.openid == friend {
            return Err(Refused::Action("the friend is the giver"));
        }
        let mut given = card.clone();
        given.user_card_status = UserCardStatus::GiftSucc;
        given.gifted_at = None;
        let mut received = Member {
            openid: friend.to_owned(),
            ..card.clone()
        };
        received.user_card_status = UserCardStatus::Normal;
        received.gifted_at = None;
        received.received_as_gift = true;
        received.nickname = None;
        received.sex = None;
        if context.rules.gift_moves_values {
            given.bonus = 0;
            given.balance = 0;
        } else {
            let fresh = Member::new(friend, context.now);
            received = Member {
                received_as_gift: true,
                claimed_at: received.claimed_at,
                ..fresh
            };
        }
        let new_code = match template.code_mode() {
            CodeMode::Platform => {
                let new_code = self.fresh_code();
                self.platform_codes
                    .insert(new_code.clone(), card_id.to_owned());
                self.put_member(key, given);
                new_code
            }
            CodeMode::Custom | CodeMode::Deposit => code.to_owned(),
        };
        self.put_member((card_id.to_owned(), new_code.clone()), received);
        self.figures
            .note(card_id, friend, context.now, Event::Receive);
        self.count_holders(card_id, context.now);
        Ok(new_code)
    }

    /// A gift goes back to its giver.
    pub(crate) fn return_gift(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<(), Refused> {
        let (key, template, card) = self.held(card_id, code)?;
        if card.status(context, template) != UserCardStatus::Gifting {
            return Err(Refused::Action("the card is not being given away"));
        }
        let mut after = card.clone();
        after.user_card_status = UserCardStatus::Normal;
        after.gifted_at = None;
        self.put_member(key, after);
        Ok(())
    }

    /// A user deletes a card.
    pub(crate) fn delete_member(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<(), Refused> {
        let (key, template, card) = self.held(card_id, code)?;
        match card.status(context, template) {
            UserCardStatus::Normal | UserCardStatus::GiftTimeout | UserCardStatus::Expire => {}
            _ => return Err(Refused::UserCardStatus),
        }
        let mut after = card.clone();
        after.user_card_status = UserCardStatus::Delete;
        after.gifted_at = None;
        self.put_member(key, after);
        self.count_holders(card_id, context.now);
        Ok(())
    }

    /// A user brings a deleted card back.
    pub(crate) fn restore_member(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<(), Refused> {
        let (key, _, card) = self.held(card_id, code)?;
        if card.user_card_status != UserCardStatus::Delete {
            return Err(Refused::UserCardStatus);
        }
        let mut after = card.clone();
        after.user_card_status = UserCardStatus::Normal;
        let openid = after.openid.clone();
        self.put_member(key, after);
        self.figures
            .note(card_id, &openid, context.now, Event::Receive);
        self.count_holders(card_id, context.now);
        Ok(())
    }

    /// A member opens a card.
    pub(crate) fn view(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<(), Refused> {
        let openid = self.held(card_id, code)?.2.openid.clone();
        self.figures
            .note(card_id, &openid, context.now, Event::View);
        Ok(())
    }

    /// A member uses a card at the till, or pays with it.
    pub(crate) fn use_card(&mut self, context: &Context<'_>, used: &Use) -> Result<(), Refused> {
        let (_, template, card) = self.held(&used.card_id, &used.code)?;
        match card.status(context, template) {
            UserCardStatus::Normal | UserCardStatus::GiftTimeout => {}
            _ => return Err(Refused::UserCardStatus),
        }
        let openid = card.openid.clone();
        let event = Event::Use {
            fee: used.fee,
            original_fee: used.original_fee,
        };
        self.figures
            .note(&used.card_id, &openid, context.now, event);
        Ok(())
    }

    /// The code of a card is redeemed, which member cards normally never are.
    pub(crate) fn consume(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<(), Refused> {
        let (key, template, card) = self.held(card_id, code)?;
        if card.consumed {
            return Err(Refused::Redeemed {
                card_id: key.0,
                code: key.1.into(),
            });
        }
        match card.status(context, template) {
            UserCardStatus::Normal | UserCardStatus::GiftTimeout => {}
            _ => return Err(Refused::UserCardStatus),
        }
        let mut after = card.clone();
        after.consumed = true;
        let openid = after.openid.clone();
        self.put_member(key, after);
        self.figures.note(
            card_id,
            &openid,
            context.now,
            Event::Use {
                fee: 0,
                original_fee: 0,
            },
        );
        Ok(())
    }

    /// Notes how many users hold a card now.
    pub(super) fn count_holders(&mut self, card_id: &str, now: i64) {
        let holders: std::collections::BTreeSet<_> = self
            .members
            .iter()
            .filter(|((of, _), card)| {
                of == card_id
                    && !matches!(
                        card.user_card_status,
                        UserCardStatus::Delete
                            | UserCardStatus::GiftSucc
                            | UserCardStatus::Unavailable
                    )
            })
            .map(|(_, card)| card.openid.as_str())
            .collect();
        self.figures.set_holders(card_id, now, holders.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::testing::{CARD, CODE, World};

    fn status(world: &mut World, code: &str) -> Option<UserCardStatus> {
        world
            .run(|core, context| core.get_member(context, CARD, code))
            .ok()?
            .user_card_status
    }

    fn gift(world: &mut World) -> Result<(), Refused> {
        world.run(|core, context| core.gift(context, CARD, CODE))
    }

    #[test]
    fn a_friend_gets_the_card_with_its_values_under_a_new_code() {
        let mut world = World::new();
        let before = world
            .run(|core, context| core.get_member(context, CARD, CODE))
            .unwrap();
        gift(&mut world).unwrap();
        assert_eq!(gift(&mut world), Err(Refused::UserCardStatus));
        let code = world
            .run(|core, context| core.accept_gift(context, CARD, CODE, "oFriend"))
            .unwrap();
        assert_ne!(code, CODE);
        assert_eq!(status(&mut world, CODE), Some(UserCardStatus::GiftSucc));
        let after = world
            .run(|core, context| core.get_member(context, CARD, &code))
            .unwrap();
        assert_eq!((after.bonus, after.balance), (before.bonus, before.balance));
        assert_eq!(after.openid.unwrap().expose(), "oFriend");
        let old = world
            .run(|core, context| core.get_member(context, CARD, CODE))
            .unwrap();
        assert_eq!(
            (old.bonus, old.balance),
            (Some(0), Some(0)),
            "nothing is there twice"
        );
    }

    #[test]
    fn a_gift_times_out_or_goes_back() {
        let mut world = World::new();
        gift(&mut world).unwrap();
        world
            .run(|core, context| core.return_gift(context, CARD, CODE))
            .unwrap();
        assert_eq!(status(&mut world, CODE), Some(UserCardStatus::Normal));
        gift(&mut world).unwrap();
        world.now += world.rules.gift_seconds;
        assert_eq!(status(&mut world, CODE), Some(UserCardStatus::GiftTimeout));
        let late = world.run(|core, context| core.accept_gift(context, CARD, CODE, "oFriend"));
        assert!(late.is_err());
        gift(&mut world).unwrap();
        assert_eq!(status(&mut world, CODE), Some(UserCardStatus::Gifting));
    }

    #[test]
    fn a_gift_may_start_from_nothing_by_setting() {
        let mut world = World::new();
        world.rules.gift_moves_values = false;
        gift(&mut world).unwrap();
        let code = world
            .run(|core, context| core.accept_gift(context, CARD, CODE, "oFriend"))
            .unwrap();
        let after = world
            .run(|core, context| core.get_member(context, CARD, &code))
            .unwrap();
        assert_eq!((after.bonus, after.has_active), (Some(0), Some(false)));
    }

    #[test]
    fn deletion_and_return_keep_the_record() {
        let mut world = World::new();
        let act = |world: &mut World, delete: bool| {
            world.run(|core, context| {
                if delete {
                    core.delete_member(context, CARD, CODE)
                } else {
                    core.restore_member(context, CARD, CODE)
                }
            })
        };
        assert_eq!(act(&mut world, false), Err(Refused::UserCardStatus));
        assert_eq!(act(&mut world, true), Ok(()));
        assert_eq!(act(&mut world, true), Err(Refused::UserCardStatus));
        assert_eq!(act(&mut world, false), Ok(()));
        assert_eq!(status(&mut world, CODE), Some(UserCardStatus::Normal));
    }
}
