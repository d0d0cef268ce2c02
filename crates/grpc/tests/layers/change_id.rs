#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes};
use kabao_api::{Account, Adjustment, Error, MockChangeApi, MockMemberApi, Reason, RequestId};
use kabao_proto::kabao::v1 as proto;
use prost::Message;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{Answer, NAME, Running, account, builder, frame, get_member, serving, start};

const HEADER: &str = "x-kabao-request-id";
const KEY: &str = "idempotency-key";
const UPDATE: &str = "/kabao.v1.MemberService/UpdateMember";
const ADJUST: &str = "/kabao.v1.MemberService/AdjustPoints";
const BATCH: &str = "/kabao.v1.MemberService/BatchAdjustPoints";

/// The ids that changes came with, as the account saw them.
type Seen = Arc<Mutex<Vec<Option<RequestId>>>>;

fn remembering(seen: &Seen) -> MockMemberApi {
    let mut members = MockMemberApi::new();
    let seen = Arc::clone(seen);
    members.expect_adjust_points().returning(move |_, adjust| {
        seen.lock().unwrap().push(adjust.request_id);
        Ok(Adjustment::new(Some(0), 10))
    });
    members
}

/// A journal that makes ids.
fn journal() -> MockChangeApi {
    let mut journal = MockChangeApi::new();
    let mut made = 0;
    journal
        .expect_begin_batch()
        .returning(|context, _, _| Ok(context.clone()));
    journal.expect_is_reused().returning(|_, _| Ok(false));
    journal.expect_first_known().returning(|_| Ok(None));
    journal.expect_new_request_id().returning(move || {
        made += 1;
        RequestId::new(format!("{made:032x}")).ok()
    });
    journal
}

fn journalled(members: MockMemberApi) -> Account {
    Account {
        changes: Some(Arc::new(journal())),
        ..account(members)
    }
}

