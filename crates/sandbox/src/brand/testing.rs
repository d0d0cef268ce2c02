//! A core with the demo data, and shorter ways to use it.

use jiff::Timestamp;

use super::*;
use crate::{demo, settings};

pub(in crate::brand) const BRAND: &str = demo::BRAND_ID;
pub(in crate::brand) const CARD: &str = demo::BRAND_CARD;
pub(in crate::brand) const CODE: &str = demo::BRAND_CODE;
pub(in crate::brand) const OPENID: &str = demo::BRAND_OPENID;

pub(in crate::brand) fn now() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap()
}

/// A core with the demo template and its member.
pub(in crate::brand) fn core() -> Core {
    let mut core = Core::default();
    demo::brand::fill(&mut core, now());
    core
}

pub(in crate::brand) fn context(rules: &settings::Brand) -> Context<'_> {
    Context {
        brand: BRAND,
        appid: None,
        now: now(),
        rules,
    }
}

/// The names of the members that the newest effect changed.
pub(in crate::brand) fn changed(core: &Core) -> Vec<&str> {
    let effect = core.effects.last().expect("there is an effect");
    effect
        .changes
        .iter()
        .map(|change| change.field.as_str())
        .collect()
}

/// The rule that a refused command broke.
pub(in crate::brand) fn rule<T>(result: Result<T, Refused>) -> Rule {
    result
        .err()
        .map(|refused| refused.rule)
        .expect("it is refused")
}
