//! The family services: one RPC is one operation of WeChat, and nothing is lost on the way.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use kabao_api::{
    Account, Accounts, ChangeApi, Error, FieldViolation, MockChangeApi, MockMemberApi,
    MockUpstream, Reason,
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

use self::support::{Answer, account, frame, serving, start};

const GET: &str = "/kabao.merchant.v1.UserCardService/GetUserCard";
const UPDATE: &str = "/kabao.merchant.v1.UserCardService/UpdateUserCard";

/// Calls one method of the account `demo`, which is of the family merchant.
async fn call(upstream: MockUpstream, path: &str, request: &impl Message) -> Answer {
    call_with(upstream, None, None, path, request).await
}

/// Calls one method with a journal, and perhaps with an `idempotency-key`.
async fn call_journalled(
    upstream: MockUpstream,
    key: Option<&str>,
    path: &str,
    request: &impl Message,
) -> Answer {
    let mut journal = MockChangeApi::new();
    let made = || "0123456789abcdef0123456789abcdef".parse().ok();
    journal.expect_new_request_id().returning(made);
    let journal: Arc<dyn ChangeApi> = Arc::new(journal);
    call_with(upstream, Some(journal), key, path, request).await
}

async fn call_with(
    upstream: MockUpstream,
    changes: Option<Arc<dyn ChangeApi>>,
    key: Option<&str>,
    path: &str,
    request: &impl Message,
) -> Answer {
    let account = Account {
        upstream: Arc::new(upstream),
        changes,
        ..account(MockMemberApi::new())
    };
    let running = start(serving(account)).await;
    let mut call = running.request(path);
    if let Some(key) = key {
        call = call.header("idempotency-key", key);
    }
    running.send(call, frame(&request.encode_to_vec())).await
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

const UPLOAD: &str = "/kabao.merchant.v1.MediaService/UploadImage";

/// An update whose number the caller left empty.
fn unnumbered() -> merchant::UpdateUserCardRequest {
    merchant::UpdateUserCardRequest {
        out_request_no: String::new(),
        ..update()
    }
}

/// Answers and expects the id of the change and the request number, and that nothing is wrong with it.
fn expecting(id: impl Fn(&str, &str) + Send + 'static) -> MockUpstream {
    let mut upstream = MockUpstream::new();
    upstream
        .expect_execute()
        .once()
        .returning(move |context, request| {
            assert_eq!(request.violations(), []);
            let change = context.request_id.as_ref().unwrap();
            id(change.as_str(), request.request_number().unwrap());
            Ok(Box::new(kabao_models::NoContent::default()))
        });
    upstream
}

#[tokio::test]
async fn the_key_of_a_change_is_its_number_if_it_has_none() {
    let upstream = expecting(|id, number| assert_eq!((id, number), ("order-17", "order-17")));
    let answer = call_journalled(upstream, Some("order-17"), UPDATE, &unnumbered()).await;
    assert_eq!(answer.code(), Code::Ok);
    assert_eq!(answer.headers["x-kabao-request-id"], "order-17");

    let upstream = expecting(|id, number| {
        assert_eq!((id, number), ("order-17", "100002322019090134234sfdf"));
    });
    let answer = call_journalled(upstream, Some("order-17"), UPDATE, &update()).await;
    assert_eq!(answer.headers["x-kabao-request-id"], "order-17");
}

#[tokio::test]
async fn a_change_without_key_and_number_gets_both_from_the_gateway() {
    let upstream = expecting(|id, number| assert_eq!(id, number));
    let answer = call_journalled(upstream, None, UPDATE, &unnumbered()).await;
    assert_eq!(answer.code(), Code::Ok);
    assert_eq!(answer.headers["x-kabao-request-id"].len(), 32);

    // Nobody remembers, so nobody makes a number that nobody could ask for.
    let mut upstream = MockUpstream::new();
    upstream
        .expect_execute()
        .once()
        .returning(|context, request| {
            assert_eq!(context.request_id, None);
            let violations = request.violations().into_iter().map(FieldViolation::from);
            Err(Error::field_invalid(violations))
        });
    let answer = call(upstream, UPDATE, &unnumbered()).await;
    assert_eq!(answer.reason(), "FIELD_INVALID");
    assert!(!answer.headers.contains_key("x-kabao-request-id"));
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_with_all_else() {
    let answer = call_journalled(MockUpstream::new(), Some("a b"), UPDATE, &update()).await;
    assert_eq!(answer.reason(), "REQUEST_ID_INVALID");
    let operation = answer.metadata("operation");
    assert_eq!(operation.as_deref(), Some("merchant.user_cards.update"));
    let details = answer.status().get_details_bad_request().unwrap();
    assert_eq!(details.field_violations[0].field, "idempotency-key");

    // What cannot be read is told too, and a number that the gateway would have filled in is not missed.
    let request = merchant::UpdateUserCardRequest {
        extra: [("moon".to_owned(), "{".to_owned())].into(),
        ..unnumbered()
    };
    for (key, rest) in [(Some("a b"), &["idempotency-key"][..]), (None, &[])] {
        let answer = call_journalled(MockUpstream::new(), key, UPDATE, &request).await;
        assert_eq!(answer.reason(), "FIELD_INVALID");
        let details = answer.status().get_details_bad_request().unwrap();
        let fields = details.field_violations.iter();
        let fields: Vec<_> = fields.map(|violation| &*violation.field).collect();
        assert!(fields[0].starts_with("extra"), "{fields:?}");
        let others: Vec<_> = fields
            .into_iter()
            .filter(|field| !field.starts_with("extra"))
            .collect();
        let expected: Vec<_> = match key {
            // Without a good id there is none to fill in.
            Some(_) => ["out_request_no"].iter().chain(rest).copied().collect(),
            None => rest.to_vec(),
        };
        assert_eq!(others, expected);
    }
}

#[tokio::test]
async fn a_read_looks_at_no_key() {
    let mut upstream = MockUpstream::new();
    upstream.expect_execute().once().returning(|context, _| {
        assert_eq!(context.request_id, None);
        Ok(Box::new(UserCard::default()))
    });
    let answer = call_journalled(upstream, Some("a b"), GET, &get()).await;
    assert_eq!(answer.code(), Code::Ok);
    assert!(!answer.headers.contains_key("x-kabao-request-id"));
}

#[tokio::test]
async fn an_upload_is_a_change_too() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and the rest";
    let chunk = merchant::UploadImageRequest {
        account: "accounts/demo".to_owned(),
        filename: "logo.png".to_owned(),
        content: PNG.into(),
    };
    let mut upstream = MockUpstream::new();
    upstream.expect_execute().once().returning(|context, _| {
        assert_eq!(context.request_id, Some("logo-1".parse().unwrap()));
        Err(Error::new(Reason::OutcomeUnknown, "no verified answer"))
    });
    let answer = call_journalled(upstream, Some("logo-1"), UPLOAD, &chunk).await;
    assert_eq!(answer.reason(), "OUTCOME_UNKNOWN");
    assert_eq!(answer.headers["x-kabao-request-id"], "logo-1");
    let answer = call_journalled(MockUpstream::new(), Some("a b"), UPLOAD, &chunk).await;
    assert_eq!(answer.reason(), "REQUEST_ID_INVALID");
}

#[tokio::test]
async fn an_id_that_was_used_is_named_as_the_caller_gave_it() {
    let mut upstream = MockUpstream::new();
    upstream.expect_execute().returning(|_, _| {
        let violation = FieldViolation::new("request_id", "was used for another change before");
        Err(Error::violated(Reason::RequestIdReused, [violation]))
    });
    let answer = call_journalled(upstream, Some("order-1"), UPDATE, &update()).await;
    let details = answer.status().get_details_bad_request().unwrap();
    assert_eq!(details.field_violations[0].field, "idempotency-key");
    assert!(
        answer
            .status()
            .message()
            .starts_with("idempotency-key was used")
    );
}