fn adjust(request_id: &str) -> proto::AdjustPointsRequest {
    proto::AdjustPointsRequest {
        name: NAME.to_owned(),
        change: Some(proto::adjust_points_request::Change::Add(10)),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

async fn call(running: &Running, path: &str, keys: &[&str], message: &impl Message) -> Answer {
    let request = running.request(path);
    let request = keys
        .iter()
        .fold(request, |request, key| request.header(KEY, *key));
    running.send(request, frame(&message.encode_to_vec())).await
}

fn told(answer: &Answer) -> Option<&str> {
    Some(answer.headers.get(HEADER)?.to_str().unwrap())
}

#[tokio::test]
async fn the_callers_id_is_that_of_the_change_and_comes_back() {
    let seen = Seen::default();
    let running = start(serving(journalled(remembering(&seen)))).await;
    let uuid = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
    let rows: [(&str, &[&str], &str); 4] = [
        ("order-1", &[], "order-1"),
        ("", &["order-2"], "order-2"),
        ("order-3", &["order-3"], "order-3"),
        (uuid, &[], "7c9e6679742540de944be07fc1f90ae7"),
    ];
    for (field, keys, id) in rows {
        let answer = call(&running, ADJUST, keys, &adjust(field)).await;
        assert_eq!((answer.code(), told(&answer)), (Code::Ok, Some(id)));
        assert_eq!(seen.lock().unwrap().pop(), Some(Some(id.parse().unwrap())));
    }
}

#[tokio::test]
async fn a_change_without_an_id_gets_one_if_it_is_remembered() {
    let seen = Seen::default();
    let running = start(serving(journalled(remembering(&seen)))).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = call(&running, ADJUST, &[], &adjust("")).await;
        let id: RequestId = told(&answer).unwrap().parse().unwrap();
        assert!(!ids.contains(&Some(id.clone())));
        ids.push(Some(id));
    }
    assert_eq!(*seen.lock().unwrap(), ids);

    let seen = Seen::default();
    let running = start(serving(account(remembering(&seen)))).await;
    let answer = call(&running, ADJUST, &[], &adjust("")).await;
    assert_eq!((answer.code(), told(&answer)), (Code::Ok, None));
    let answer = call(&running, ADJUST, &["order-1"], &adjust("")).await;
    assert_eq!(told(&answer), Some("order-1"));
    let given = Some("order-1".parse().unwrap());
    assert_eq!(*seen.lock().unwrap(), [None, given]);
}

#[tokio::test]
async fn ids_that_are_none_or_two_are_refused_with_all_else_and_nothing_is_sent() {
    let running = start(serving(journalled(MockMemberApi::new()))).await;
    let rows: [(&str, &[&str], &[&str]); 5] = [
        ("a b", &[], &["request_id"]),
        ("", &["a b"], &[KEY]),
        ("", &["order-1", "order-2"], &[KEY]),
        ("a b", &["a b"], &["request_id", KEY]),
        ("order-1", &["order-2"], &["request_id", KEY]),
    ];
    for (field, keys, fields) in rows {
        let request = proto::AdjustPointsRequest {
            name: String::new(),
            ..adjust(field)
        };
        let answer = call(&running, ADJUST, keys, &request).await;
        assert_eq!(answer.code(), Code::InvalidArgument);
        let details = answer.status().get_details_bad_request().unwrap();
        let found: Vec<_> = details.field_violations.iter().map(|v| &*v.field).collect();
        assert_eq!(found[0], "name", "{field} {keys:?}");
        assert_eq!(found[1..], *fields, "{field} {keys:?}");
        let answer = call(&running, ADJUST, keys, &adjust(field)).await;
        assert_eq!(answer.reason(), "REQUEST_ID_INVALID");
    }
}

#[tokio::test]
async fn failures_tell_the_id_too_whoever_makes_them() {
    let mut members = MockMemberApi::new();
    members
        .expect_adjust_points()
        .returning(|_, _| Err(Error::new(Reason::OutcomeUnknown, "no verified answer")));
    let running = start(serving(journalled(members))).await;
    let answer = call(&running, ADJUST, &[], &adjust("")).await;
    assert_eq!(answer.reason(), "OUTCOME_UNKNOWN");
    let id = told(&answer).unwrap();
    assert_eq!(id.len(), 32, "{id}");
    // What is found before the account: the caller's own id is all there is to tell.
    let request = proto::AdjustPointsRequest {
        name: String::new(),
        ..adjust("order-1")
    };
    let answer = call(&running, ADJUST, &[], &request).await;
    assert_eq!(answer.reason(), "NAME_INVALID");
    assert_eq!(told(&answer), Some("order-1"));

    let update = proto::UpdateMemberRequest {
        member: Some(proto::Member {
            name: NAME.to_owned(),
            level: "Gold".to_owned(),
            ..Default::default()
        }),
        request_id: "order-2".to_owned(),
        ..Default::default()
    };
    let stuck = builder(|_| Box::pin(std::future::pending()));
    let stuck = stuck.default_deadline(Duration::from_millis(50));
    let panics = builder(|_| panic!("a bug"));
    for (server, reason) in [(stuck, "DEADLINE_EXCEEDED"), (panics, "PANIC")] {
        let running = start(server).await;
        let answer = call(&running, UPDATE, &[], &update).await;
        assert_eq!(answer.reason(), reason);
        assert_eq!(told(&answer), Some("order-2"), "{reason}");
    }
}

#[tokio::test]
async fn a_read_needs_no_id_and_looks_at_none() {
    let mut members = MockMemberApi::new();
    members.expect_get_member().returning(|context, get| {
        assert_eq!(context.request_id, None);
        Ok(kabao_api::Member::new(
            get.name,
            kabao_api::MemberState::Active,
        ))
    });
    let mut journal = MockChangeApi::new();
    journal.expect_is_changing().return_const(false);
    let account = Account {
        changes: Some(Arc::new(journal)),
        ..account(members)
    };
    let running = start(serving(account)).await;
    for key in ["order-1", "a b"] {
        let request = running.request(crate::support::GET_MEMBER).header(KEY, key);
        let answer = running.send(request, get_member()).await;
        assert_eq!((answer.code(), told(&answer)), (Code::Ok, None));
    }
}

#[tokio::test]
async fn a_batch_tells_its_own_id_and_that_of_each_item() {
    let seen = Seen::default();
    let running = start(serving(journalled(remembering(&seen)))).await;
    let batch: RequestId = "batch-1".parse().unwrap();
    let request = proto::BatchAdjustPointsRequest {
        parent: "accounts/demo".to_owned(),
        items: vec![adjust(""), adjust("")],
        ..Default::default()
    };
    for (field, keys) in [("batch-1", &[][..]), ("", &["batch-1"])] {
        let request = proto::BatchAdjustPointsRequest {
            request_id: field.to_owned(),
            ..request.clone()
        };
        let answer = call(&running, BATCH, keys, &request).await;
        assert_eq!((answer.code(), told(&answer)), (Code::Ok, Some("batch-1")));
        let ids: Vec<_> = seen.lock().unwrap().drain(..).flatten().collect();
        assert_eq!(ids, [batch.item(0), batch.item(1)]);
        let ids = ids.into_iter().map(RequestId::into_string);
        let expected: Vec<_> = (0..).zip(ids).collect();
        assert_eq!(results(answer.body), expected);
    }
    let answer = call(&running, BATCH, &[], &request).await;
    assert_eq!(answer.reason(), "REQUEST_ID_INVALID");
}

/// The place and the id of each result of a stream.
fn results(mut body: Bytes) -> Vec<(i32, String)> {
    let mut found = Vec::new();
    while !body.is_empty() {
        assert_eq!(body.get_u8(), 0, "nothing is compressed");
        let length = body.get_u32();
        let message = body.split_to(usize::try_from(length).unwrap());
        let result = proto::BatchAdjustPointsResponse::decode(message).unwrap();
        found.push((result.index, result.request_id));
    }
    found
}
