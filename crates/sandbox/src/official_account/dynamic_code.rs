//! Dynamic codes: what the card shows in place of its code, a number that changes.

use super::{Context, Core, MemberKey};
use crate::official_account::Refused;
use crate::random;

/// How many digits a dynamic code has.
const DIGITS: usize = 18;

/// A dynamic code that was shown.
pub(super) struct DynamicCode {
    appid: String,
    key: MemberKey,
    expires: i64,
}

/// Whether a dynamic code is found that has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    Find,
    Refuse,
}

impl Core {
    /// Shows a card's code to its holder: a new dynamic one.
    pub(crate) fn show_code(
        &mut self,
        context: &Context<'_>,
        card_id: &str,
        code: &str,
    ) -> Result<String, Refused> {
        let (key, template, _) = self.held(card_id, code)?;
        if template.base.use_dynamic_code != Some(true) {
            return Err(Refused::Action("the card has no dynamic code"));
        }
        let appid = template.appid.clone();
        let shown = random::digits(DIGITS);
        let expires = context
            .now
            .saturating_add(context.rules.dynamic_code_seconds);
        self.dynamic_codes.insert(
            shown.clone(),
            DynamicCode {
                appid,
                key,
                expires,
            },
        );
        Ok(shown)
    }

    /// Returns the card behind a dynamic code, if it is one.
    pub(crate) fn real_code(
        &self,
        context: &Context<'_>,
        code: &str,
        expired: Expired,
    ) -> Option<Result<MemberKey, Refused>> {
        let known = self
            .dynamic_codes
            .get(code)
            .filter(|known| known.appid == context.appid)?;
        let late = context.now >= known.expires;
        Some(if late && expired == Expired::Refuse {
            Err(Refused::Code)
        } else {
            Ok(known.key.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::testing::{CARD, CODE, World};

    #[test]
    fn a_dynamic_code_leads_to_the_real_one_until_it_runs_out() {
        let mut world = World::new();
        let plain = world.run(|core, context| core.show_code(context, CARD, CODE));
        assert!(matches!(plain, Err(Refused::Action(_))));
        let card_id = world.approved_base(|base| base.use_dynamic_code = Some(true));
        let code = world.claim(&card_id, "oOne");
        let shown = world
            .run(|core, context| core.show_code(context, &card_id, &code))
            .unwrap();
        assert!(shown.len() == 18 && shown.bytes().all(|byte| byte.is_ascii_digit()));
        let find = |world: &mut World, expired| {
            world.run(|core, context| core.real_code(context, &shown, expired))
        };
        let key = (card_id.clone(), code.clone());
        world.now += 59;
        assert_eq!(find(&mut world, Expired::Refuse), Some(Ok(key.clone())));
        world.now += 1;
        assert_eq!(find(&mut world, Expired::Refuse), Some(Err(Refused::Code)));
        assert_eq!(find(&mut world, Expired::Find), Some(Ok(key)));
        let foreign = world.run(|core, context| {
            let other = Context {
                appid: "wx0",
                ..*context
            };
            core.real_code(&other, &shown, Expired::Find).is_none()
        });
        assert!(foreign);
        let again = world.run(|core, context| core.show_code(context, &card_id, &code));
        assert_ne!(again.unwrap(), shown);
    }
}
