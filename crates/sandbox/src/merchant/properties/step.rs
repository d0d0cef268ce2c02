//! One step of a random sequence.

use kabao_models::merchant::CodeMode;
use proptest::collection::vec;
use proptest::prelude::*;

/// What happens. Numbers choose among what exists at that moment; some choose nothing that does.
#[derive(Clone, Debug)]
pub(super) enum Step {
    CreateTemplate {
        number: u8,
        mode: CodeMode,
    },
    Review {
        template: u8,
        approved: bool,
    },
    DeleteTemplate {
        template: u8,
    },
    Restock {
        template: u8,
        total: i64,
    },
    Sections {
        template: u8,
        bonus: bool,
    },
    Deposit {
        template: u8,
        codes: Vec<u8>,
    },
    Claim {
        template: u8,
        user: u8,
        jump: bool,
        code: Option<u8>,
    },
    OpenLink {
        template: u8,
        user: u8,
        jump: bool,
    },
    ImportByOpenid {
        template: u8,
        user: u8,
        number: u8,
        code: Option<u8>,
    },
    ImportByPhone {
        template: u8,
        user: u8,
        number: u8,
    },
    ImportPhoneMember {
        template: u8,
        user: u8,
    },
    Activate {
        member: u8,
    },
    SetUnavailable {
        member: u8,
    },
    Confirm {
        member: u8,
        success: bool,
    },
    UserDeletes {
        member: u8,
    },
    UserRestores {
        member: u8,
    },
    Balance {
        member: u8,
        number: u8,
        add: i64,
        error: i64,
    },
    Points {
        member: u8,
        number: u8,
        add: i64,
        error: i64,
    },
    Prepare {
        member: u8,
        order: u8,
        points: i64,
    },
    Commit {
        member: u8,
        order: u8,
        points: i64,
    },
    Service {
        member: u8,
        number: u8,
        state: bool,
    },
    AddService {
        template: u8,
    },
    RemoveService {
        template: u8,
    },
    CreateActivity {
        template: u8,
        number: u8,
    },
    Terminate {
        activity: u8,
    },
    Look {
        member: u8,
    },
    Wait {
        days: i64,
    },
}

/// The choice of something that does not exist.
pub(super) const NOTHING: u8 = u8::MAX;

/// Makes sequences.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..160)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![2 => templates(), 4 => cards(), 4 => changes(), 1 => others()]
}

/// Chooses among few things; [`NOTHING`] chooses what does not exist.
fn few() -> impl Strategy<Value = u8> {
    prop_oneof![12 => 0_u8..6, 1 => Just(NOTHING)]
}

/// Numbers of requests: few enough to repeat.
fn number() -> std::ops::Range<u8> {
    0..30
}

fn templates() -> impl Strategy<Value = Step> {
    let mode = prop_oneof![
        2 => Just(CodeMode::SystemAllocate),
        2 => Just(CodeMode::MerchantDeposit),
        1 => Just(CodeMode::RealTime)
    ];
    prop_oneof![
        2 => (number(), mode).prop_map(|(number, mode)| Step::CreateTemplate { number, mode }),
        8 => (few(), prop::bool::weighted(0.9))
            .prop_map(|(template, approved)| Step::Review { template, approved }),
        1 => few().prop_map(|template| Step::DeleteTemplate { template }),
        2 => (few(), -1_i64..12).prop_map(|(template, total)| Step::Restock { template, total }),
        2 => (few(), prop::bool::weighted(0.8)).prop_map(|(template, bonus)| Step::Sections { template, bonus }),
        4 => (few(), vec(0_u8..8, 0..5)).prop_map(|(template, codes)| Step::Deposit { template, codes }),
    ]
}

fn cards() -> impl Strategy<Value = Step> {
    let code = || proptest::option::of(0_u8..8);
    prop_oneof![
        (few(), few(), any::<bool>(), code()).prop_map(|(template, user, jump, code)| {
            Step::Claim {
                template,
                user,
                jump,
                code,
            }
        }),
        (few(), few(), any::<bool>()).prop_map(|(template, user, jump)| Step::OpenLink {
            template,
            user,
            jump
        }),
        (few(), few(), number(), code()).prop_map(|(template, user, number, code)| {
            Step::ImportByOpenid {
                template,
                user,
                number,
                code,
            }
        }),
        (few(), few(), number()).prop_map(|(template, user, number)| Step::ImportByPhone {
            template,
            user,
            number
        }),
        (few(), few()).prop_map(|(template, user)| Step::ImportPhoneMember { template, user }),
        few().prop_map(|member| Step::Activate { member }),
        few().prop_map(|member| Step::SetUnavailable { member }),
        (few(), any::<bool>()).prop_map(|(member, success)| Step::Confirm { member, success }),
        few().prop_map(|member| Step::UserDeletes { member }),
        few().prop_map(|member| Step::UserRestores { member }),
    ]
}

fn changes() -> impl Strategy<Value = Step> {
    let error = || prop_oneof![4 => Just(0_i64), 1 => -3_i64..3];
    let add = || prop_oneof![6 => -500_i64..500, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    prop_oneof![
        (few(), number(), add(), error()).prop_map(|(member, number, add, error)| Step::Balance {
            member,
            number,
            add,
            error
        }),
        (few(), number(), add(), error()).prop_map(|(member, number, add, error)| Step::Points {
            member,
            number,
            add,
            error
        }),
        (few(), few(), -1_i64..5).prop_map(|(member, order, points)| Step::Prepare {
            member,
            order,
            points
        }),
        (few(), few(), -1_i64..5).prop_map(|(member, order, points)| Step::Commit {
            member,
            order,
            points
        }),
        (few(), number(), any::<bool>()).prop_map(|(member, number, state)| Step::Service {
            member,
            number,
            state
        }),
    ]
}

fn others() -> impl Strategy<Value = Step> {
    prop_oneof![
        few().prop_map(|template| Step::AddService { template }),
        few().prop_map(|template| Step::RemoveService { template }),
        (few(), number()).prop_map(|(template, number)| Step::CreateActivity { template, number }),
        few().prop_map(|activity| Step::Terminate { activity }),
        few().prop_map(|member| Step::Look { member }),
        prop_oneof![Just(1_i64), Just(30), Just(400)].prop_map(|days| Step::Wait { days }),
    ]
}
