//! The testers of an account: users who get cards before their approval.

use serde::Serialize;

use super::user::check_openid;
use super::{Context, Core};
use crate::ledger::{Change, Effect, whole};
use crate::official_account::Refused;
use crate::records::Recorded;
use crate::settings::EmptyList;

/// How many testers an account may have, openids and WeChat ids together.
const MAX_TESTERS: usize = 10;

/// The list that an account has set.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Testers {
    pub(crate) openid: Vec<String>,
    /// WeChat ids. The users of the sandbox have openids only, so these only count.
    pub(crate) username: Vec<String>,
}

impl Recorded for Testers {
    /// The AppID.
    type Key = String;

    fn place(&self, _: &String) -> Effect {
        Effect::default()
    }

    fn changes(_: &String, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        whole("test_whitelist", &before, &after)
    }
}

impl Core {
    /// Replaces the whole list.
    pub(crate) fn set_testers(
        &mut self,
        context: &Context<'_>,
        testers: Testers,
    ) -> Result<(), Refused> {
        let count = testers.openid.len() + testers.username.len();
        if count == 0 && context.rules.test_whitelist_empty == EmptyList::Error {
            return Err(Refused::Missing("openid".into()));
        }
        for openid in &testers.openid {
            check_openid(openid)?;
        }
        if count > MAX_TESTERS {
            return Err(Refused::Chosen {
                errcode: context.rules.test_whitelist_limit_errcode,
                errmsg: "there are more than ten testers",
            });
        }
        self.testers
            .put(&mut self.effects, None, context.appid.to_owned(), testers);
        Ok(())
    }

    /// Tells whether a user is a tester: by the list that the account set, or else by the settings.
    pub(super) fn is_tester(&self, context: &Context<'_>, openid: &str) -> bool {
        let list = self
            .testers
            .get(context.appid)
            .map_or(&context.rules.test_openids, |testers| &testers.openid);
        list.iter().any(|tester| tester == openid)
    }

    /// Shows the lists by AppID.
    pub(crate) fn testers(&self) -> &std::collections::BTreeMap<String, Testers> {
        &self.testers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::testing::{World, new_card};

    fn testers(openids: &[&str]) -> Testers {
        Testers {
            openid: openids.iter().map(|openid| (*openid).to_owned()).collect(),
            username: Vec::new(),
        }
    }

    fn set(world: &mut World, testers: Testers) -> Result<(), i64> {
        world
            .run(|core, context| core.set_testers(context, testers))
            .map_err(|refused| refused.errcode())
    }

    #[test]
    fn a_new_list_replaces_the_old_one_and_the_setting() {
        let mut world = World::new();
        world.rules.test_openids = vec!["oSetting".into()];
        let card_id = world
            .run(|core, context| core.create_template(context, &new_card()))
            .unwrap();
        assert!(world.try_claim(&card_id, "oSetting").is_ok());
        set(&mut world, testers(&["oOne", "oTwo"])).unwrap();
        assert!(world.try_claim(&card_id, "oOne").is_ok());
        set(&mut world, testers(&["oThree"])).unwrap();
        assert_eq!(world.try_claim(&card_id, "oTwo"), Err(Refused::CardStatus));
        assert!(world.try_claim(&card_id, "oThree").is_ok());
        set(&mut world, Testers::default()).unwrap();
        assert_eq!(world.try_claim(&card_id, "oFour"), Err(Refused::CardStatus));
    }

    #[test]
    fn ten_are_enough_and_settings_choose_the_codes() {
        let mut world = World::new();
        let mut ten = testers(&["o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9"]);
        ten.username.push("tester_01".to_owned());
        assert_eq!(set(&mut world, ten.clone()), Ok(()));
        ten.username.push("tester_02".to_owned());
        assert_eq!(set(&mut world, ten.clone()), Err(47001));
        world.rules.test_whitelist_limit_errcode = 45021;
        assert_eq!(set(&mut world, ten), Err(45021));
        world.rules.test_whitelist_empty = EmptyList::Error;
        assert_eq!(set(&mut world, Testers::default()), Err(41011));
        assert_eq!(set(&mut world, testers(&["not an openid"])), Err(40003));
    }

    #[test]
    fn testers_ignore_the_state_of_a_card_unless_the_setting_says_otherwise() {
        let mut world = World::new();
        world.rules.test_openids = vec!["oTester".into()];
        let card_id = world.approved(|_| ());
        world
            .run(|core, context| core.delete_template(context, &card_id))
            .unwrap();
        assert_eq!(
            world.try_claim(&card_id, "oOther"),
            Err(Refused::CardStatus)
        );
        world.rules.test_users_ignore_state = false;
        assert_eq!(
            world.try_claim(&card_id, "oTester"),
            Err(Refused::CardStatus)
        );
        world.rules.test_users_ignore_state = true;
        assert!(world.try_claim(&card_id, "oTester").is_ok());
    }
}
