//! `BatchAdjustPoints`, `BatchUpdateMembers` and `BatchImportMembers`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use kabao_api::{
    Adjustment, Change, Entry, Error, Member, MemberState, Method, MockChangeApi, MockMemberApi,
    PlannedValue, Reason, RequestId,
};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::batch_adjust_points_response::Result as Outcome;
use kabao_proto::kabao::v1::member_service_server::MemberService;
use mockall::Sequence;
use prost::Message;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::super::request;
use super::slow::Slow;
use super::{journalled, service};
use crate::MemberGrpc;
use crate::idempotency::Idempotency;
use crate::portable::testing::{admitted, refusal};

const PARENT: &str = "accounts/demo-brand";

fn name(code: usize) -> String {
    format!("{PARENT}/templates/t/members/{code}")
}

fn add(code: usize, points: i64) -> proto::AdjustPointsRequest {
    proto::AdjustPointsRequest {
        name: name(code),
        change: Some(proto::adjust_points_request::Change::Add(points)),
        ..Default::default()
    }
}

fn batch(items: Vec<proto::AdjustPointsRequest>) -> proto::BatchAdjustPointsRequest {
    proto::BatchAdjustPointsRequest {
        parent: PARENT.to_owned(),
        request_id: "batch-1".to_owned(),
        items,
        parallelism: 0,
    }
}

fn numbered(id: &str, item: proto::AdjustPointsRequest) -> proto::AdjustPointsRequest {
    proto::AdjustPointsRequest {
        request_id: id.to_owned(),
        ..item
    }
}

async fn run(
    service: &MemberGrpc,
    request: proto::BatchAdjustPointsRequest,
) -> Vec<proto::BatchAdjustPointsResponse> {
    let answers = service.batch_adjust_points(admitted(request)).await;
    let answers = answers.unwrap().into_inner();
    answers.map(|answer| answer.unwrap()).collect().await
}

async fn refused(request: proto::BatchAdjustPointsRequest) -> Status {
    let service = service(MockMemberApi::new());
    let Err(status) = service.batch_adjust_points(admitted(request)).await else {
        panic!("the batch begins")
    };
    status
}

fn reason(error: &tonic_types::Status) -> String {
    let code = Code::from(error.code);
    let details = error.encode_to_vec().into();
    refusal(&Status::with_details(code, "", details)).0
}

#[tokio::test(start_paused = true)]
async fn each_item_is_the_single_call_under_an_id_of_its_own() {
    let seen = Arc::new(Mutex::new(HashMap::new()));
    let ids = Arc::clone(&seen);
    let slow = Slow::scripted(move |adjust| {
        let Change::Add(points) = adjust.change else {
            panic!("{adjust:?}")
        };
        ids.lock()
            .unwrap()
            .insert(points, adjust.request_id.unwrap());
        match points {
            7 => Err(Error::new(Reason::MemberNotFound, "no such member")),
            points => Ok(Adjustment::new(Some(100), 100 + points)),
        }
    });
    let items = (0..100).map(|item| add(item, i64::try_from(item).unwrap()));
    let mut results = run(&slow.service(), batch(items.collect())).await;
    results.sort_by_key(|result| result.index);
    let id: RequestId = "batch-1".parse().unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(results.len(), 100);
    for (place, result) in (0..).zip(results) {
        assert_eq!(result.index, place);
        assert_eq!(result.request_id, id.item(place.unsigned_abs()).as_str());
        assert_eq!(result.request_id, seen[&i64::from(place)].as_str());
        match result.result.unwrap() {
            Outcome::Adjustment(done) => {
                let after = 100 + i64::from(place);
                assert_eq!((done.before, done.after), (Some(100), after));
            }
            Outcome::Error(error) => {
                assert_eq!((place, &*reason(&error)), (7, "MEMBER_NOT_FOUND"));
            }
        }
    }
    assert_eq!((slow.most(), slow.begun()), (8, 100));
}

