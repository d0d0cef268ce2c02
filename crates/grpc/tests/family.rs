//! The family services: one RPC is one operation of WeChat, and nothing is lost on the way.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use kabao_api::{
    Account, Accounts, Error, Family, FieldViolation, MockAccountApi, MockMediaApi, MockMemberApi,
    MockTemplateApi, MockUpstream, Reason,
};
use kabao_grpc::Server;
use kabao_models::merchant::user_cards::{GetUserCard, UpdateUserCard, UserCard};
use kabao_proto::kabao::merchant::v1 as merchant;
use prost::Message;
use tonic::Code;
use tonic_types::StatusExt;

#[path = "layers/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use self::support::{Answer, frame, start};

const GET: &str = "/kabao.merchant.v1.UserCardService/GetUserCard";
const UPDATE: &str = "/kabao.merchant.v1.UserCardService/UpdateUserCard";

/// Calls one method of the account `demo`, which is of the family merchant.
async fn call(upstream: MockUpstream, path: &str, request: &impl Message) -> Answer {
    let accounts = Accounts::new();
    let account = Account {
        id: "demo".parse().unwrap(),
        family: Family::Merchant,
        templates: Arc::new(MockTemplateApi::new()),
        members: Arc::new(MockMemberApi::new()),
        media: Arc::new(MockMediaApi::new()),
        state: Arc::new(MockAccountApi::new()),
        upstream: Arc::new(upstream),
        card_signer: None,
        held_credentials: None,
        changes: None,
    };
    accounts.insert(account).unwrap();
    let running = start(Server::builder(Arc::new(accounts))).await;
    running
        .send(running.request(path), frame(&request.encode_to_vec()))
        .await
}

fn get() -> merchant::GetUserCardRequest {
    merchant::GetUserCardRequest {
        account: "accounts/demo".to_owned(),
        card_id: "pbLatjvWOibDc5-TBnbUk1pD12o0".to_owned(),
        code: "478515832665".to_owned(),
    }
}

