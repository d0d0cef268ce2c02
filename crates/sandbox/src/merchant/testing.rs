//! A core with the demo data, and shorter ways to use it.

use jiff::Timestamp;

use super::Core;
use crate::demo;
use crate::merchant::Context;
use crate::settings;

pub(in crate::merchant) const MERCHANT: &str = demo::MERCHANT_NUMBER;
pub(in crate::merchant) const CARD: &str = demo::MERCHANT_CARD;
pub(in crate::merchant) const CODE: &str = demo::MERCHANT_CODE;

pub(in crate::merchant) fn now() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap()
}

pub(in crate::merchant) fn rules() -> settings::Merchant {
    settings::Merchant::default()
}

pub(in crate::merchant) fn context(rules: &settings::Merchant) -> Context<'_> {
    Context {
        merchant: MERCHANT,
        now: now(),
        rules,
    }
}

/// A core with the demo template and its member.
pub(in crate::merchant) fn core() -> Core {
    let mut core = Core::default();
    demo::merchant::fill(&mut core, now());
    core
}