#[tokio::test(start_paused = true)]
async fn as_many_run_at_once_as_the_caller_says_and_those_of_a_member_in_their_order() {
    for (parallelism, most) in [(1, 1), (3, 3), (64, 40)] {
        let seen = Arc::new(Mutex::new(HashMap::<String, Vec<i64>>::new()));
        let order = Arc::clone(&seen);
        let slow = Slow::scripted(move |adjust| {
            let Change::Add(points) = adjust.change else {
                panic!("{adjust:?}")
            };
            let mut order = order.lock().unwrap();
            let member = order.entry(adjust.name.resource_name()).or_default();
            member.push(points);
            Ok(Adjustment::new(None, points))
        });
        // Forty members, five times each.
        let items = (0..200).map(|item| add(item % 40, i64::try_from(item).unwrap()));
        let request = proto::BatchAdjustPointsRequest {
            parallelism,
            ..batch(items.collect())
        };
        assert_eq!(run(&slow.service(), request).await.len(), 200);
        assert_eq!(slow.most(), most, "{parallelism}");
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 40);
        for order in seen.values() {
            assert!(order.is_sorted(), "{order:?}");
            assert_eq!(order.len(), 5);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_keeps_an_id_of_its_own_and_the_others_get_that_of_their_place() {
    let slow = Slow::scripted(|adjust| {
        let id = adjust.request_id.unwrap();
        let Change::Add(points) = adjust.change else {
            panic!("only additions")
        };
        let batch: RequestId = "batch-1".parse().unwrap();
        let expected = match points {
            1 => "order-1".parse().unwrap(),
            2 => "7c9e6679742540de944be07fc1f90ae7".parse().unwrap(),
            place => batch.item(u32::try_from(place).unwrap()),
        };
        assert_eq!(id, expected);
        Ok(Adjustment::new(Some(0), points))
    });
    let items = vec![
        add(0, 0),
        numbered("order-1", add(1, 1)),
        numbered("7c9e6679-7425-40de-944b-e07fc1f90ae7", add(2, 2)),
        add(3, 3),
    ];
    let mut results = run(&slow.service(), batch(items)).await;
    results.sort_by_key(|result| result.index);
    let ids: Vec<_> = results
        .iter()
        .map(|result| {
            let result_of = result.result.as_ref().unwrap();
            assert!(matches!(result_of, Outcome::Adjustment(_)), "{result:?}");
            result.request_id.as_str()
        })
        .collect();
    let batch: RequestId = "batch-1".parse().unwrap();
    let (first, last) = (batch.item(0), batch.item(3));
    let own = ["order-1", "7c9e6679742540de944be07fc1f90ae7"];
    assert_eq!(ids, [first.as_str(), own[0], own[1], last.as_str()]);
}

#[tokio::test]
async fn everything_wrong_with_all_items_is_told_before_anything_is_sent() {
    let mut foreign = add(4, 1);
    foreign.name = name(4).replace("demo-brand", "other");
    let request = proto::BatchAdjustPointsRequest {
        parallelism: 65,
        ..batch(vec![
            add(0, 1),
            proto::AdjustPointsRequest::default(),
            numbered("order-1", add(2, 1)),
            numbered("order-1", add(3, 1)),
            foreign,
            numbered("no id", add(5, 1)),
        ])
    };
    let status = refused(request).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        refusal(&status).1,
        [
            "parallelism",
            "items[1].name",
            "items[1].change",
            "items[3].request_id",
            "items[4].name",
            "items[5].request_id",
        ]
    );
}

#[tokio::test]
async fn a_batch_has_a_parent_an_id_and_one_to_ten_thousand_items() {
    let status = refused(proto::BatchAdjustPointsRequest::default()).await;
    let (reason, fields) = refusal(&status);
    assert_eq!(reason, "NAME_INVALID");
    assert_eq!(fields, ["parent", "request_id", "items"]);
    let status = refused(batch(vec![add(0, 1); 10_001])).await;
    assert_eq!(refusal(&status).1, ["items"]);
    let status = refused(proto::BatchAdjustPointsRequest {
        parallelism: -1,
        parent: "accounts/nobody".to_owned(),
        ..batch(vec![add(0, 1)])
    });
    assert_eq!(refusal(&status.await).1, ["parallelism", "items[0].name"]);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_items_run() {
    let slow = Slow::scripted(|_| Ok(Adjustment::new(None, 1)));
    let request = batch((0..10_000).map(|item| add(item, 1)).collect());
    assert!(request.encoded_len() < 4 << 20);
    let results = run(&slow.service(), request).await;
    let mut places: Vec<_> = results.iter().map(|result| result.index).collect();
    places.sort_unstable();
    assert!(places.into_iter().eq(0..10_000));
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_way_of_an_item_is_waited_for() {
    let second = Duration::from_secs(1);
    let rows = [
        (
            Error::new(Reason::Overloaded, "full").with_retry_after(2 * second),
            Some(2 * second),
        ),
        (
            Error::new(Reason::UpstreamRateLimited, "too fast").mark_retryable(),
            Some(second / 2),
        ),
        (Error::new(Reason::InProgress, "it runs"), Some(second / 2)),
        // The quota of a day, and what does not pass.
        (
            Error::new(Reason::UpstreamRateLimited, "too many").mark_not_retryable(),
            None,
        ),
        (Error::new(Reason::EarlierChangeOpen, "another one"), None),
        (Error::new(Reason::OutcomeUnknown, "no answer"), None),
    ];
    for (error, wait) in rows {
        let expected = error.reason();
        let errors = Mutex::new(vec![error]);
        let slow = Slow::scripted(move |_| match errors.lock().unwrap().pop() {
            Some(error) => Err(error),
            None => Ok(Adjustment::new(None, 1)),
        });
        let begun = Instant::now();
        let result = run(&slow.service(), batch(vec![add(0, 1)])).await.remove(0);
        match (wait, result.result.unwrap()) {
            (Some(wait), Outcome::Adjustment(_)) => {
                assert_eq!(slow.begun(), 2);
                assert!(begun.elapsed() >= wait, "{expected}: {:?}", begun.elapsed());
                assert!(begun.elapsed() < wait + second / 10, "{expected}");
            }
            (None, Outcome::Error(error)) => {
                assert_eq!(slow.begun(), 1);
                assert_eq!(reason(&error), expected.as_str());
            }
            (_, result) => panic!("{expected}: {result:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_once_the_caller_has_left() {
    let slow = Slow::scripted(|_| Ok(Adjustment::new(None, 1)));
    let request = batch((0..100).map(|item| add(item, 1)).collect());
    let service = slow.service();
    let answers = service.batch_adjust_points(admitted(request)).await;
    let mut answers = answers.unwrap().into_inner();
    assert!(answers.next().await.unwrap().is_ok());
    let begun = slow.begun();
    assert!(begun <= 16, "{begun}");
    drop(answers);
    tokio::time::advance(Duration::from_secs(10)).await;
    tokio::task::yield_now().await;
    assert_eq!(slow.begun(), begun);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_result_of_its_item_alone() {
    let slow = Slow::scripted(|adjust| {
        assert_ne!(adjust.change, Change::Add(1), "a bug");
        Ok(Adjustment::new(None, 1))
    });
    let results = run(
        &slow.service(),
        batch(vec![add(0, 0), add(1, 1), add(2, 2)]),
    )
    .await;
    assert_eq!(results.len(), 3);
    for result in results {
        match (result.index, result.result.unwrap()) {
            (1, Outcome::Error(error)) => assert_eq!(reason(&error), "PANIC"),
            (0 | 2, Outcome::Adjustment(_)) => {}
            (index, other) => panic!("{index}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn updates_and_imports_are_batches_too() {
    let mut members = MockMemberApi::new();
    let id: RequestId = "batch-1".parse().unwrap();
    let ids = [id.item(0), id.item(0)];
    let [update_id, import_id] = ids;
    members
        .expect_update_member()
        .once()
        .returning(move |_, update| {
            assert_eq!(update.request_id.as_ref(), Some(&update_id));
            assert_eq!(update.update.level.as_deref(), Some("Gold"));
            Ok(Member::new(update.name, MemberState::Active))
        });
    members
        .expect_import_member()
        .once()
        .returning(move |_, import| {
            assert_eq!(import.request_id.as_ref(), Some(&import_id));
            Err(Error::new(Reason::AlreadyExists, "it is there"))
        });
    let service = service(members);
    let request = proto::BatchUpdateMembersRequest {
        parent: PARENT.to_owned(),
        request_id: "batch-1".to_owned(),
        items: vec![proto::UpdateMemberRequest {
            member: Some(proto::Member {
                name: name(0),
                level: "Gold".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }],
        parallelism: 0,
    };
    let answers = service.batch_update_members(admitted(request)).await;
    let results: Vec<_> = answers.unwrap().into_inner().collect().await;
    let result = results[0].as_ref().unwrap().result.clone().unwrap();
    let proto::batch_update_members_response::Result::Member(member) = result else {
        panic!("{result:?}")
    };
    assert_eq!((results.len(), member.name), (1, name(0)));

    let import = |user: &str| proto::ImportMemberRequest {
        parent: format!("{PARENT}/templates/t"),
        user: Some(proto::import_member_request::User::Openid(user.to_owned())),
        ..Default::default()
    };
    let request = |user: &str| proto::BatchImportMembersRequest {
        parent: PARENT.to_owned(),
        request_id: "batch-1".to_owned(),
        items: vec![import(user)],
        parallelism: 0,
    };
    let answers = service.batch_import_members(admitted(request("o-1"))).await;
    let results: Vec<_> = answers.unwrap().into_inner().collect().await;
    let result = results[0].as_ref().unwrap().result.clone().unwrap();
    let proto::batch_import_members_response::Result::Error(error) = result else {
        panic!("{result:?}")
    };
    assert_eq!(reason(&error), "ALREADY_EXISTS");
    let answers = service.batch_import_members(admitted(request(""))).await;
    let Err(status) = answers else {
        panic!("nobody is imported")
    };
    assert_eq!(refusal(&status).1, ["items[0].user"]);
}

/// With an item put in, each one gets the id of the one before it, and the last one an id that nobody has used. With one
/// left out that nobody remembers, all behind it may get such ids.
#[tokio::test]
async fn a_list_that_has_changed_is_refused_before_anything_is_sent() {
    // The one between them was refused before anything was sent.
    let before = [(0, add(1, 10)), (2, add(2, 10))].map(|(place, item)| {
        let id: RequestId = "batch-1".parse().unwrap();
        let item = request::adjust_points(item, &Idempotency::default()).unwrap();
        (id.item(place), Method::AdjustPoints.content(&item).unwrap())
    });
    let journal = || {
        let known = HashMap::from(before.clone());
        let mut journal = MockChangeApi::new();
        let ids = before.clone().map(|(id, _)| id);
        let is_other = move |id: &RequestId, content: &[u8]| {
            Ok(known.get(id).is_some_and(|known| *known != content))
        };
        journal.expect_is_reused().returning(is_other);
        let find = move |asked: &[RequestId]| {
            let mut ids = ids.iter();
            Ok(ids.find(|id| asked.contains(id)).cloned())
        };
        journal.expect_first_known().returning(find);
        journal
    };
    let refused = async |items| {
        let service = journalled(MockMemberApi::new(), journal());
        let answer = service.batch_adjust_points(admitted(batch(items))).await;
        answer.err().map(|status| refusal(&status))
    };
    let own = |id, code| numbered(id, add(code, 10));
    for (items, field) in [
        // Put in, changed, left out.
        (
            vec![add(3, 10), add(1, 10), add(9, 10), add(2, 10)],
            "items[0]",
        ),
        (vec![add(1, 10), add(9, 10), add(2, 11)], "items[2]"),
        (vec![add(1, 10), add(2, 10)], "items"),
        (vec![add(1, 10)], "items"),
        // The same under ids of their own, which are new.
        (vec![own("x", 1), add(9, 10), add(2, 10)], "items"),
    ] {
        let (reason, fields) = refused(items).await.unwrap();
        assert_eq!(
            (reason.as_str(), fields),
            ("REQUEST_ID_REUSED", vec![field.to_owned()])
        );
    }
    // The same list, one that goes on, and items with ids of their own.
    for items in [
        vec![add(1, 10), add(9, 10), add(2, 10)],
        vec![add(1, 10), add(8, 10), add(2, 10), add(3, 10)],
        vec![own("x", 3), own("y", 1)],
    ] {
        assert_eq!(refused(items).await, None);
    }
}

/// What is compared before is not known yet of a list that runs.
#[tokio::test]
async fn a_list_has_the_right_to_its_id_before_it_is_compared_and_as_long_as_it_runs() {
    let lists = Arc::new(Mutex::new(Vec::new()));
    let held = Arc::new(AtomicUsize::new(0));
    let service = || {
        let mut journal = MockChangeApi::new();
        let mut order = Sequence::new();
        let (lists, right) = (Arc::clone(&lists), Arc::clone(&held));
        journal
            .expect_begin_batch()
            .once()
            .in_sequence(&mut order)
            .returning(move |context, id, list| {
                assert_eq!(id.as_str(), "batch-1");
                lists.lock().unwrap().push(list.to_vec());
                Ok(context.clone().with_entry(Right::take(&right)))
            });
        journal
            .expect_is_reused()
            .in_sequence(&mut order)
            .returning(|_, _| Ok(false));
        journal.expect_first_known().returning(|_| Ok(None));
        let mut members = MockMemberApi::new();
        members.expect_adjust_points().returning(|context, _| {
            assert!(context.entry().is_some(), "it is the right of the list");
            Ok(Adjustment::new(None, 1))
        });
        journalled(members, journal)
    };
    let own = || numbered("order-1", add(7, 10));
    for items in [
        vec![add(1, 10)],
        vec![add(1, 10), own()],
        vec![add(1, 11)],
        vec![own(), add(1, 10)],
    ] {
        let answers = service().batch_adjust_points(admitted(batch(items))).await;
        let mut answers = answers.unwrap().into_inner();
        assert!(answers.next().await.unwrap().is_ok());
        assert_eq!(held.load(Ordering::Relaxed), 1, "it runs");
        while answers.next().await.is_some() {}
        drop(answers);
        assert_eq!(held.load(Ordering::Relaxed), 0, "it has ended");
    }
    let lists = std::mem::take(&mut *lists.lock().unwrap());
    assert_eq!(lists[0], lists[1], "ids of their own are not of the list");
    assert!(lists[0] != lists[2] && lists[0] != lists[3]);
    // Without any other id there is no right to take.
    let alone = journalled(MockMemberApi::new(), MockChangeApi::new());
    let answers = alone.batch_adjust_points(admitted(batch(vec![own()])));
    assert!(answers.await.is_ok());
}

/// A right of a list, counted as long as somebody has it.
struct Right(Arc<AtomicUsize>);

impl Right {
    fn take(held: &Arc<AtomicUsize>) -> Arc<Self> {
        held.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self(Arc::clone(held)))
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Entry for Right {
    fn planned(&self) -> Option<PlannedValue> {
        None
    }

    fn plan(&self, _: PlannedValue) {}

    fn may_send(&self) -> bool {
        true
    }

    fn may_still_leave(&self) -> bool {
        true
    }
}