/// WeChat's own example of a balance update.
fn update() -> merchant::UpdateUserCardRequest {
    let get = get();
    merchant::UpdateUserCardRequest {
        account: get.account,
        card_id: get.card_id,
        code: get.code,
        level: Some("黄金会员".to_owned()),
        membership_number: Some("478515832665".to_owned()),
        out_request_no: "100002322019090134234sfdf".to_owned(),
        balance_information: Some(merchant::BalanceChange {
            before_balance: Some(888),
            balance: Some(888),
            add_balance: Some(100),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_read_becomes_one_operation_and_its_answer_comes_back() {
    let mut upstream = MockUpstream::new();
    upstream
        .expect_execute()
        .once()
        .returning(|context, request| {
            assert_eq!(context.account.as_str(), "demo");
            let request = request.as_any().downcast_ref::<GetUserCard>().unwrap();
            assert_eq!(request.code.expose(), "478515832665");
            Ok(Box::new(UserCard {
                balance: Some(888),
                ..UserCard::default()
            }))
        });
    let answer = call(upstream, GET, &get()).await;
    assert_eq!(answer.code(), Code::Ok);
    assert_eq!(answer.message::<merchant::UserCard>().balance, Some(888));
}

#[tokio::test]
async fn wechats_example_of_a_balance_update_arrives_whole() {
    let mut upstream = MockUpstream::new();
    upstream.expect_execute().once().returning(|_, request| {
        let http = request.to_http().unwrap();
        let body: serde_json::Value = serde_json::from_slice(&http.body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "level": "黄金会员",
                "membership_number": "478515832665",
                "out_request_no": "100002322019090134234sfdf",
                "balance_information": {"before_balance": 888, "balance": 888, "add_balance": 100},
            }),
        );
        assert!(request.as_any().is::<UpdateUserCard>());
        Ok(Box::new(kabao_models::NoContent::default()))
    });
    assert_eq!(call(upstream, UPDATE, &update()).await.code(), Code::Ok);
}

#[tokio::test]
async fn faults_are_named_by_the_fields_of_the_message() {
    let mut upstream = MockUpstream::new();
    upstream.expect_execute().returning(|_, request| {
        Err(
            Error::field_invalid(request.violations().into_iter().map(FieldViolation::from))
                .with_operation(request.operation().id),
        )
    });
    let request = merchant::UpdateUserCardRequest {
        level: Some("黄金会员卡卡".to_owned()),
        out_request_no: String::new(),
        ..update()
    };
    let answer = call(upstream, UPDATE, &request).await;
    assert_eq!(
        (answer.code(), answer.reason().as_str()),
        (Code::InvalidArgument, "FIELD_INVALID")
    );
    assert_eq!(
        answer.metadata("operation").as_deref(),
        Some("merchant.user_cards.update")
    );
    let violations = answer
        .status()
        .get_details_bad_request()
        .unwrap()
        .field_violations;
    let fields: Vec<_> = violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["level", "out_request_no"]);
}

#[tokio::test]
async fn an_account_is_named_as_a_resource_and_must_be_of_the_family() {
    let rows = [
        ("", "NAME_INVALID", Code::InvalidArgument),
        ("demo", "NAME_INVALID", Code::InvalidArgument),
        ("accounts/Demo", "NAME_INVALID", Code::InvalidArgument),
        ("accounts/nobody", "ACCOUNT_NOT_FOUND", Code::NotFound),
    ];
    for (account, reason, code) in rows {
        let request = merchant::GetUserCardRequest {
            account: account.to_owned(),
            ..get()
        };
        let answer = call(MockUpstream::new(), GET, &request).await;
        assert_eq!(
            (answer.code(), answer.reason().as_str()),
            (code, reason),
            "{account:?}"
        );
    }
    let request = kabao_proto::kabao::brand::v1::GetCardRequest {
        account: "accounts/demo".to_owned(),
        card_id: "p".to_owned(),
        ..Default::default()
    };
    let answer = call(
        MockUpstream::new(),
        "/kabao.brand.v1.CardService/GetCard",
        &request,
    )
    .await;
    assert_eq!(
        (answer.code(), answer.reason().as_str()),
        (Code::FailedPrecondition, "FAMILY_MISMATCH")
    );
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused() {
    let running = start(Server::builder(Arc::new(Accounts::new()))).await;
    // A text of account that ends early, and one that is no UTF-8.
    for bytes in [[0x0a, 0x07, b'a'], [0x0a, 0x01, 0xff]] {
        for path in [GET, "/kabao.merchant.v1.MediaService/UploadImage"] {
            let answer = running.send(running.request(path), frame(&bytes)).await;
            assert_eq!(
                (answer.code(), answer.reason().as_str()),
                (Code::InvalidArgument, "FIELD_INVALID"),
                "{path}"
            );
            let details = answer.status().get_details_bad_request().unwrap();
            assert_eq!(details.field_violations[0].field, "request");
        }
    }
}

#[tokio::test]
async fn a_method_that_nobody_has_is_unimplemented() {
    let running = start(Server::builder(Arc::new(Accounts::new()))).await;
    for path in [
        "/kabao.merchant.v1.UserCardService/FlyToTheMoon",
        "/kabao.merchant.v1.UserCardService/",
        "/kabao.merchant.v1.MoonService/GetUserCard",
        // No account lets callers see its credentials.
        "/kabao.officialaccount.v1.TokenService/GetToken",
    ] {
        let request = frame(&get().encode_to_vec());
        let answer = running.send(running.request(path), request).await;
        assert_eq!(
            (answer.code(), answer.reason().as_str()),
            (Code::Unimplemented, "METHOD_NOT_FOUND"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_answer_of_another_operation_is_an_internal_error() {
    let mut upstream = MockUpstream::new();
    upstream
        .expect_execute()
        .returning(|_, _| Ok(Box::new(kabao_models::NoContent::default())));
    let answer = call(upstream, GET, &get()).await;
    assert_eq!(
        (answer.code(), answer.reason().as_str()),
        (Code::Internal, "INTERNAL")
    );
}

#[tokio::test]
async fn an_uncertain_outcome_is_not_made_certain() {
    let mut upstream = MockUpstream::new();
    upstream
        .expect_execute()
        .returning(|_, _| Err(Error::new(Reason::OutcomeUnknown, "no verified answer")));
    let answer = call(upstream, UPDATE, &update()).await;
    assert_eq!(
        (answer.code(), answer.reason().as_str()),
        (Code::Unknown, "OUTCOME_UNKNOWN")
    );
    assert_eq!(
        answer.metadata("may_have_executed").as_deref(),
        Some("true")
    );
}
