//! An answer without proof is no answer: it is never passed on, and after a write it is never taken as a failure.

use kabao_proto::kabao::v1::Member;
use kabao_sandbox::Fault;
use tonic::Code;

use crate::demo::{BRAND, MERCHANT};
use crate::refusal::refused;
use crate::world::World;

/// More than the client ever tries.
const ALWAYS: u32 = 10;

fn unproved() -> Vec<(&'static str, Fault)> {
    vec![
        ("tampered", Fault::TamperBody),
        ("stale", Fault::StaleTimestamp { seconds: 600 }),
        ("from the future", Fault::StaleTimestamp { seconds: -600 }),
        ("unsigned 200", Fault::Unsigned),
        (
            "a header is missing",
            Fault::MissingHeader {
                name: "Wechatpay-Nonce".to_owned(),
            },
        ),
        ("another key is named", Fault::WrongSerial { serial: None }),
        ("something else is signed", Fault::BadSignature),
        ("probe", Fault::SignTest),
    ]
}

#[tokio::test]
async fn a_read_is_refused() {
    for (name, fault) in unproved() {
        println!("{name}");
        // A host of which half of the answers are none is left alone.
        let world = World::start().await;
        world.inject("merchant.user_cards.get", ALWAYS, fault);
        let answer = world.get_member(&MERCHANT).await;
        refused(Code::Internal, "UPSTREAM_UNVERIFIED")
            .upstream_status("200")
            .check(answer);
        world.clear_faults().await;
        world.get_member(&MERCHANT).await.unwrap();
    }
}

#[tokio::test]
async fn the_outcome_of_a_write_is_unknown() {
    for (name, fault) in unproved() {
        println!("{name}");
        // The next change of the member would wait for the end of this one.
        let world = World::start().await;
        world.inject("brand.user_cards.update", ALWAYS, fault);
        let change = Member {
            level: "银卡".to_owned(),
            ..Member::default()
        };
        let answer = world.update_member(&BRAND, change, &["level"]).await;
        refused(Code::Unknown, "OUTCOME_UNKNOWN")
            .may_have_executed()
            .upstream_status("200")
            .check(answer);
    }
}

#[tokio::test]
async fn an_unsigned_refusal_of_a_write_is_not_believed() {
    let world = World::start().await;
    let not_found = Fault::Status {
        status: 404,
        code: Some("RESOURCE_NOT_EXISTS".to_owned()),
        message: Some("no such card".to_owned()),
        body: None,
        applied: true,
        signed: false,
    };
    world.inject("brand.user_cards.update", ALWAYS, not_found);
    let change = Member {
        level: "银卡".to_owned(),
        ..Member::default()
    };
    let answer = world.update_member(&BRAND, change, &["level"]).await;
    refused(Code::Unknown, "OUTCOME_UNKNOWN")
        .may_have_executed()
        .upstream_status("404")
        .check(answer);
}

#[tokio::test]
async fn one_bad_answer_to_a_read_is_asked_for_again() {
    let world = World::start().await;
    world.inject("merchant.user_cards.get", 1, Fault::SignTest);
    world.get_member(&MERCHANT).await.unwrap();
}

#[tokio::test]
async fn verified_nonsense_is_malformed_and_giants_are_not_read() {
    let world = World::start().await;
    let rows = [
        (Fault::GarbageBody, Code::Internal, "UPSTREAM_MALFORMED"),
        (
            Fault::HugeBody { bytes: 64 << 20 },
            Code::Internal,
            "UPSTREAM_TOO_LARGE",
        ),
    ];
    for (fault, code, reason) in rows {
        world.inject("merchant.user_cards.get", ALWAYS, fault);
        let answer = world.get_member(&MERCHANT).await;
        refused(code, reason).check(answer);
        world.clear_faults().await;
    }
}
