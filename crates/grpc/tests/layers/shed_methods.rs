//! Every method that is one call of one account is refused early, with the same words and the same record as late.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use bytes::Bytes;
use kabao_proto::kabao::{merchant, v1};
use prost::Message;

use crate::shed::{Asked, bench};
use crate::support::{NAME, frame};

const TEMPLATE: &str = "accounts/demo/templates/pbLatjvWOibDc5-TBnbUk1pD12o0";

fn message(message: &impl Message) -> Bytes {
    frame(&message.encode_to_vec())
}

/// A path and a message for every method.
fn calls() -> Vec<(&'static str, Bytes)> {
    let (name, template) = (NAME.to_owned(), TEMPLATE.to_owned());
    let level = || v1::Member {
        name: name.clone(),
        level: "gold".to_owned(),
        ..Default::default()
    };
    let card_id = || "pbLatjvWOibDc5-TBnbUk1pD12o0".to_owned();
    vec![
        (
            "/kabao.v1.MemberService/GetMember",
            message(&v1::GetMemberRequest {
                name: name.clone(),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.MemberService/ListMembers",
            message(&v1::ListMembersRequest {
                parent: template.clone(),
                openid: "o-1".to_owned(),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.MemberService/UpdateMember",
            message(&v1::UpdateMemberRequest {
                member: Some(level()),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.MemberService/AdjustBalance",
            message(&v1::AdjustBalanceRequest {
                name: name.clone(),
                change: Some(v1::adjust_balance_request::Change::Add(5)),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.MemberService/AdjustPoints",
            message(&v1::AdjustPointsRequest {
                name: name.clone(),
                request_id: "order-1".to_owned(),
                openid: "o-1".to_owned(),
                change: Some(v1::adjust_points_request::Change::SetTo(5)),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.MemberService/ActivateMember",
            message(&v1::ActivateMemberRequest {
                name: name.clone(),
                outcome: 1,
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.MemberService/InvalidateMember",
            message(&v1::InvalidateMemberRequest {
                name,
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.MemberService/ImportMember",
            message(&v1::ImportMemberRequest {
                parent: template.clone(),
                user: Some(v1::import_member_request::User::Openid("o-1".to_owned())),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.TemplateService/GetTemplate",
            message(&v1::GetTemplateRequest {
                name: template.clone(),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.TemplateService/ListTemplates",
            message(&v1::ListTemplatesRequest {
                parent: "accounts/demo".to_owned(),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.TemplateService/CreateTemplate",
            message(&v1::CreateTemplateRequest {
                parent: "accounts/demo".to_owned(),
                template: Some(v1::Template {
                    title: "card".to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.TemplateService/UpdateTemplate",
            message(&v1::UpdateTemplateRequest {
                template: Some(v1::Template {
                    name: template.clone(),
                    title: "card".to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            }),
        ),
        (
            "/kabao.v1.TemplateService/DeleteTemplate",
            message(&v1::DeleteTemplateRequest {
                name: template,
                ..Default::default()
            }),
        ),
        (
            "/kabao.merchant.v1.UserCardService/GetUserCard",
            message(&merchant::v1::GetUserCardRequest {
                account: "accounts/demo".to_owned(),
                card_id: card_id(),
                code: "478515832665".to_owned(),
            }),
        ),
        (
            "/kabao.merchant.v1.UserCardService/UpdateUserCard",
            message(&merchant::v1::UpdateUserCardRequest {
                account: "accounts/demo".to_owned(),
                card_id: card_id(),
                code: "478515832665".to_owned(),
                ..Default::default()
            }),
        ),
    ]
}

fn is_change(path: &str) -> bool {
    let method = path.rsplit('/').next().unwrap();
    !method.starts_with("Get") && !method.starts_with("List")
}

#[tokio::test]
async fn every_method_is_refused_early_as_it_is_late() {
    for (path, body) in calls() {
        let keyed = [("idempotency-key", "order-1")];
        let metadata: [&[_]; 2] = [&[], &keyed];
        for headers in metadata {
            let ask: Asked<'_> = (path, headers, body.clone());
            let mut late = bench();
            let (at_once, _, usual) = late.ask(&ask).await;
            assert!(!at_once && late.begun() == 1, "{path}");
            let mut early = bench();
            early.is_crowded().await;
            let begun = early.begun();
            early.book.0.lock().unwrap().clear();
            let (at_once, http, shed) = early.ask(&ask).await;
            assert!(at_once && early.begun() == begun, "{path}");
            assert_eq!((http, &shed), (200, &usual), "{path}");
            assert_eq!(shed["grpc-status"], "8");
            let records = |bench: &crate::shed::Bench| bench.book.0.lock().unwrap().clone();
            assert_eq!(records(&early), records(&late), "{path}");
            assert_eq!(
                records(&early).len(),
                usize::from(is_change(path)),
                "{path}"
            );
            let id = shed.get("x-kabao-request-id");
            assert_eq!(id.is_some(), is_change(path), "{path}");
        }
    }
}

#[tokio::test]
async fn a_call_that_finds_a_place_is_expected_whatever_it_does() {
    for (path, body) in calls() {
        let mut bench = bench();
        bench.is_crowded().await;
        bench
            .upstream
            .says_so
            .store(false, std::sync::atomic::Ordering::SeqCst);
        let begun = bench.begun();
        let (at_once, ..) = bench.ask(&(path, &[], body)).await;
        assert!(!at_once && bench.begun() == begun + 1, "{path}");
        assert_eq!(bench.expected(), 1, "{path}");
    }
}
