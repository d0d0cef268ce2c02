//! A change happens once: batches that go on where they stopped, one id from many callers, an operator's word.

use kabao_proto::kabao::officialaccount::v1::ModifyCardStockRequest;
use kabao_proto::kabao::officialaccount::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::batch_adjust_points_response::Result as Item;
use kabao_proto::kabao::v1::change::State;
use kabao_proto::kabao::v1::change_service_client::ChangeServiceClient;
use kabao_proto::kabao::v1::resolve_change_request::Outcome;
use kabao_proto::kabao::v1::{
    AdjustPointsRequest, AdjustPointsResponse, BatchAdjustPointsRequest, BatchAdjustPointsResponse,
    GetChangeRequest, ListChangesRequest, Member, ResolveChangeRequest, WatchChangeRequest,
};
use serde_json::{Value, json};
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::canaries;
use crate::demo::{BRAND, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::world::{PATIENCE, World};

/// Members of the families that can add, with the operation that does it.
const ADDING: [(&Demo, &str); 2] = [
    (&MERCHANT, "merchant.user_card_rights.update"),
    (&OFFICIAL_ACCOUNT, "official_account.member.update_user"),
];

fn changes(world: &World) -> ChangeServiceClient<Channel> {
    ChangeServiceClient::new(world.channel())
}

fn name(demo: &Demo, id: &str) -> String {
    format!("{}/changes/{id}", demo.account())
}

fn inject(world: &World, operation: &str, times: u32, fault: Value) {
    world.inject(operation, times, serde_json::from_value(fault).unwrap());
}

fn add(demo: &Demo, points: i64, request_id: &str) -> AdjustPointsRequest {
    AdjustPointsRequest {
        name: demo.member(),
        change: Some(Change::Add(points)),
        request_id: request_id.to_owned(),
        ..AdjustPointsRequest::default()
    }
}

/// Twenty additions to one member, one point more each.
fn batch(demo: &Demo) -> BatchAdjustPointsRequest {
    BatchAdjustPointsRequest {
        parent: demo.account(),
        request_id: "batch-1".to_owned(),
        items: (1..=20).map(|points| add(demo, points, "")).collect(),
        ..BatchAdjustPointsRequest::default()
    }
}

fn adjusted(result: BatchAdjustPointsResponse) -> (i32, AdjustPointsResponse) {
    match result.result {
        Some(Item::Adjustment(adjustment)) => (result.index, adjustment),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_batch_that_was_broken_off_goes_on_where_it_stopped() {
    for (demo, operation) in ADDING {
        let world = World::start().await;
        let before = world.get_member(demo).await.unwrap().into_inner().points;
        let mut results = world
            .members()
            .batch_adjust_points(batch(demo))
            .await
            .unwrap()
            .into_inner();
        let mut first = Vec::new();
        while first.len() < 3 {
            first.push(adjusted(results.message().await.unwrap().unwrap()));
        }
        // The caller goes away in the middle; what was sent runs to its end, and nothing begins any more.
        drop(results);

        let mut results = world
            .members()
            .batch_adjust_points(batch(demo))
            .await
            .unwrap()
            .into_inner();
        let mut all = Vec::new();
        while let Some(result) = results.message().await.unwrap() {
            all.push(adjusted(result));
        }
        assert_eq!(all.len(), 20);
        assert_eq!(all.get(..3).unwrap(), first, "what was done has its answer");
        let mut points = before;
        for (index, adjustment) in all {
            assert_eq!(adjustment.before, points, "{operation}");
            points = Some(adjustment.after);
            assert_eq!(
                points,
                before.map(|before| before + i64::from((1..=index + 1).sum::<i32>()))
            );
        }
        assert_eq!(world.effects_of(operation).len(), 20, "{operation}");
        let read = world.get_member(demo).await.unwrap().into_inner();
        assert_eq!(read.points, points);
    }
}

/// What was refused before anything was sent is not remembered, so its place is free for the item behind it.
#[tokio::test]
async fn a_batch_without_the_item_that_failed_is_another_batch() {
    for (demo, operation) in ADDING {
        let world = World::start().await;
        let call = async |items| {
            let batch = BatchAdjustPointsRequest {
                items,
                ..batch(demo)
            };
            world.members().batch_adjust_points(batch).await
        };
        let far_too_many = add(demo, -1_000_000, "");
        let list = vec![far_too_many, add(demo, 10, "")];
        let mut results = call(list).await.unwrap().into_inner();
        let mut done = Vec::new();
        while let Some(result) = results.message().await.unwrap() {
            done.extend(matches!(result.result, Some(Item::Adjustment(_))).then_some(result.index));
        }
        assert_eq!(done, [1], "{operation}");
        let answer = call(vec![add(demo, 10, "")]).await;
        let refusal = refused(Code::InvalidArgument, "REQUEST_ID_REUSED");
        refusal.fields(&["items"]).check(answer);
        assert_eq!(world.effects_of(operation).len(), 1, "{operation}");
    }
}

/// None of them is remembered when the second list arrives: the first one still reads what to add to.
#[tokio::test]
async fn two_lists_under_one_id_at_once_are_not_both_carried_out() {
    let world = World::start().await;
    let before = world.get_member(&OFFICIAL_ACCOUNT).await.unwrap();
    let call = |points: &[i64]| {
        let items = points
            .iter()
            .map(|points| add(&OFFICIAL_ACCOUNT, *points, ""));
        let batch = BatchAdjustPointsRequest {
            items: items.collect(),
            ..batch(&OFFICIAL_ACCOUNT)
        };
        let mut members = world.members();
        async move {
            let mut results = members.batch_adjust_points(batch).await?.into_inner();
            let mut all = Vec::new();
            while let Some(result) = results.message().await? {
                all.push(adjusted(result));
            }
            Ok::<_, Status>(Response::new(all))
        }
    };
    let read = "official_account.member.userinfo_get";
    inject(
        &world,
        read,
        1,
        json!({"kind": "delay", "milliseconds": 500}),
    );
    let first = tokio::spawn(call(&[10, 20]));
    let is_reading = world
        .sandbox()
        .wait_until(|sandbox| sandbox.faults().is_empty());
    timeout(PATIENCE, is_reading).await.unwrap();
    // The same list goes along; one that has another item before them does not.
    let same = tokio::spawn(call(&[10, 20]));
    let refusal = refused(Code::InvalidArgument, "REQUEST_ID_REUSED");
    refusal
        .fields(&["items[0]"])
        .check(call(&[5, 10, 20]).await);
    let done = first.await.unwrap().unwrap().into_inner();
    assert_eq!(same.await.unwrap().unwrap().into_inner(), done);
    let effects = world.effects_of("official_account.member.update_user");
    assert_eq!((done.len(), effects.len()), (2, 2));
    let after = world.get_member(&OFFICIAL_ACCOUNT).await.unwrap();
    let points = |member: Response<Member>| member.into_inner().points.unwrap();
    assert_eq!(points(after), points(before) + 30);
    // One that goes on behind them is a list that has them.
    assert_eq!(call(&[10, 20, 30]).await.unwrap().into_inner().len(), 3);
}

#[tokio::test]
async fn one_id_from_many_callers_at_once_has_one_effect_and_one_answer() {
    for (demo, operation) in ADDING {
        let world = World::start().await;
        let calls = (0..1000).map(|_| {
            let mut members = world.members();
            tokio::spawn(async move { members.adjust_points(add(demo, 10, "once")).await })
        });
        let mut answers = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            answers.push(call.await.unwrap().unwrap().into_inner());
        }
        assert!(
            answers
                .iter()
                .all(|answer| answer == answers.first().unwrap())
        );
        assert_eq!(world.effects_of(operation).len(), 1, "{operation}");
    }
}

#[tokio::test]
async fn a_repeat_asks_nobody() {
    for (demo, operation) in ADDING {
        let world = World::start().await;
        let first = world.members().adjust_points(add(demo, 10, "a")).await;
        let first = first.unwrap();
        assert_eq!(first.metadata().get("x-kabao-request-id").unwrap(), "a");
        let reached = world.sandbox().requests(&Default::default()).len();
        let again = world.members().adjust_points(add(demo, 10, "a")).await;
        assert_eq!(again.unwrap().into_inner(), first.into_inner());
        let now = world.sandbox().requests(&Default::default()).len();
        assert_eq!(now, reached, "{operation}");
    }
}

/// More stock twice is more than once, WeChat has no number for it, and no value says which it was.
#[tokio::test]
async fn what_wechat_cannot_tell_is_for_an_operator() {
    for (outcome, state) in [
        (Outcome::Applied, State::Applied),
        (Outcome::NotApplied, State::Rejected),
    ] {
        let world = World::start().await;
        let operation = "official_account.card.modify_stock";
        inject(
            &world,
            operation,
            10,
            json!({"kind": "drop_connection", "applied": true}),
        );
        let call = || {
            let mut request = Request::new(ModifyCardStockRequest {
                account: OFFICIAL_ACCOUNT.account(),
                card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
                increase_stock_value: Some(3),
                ..ModifyCardStockRequest::default()
            });
            let key = "stock-1".parse().unwrap();
            request.metadata_mut().insert("idempotency-key", key);
            let mut cards = CardServiceClient::new(world.channel());
            async move { Box::pin(cards.modify_card_stock(request)).await }
        };
        let unknown = || refused(Code::Unknown, "OUTCOME_UNKNOWN").may_have_executed();
        unknown().check(call().await);
        world.clear_faults().await;
        // However often it is repeated, nothing is sent again.
        unknown().check(call().await);
        assert_eq!(world.requests_of(operation), 1);

        let name = name(&OFFICIAL_ACCOUNT, "stock-1");
        let get = GetChangeRequest { name: name.clone() };
        let change = changes(&world).get_change(get).await.unwrap().into_inner();
        assert_eq!(
            (change.state(), change.needs_decision),
            (State::Unknown, true)
        );
        assert_eq!(change.operation, operation);
        let watch = WatchChangeRequest { name: name.clone() };
        let mut watch = changes(&world)
            .watch_change(watch)
            .await
            .unwrap()
            .into_inner();
        let seen = watch.message().await.unwrap().unwrap();
        assert_eq!(seen.state(), State::Unknown);

        let resolve = ResolveChangeRequest {
            name: name.clone(),
            outcome: outcome.into(),
            note: "counted in WeChat's console".to_owned(),
        };
        canaries::note_text("value", &resolve.note);
        let resolved = changes(&world).resolve_change(resolve.clone()).await;
        assert_eq!(resolved.unwrap().into_inner().state(), state);
        refused(Code::FailedPrecondition, "CHANGE_ENDED")
            .check(changes(&world).resolve_change(resolve).await);
        // Whoever watches hears of it, and that it was the end.
        assert_eq!(watch.message().await.unwrap().unwrap().state(), state);
        assert_eq!(watch.message().await.unwrap(), None);

        let answer = call().await;
        match outcome {
            Outcome::Applied => assert_eq!(answer.unwrap().into_inner().extra.len(), 0),
            _ => {
                refused(Code::FailedPrecondition, "UPSTREAM_REFUSED").check(answer);
            }
        }
        assert_eq!(world.requests_of(operation), 1);
        let list = ListChangesRequest {
            parent: OFFICIAL_ACCOUNT.account(),
            states: vec![state.into()],
            ..ListChangesRequest::default()
        };
        let list = changes(&world)
            .list_changes(list)
            .await
            .unwrap()
            .into_inner();
        let names: Vec<_> = list.changes.iter().map(|change| &change.name).collect();
        assert_eq!(names, [&name]);
    }
}

#[tokio::test]
async fn a_later_change_of_the_member_waits_for_the_end_of_the_earlier() {
    let world = World::start().await;
    let operation = "merchant.user_card_rights.update";
    inject(
        &world,
        operation,
        100,
        // It says nothing against the host, so no breaker opens however often the end is sought meanwhile.
        json!({"kind": "status", "status": 200, "body": "nonsense", "applied": true, "signed": true}),
    );
    let first = world
        .members()
        .adjust_points(add(&MERCHANT, 5, "first"))
        .await;
    refused(Code::Unknown, "OUTCOME_UNKNOWN")
        .may_have_executed()
        .check(first);
    let second = || world.members();
    refused(Code::Aborted, "EARLIER_CHANGE_OPEN")
        .check(second().adjust_points(add(&MERCHANT, 7, "second")).await);
    let read = world.get_member(&MERCHANT).await.unwrap().into_inner();
    assert!(read.change_in_progress);
    world.clear_faults().await;
    let done = second().adjust_points(add(&MERCHANT, 7, "second")).await;
    let done = done.unwrap().into_inner();
    assert_eq!((done.before, done.after), (Some(605), 612));
    let get = GetChangeRequest {
        name: name(&MERCHANT, "first"),
    };
    let change = changes(&world).get_change(get).await.unwrap().into_inner();
    assert_eq!(change.state(), State::Applied);
    assert_eq!(world.effects_of(operation).len(), 2);
}

/// The brand family has absolute points only, and its own number for them.
#[tokio::test]
async fn an_absolute_value_is_written_once_too() {
    let world = World::start().await;
    let set = || AdjustPointsRequest {
        openid: BRAND.openid.to_owned(),
        change: Some(Change::SetTo(75)),
        ..add(&BRAND, 0, "set-1")
    };
    for _ in 0..2 {
        let done = world
            .members()
            .adjust_points(set())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(done.after, 75);
    }
    assert_eq!(world.effects_of("brand.user_points.sync").len(), 1);
}
