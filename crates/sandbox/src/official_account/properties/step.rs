//! The steps of a random sequence.

use proptest::prelude::*;

/// One step. Numbers choose among what is there, or something that is not.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Create {
        mode: u8,
        activation: u8,
        stock: i64,
        approved: bool,
    },
    Review {
        card: usize,
        approve: bool,
    },
    Update {
        card: usize,
        kind: u8,
    },
    Stock {
        card: usize,
        increase: i64,
        reduce: i64,
    },
    DeleteCard {
        card: usize,
    },
    Deposit {
        card: usize,
        codes: Vec<u8>,
    },
    Claim {
        card: usize,
        user: u8,
        code: Option<u8>,
    },
    UpdateUser {
        member: usize,
        bonus: Option<i64>,
        add_bonus: Option<i64>,
        balance: Option<i64>,
        add_balance: Option<i64>,
    },
    Activate {
        member: usize,
        bonus: i64,
    },
    Unavailable {
        member: usize,
    },
    UpdateCode {
        member: usize,
        code: u8,
    },
    User {
        member: usize,
        kind: u8,
    },
    AddRule {
        card: usize,
        merchants: Vec<u8>,
        old: bool,
    },
    DeleteRule {
        rule: usize,
    },
    Pay {
        merchant: u8,
        user: u8,
        fee: i64,
    },
    Read {
        card: usize,
        member: usize,
    },
    Wait {
        seconds: u32,
    },
}

/// The choice of something that is not there.
pub(super) const UNKNOWN: usize = 0;

fn amount() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        Just(None),
        (-500_i64..500).prop_map(Some),
        Just(Some(i64::MAX)),
        Just(Some(i64::MIN))
    ]
}

/// Any step.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let card = 0_usize..20;
    let member = 0_usize..20;
    prop_oneof![
        3 => (0..4_u8, 0..5_u8, -1..4_i64, any::<bool>()).prop_map(|(mode, activation, stock, approved)| {
            Step::Create { mode, activation, stock, approved }
        }),
        3 => (card.clone(), prop::bool::weighted(0.8)).prop_map(|(card, approve)| Step::Review { card, approve }),
        2 => (card.clone(), 0..8_u8).prop_map(|(card, kind)| Step::Update { card, kind }),
        2 => (card.clone(), -1..5_i64, -1..5_i64).prop_map(|(card, increase, reduce)| Step::Stock { card, increase, reduce }),
        1 => card.clone().prop_map(|card| Step::DeleteCard { card }),
        2 => (card.clone(), prop::collection::vec(0..12_u8, 0..4)).prop_map(|(card, codes)| Step::Deposit { card, codes }),
        5 => (card.clone(), 0..5_u8, prop::option::of(0..12_u8)).prop_map(|(card, user, code)| Step::Claim { card, user, code }),
        5 => (member.clone(), amount(), amount(), amount(), amount()).prop_map(|(member, bonus, add_bonus, balance, add_balance)| {
            Step::UpdateUser { member, bonus, add_bonus, balance, add_balance }
        }),
        2 => (member.clone(), 0..100_i64).prop_map(|(member, bonus)| Step::Activate { member, bonus }),
        1 => member.clone().prop_map(|member| Step::Unavailable { member }),
        1 => (member.clone(), 0..12_u8).prop_map(|(member, code)| Step::UpdateCode { member, code }),
        5 => (member.clone(), 0..8_u8).prop_map(|(member, kind)| Step::User { member, kind }),
        2 => (card.clone(), prop::collection::vec(0..4_u8, 0..3), any::<bool>())
            .prop_map(|(card, merchants, old)| Step::AddRule { card, merchants, old }),
        1 => (0..4_usize).prop_map(|rule| Step::DeleteRule { rule }),
        1 => (0..4_u8, 0..5_u8, 0..300_i64).prop_map(|(merchant, user, fee)| Step::Pay { merchant, user, fee }),
        3 => (card, member).prop_map(|(card, member)| Step::Read { card, member }),
        1 => (0..100_000_u32).prop_map(|seconds| Step::Wait { seconds }),
    ]
}
