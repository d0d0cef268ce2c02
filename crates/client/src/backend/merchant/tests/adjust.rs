//! Points and stored value.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kabao_api::{AdjustMember, Change, MemberApi, MemberName, Reason};
use serde_json::{Value, json};

use super::{CARD, body, client, name};
use crate::testing::{answering, context, scripted, signed, slow};
use crate::transport::{HttpRequest, HttpResponse, Transport, TransportError};

fn adjust(change: Change) -> AdjustMember {
    AdjustMember::new(name(), change).with_request_id("n-1".parse().unwrap())
}

/// Members whose balances are changed as WeChat changes them: to the value after.
#[derive(Clone, Default)]
struct Balances(Arc<Mutex<HashMap<String, i64>>>);

impl Balances {
    fn of(&self, code: &str) -> i64 {
        self.0.lock().unwrap().get(code).copied().unwrap_or(0)
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let code = request.target.rsplit('/').next().unwrap().to_owned();
        if request.method == "GET" {
            let card = json!({
                "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0", "code": code, "balance": self.of(&code),
            });
            return Ok(signed(200, &card.to_string()));
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let change = &body["balance_information"];
        let (before, after, add) = (
            change["before_balance"].as_i64().unwrap(),
            change["balance"].as_i64().unwrap(),
            change["add_balance"].as_i64().unwrap(),
        );
        assert_eq!(before + add, after);
        assert_eq!(before, self.of(&code), "a change in between was overlooked");
        self.0.lock().unwrap().insert(code, after);
        Ok(signed(204, ""))
    }

    fn transport(&self, delay: Duration) -> Arc<dyn Transport> {
        let balances = self.clone();
        slow(delay, move |request| balances.answer(request))
    }
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_written_with_before_and_after() {
    let (transport, sent) = scripted([Ok(signed(200, CARD)), Ok(signed(204, ""))]);
    let request = adjust(Change::Add(200))
        .with_remark("充值")
        .with_notify(false);
    let done = client(transport)
        .adjust_balance(&context(), request)
        .await
        .unwrap();
    assert_eq!((done.before, done.after), (Some(12_800), 13_000));
    let expected = json!({
        "out_request_no": "n-1", "need_inform_balance": false,
        "balance_information": {
            "before_balance": 12_800, "balance": 13_000, "add_balance": 200, "balance_remark": "充值",
        },
    });
    assert_eq!(body(&sent, 1), expected);
}

#[tokio::test(start_paused = true)]
async fn points_are_set_by_the_rights_of_the_card() {
    let (transport, sent) = scripted([Ok(signed(200, CARD)), Ok(signed(204, ""))]);
    let done = client(transport)
        .adjust_points(&context(), adjust(Change::SetTo(100)))
        .await
        .unwrap();
    assert_eq!((done.before, done.after), (Some(600), 100));
    assert!(sent.lock().unwrap()[1].target.ends_with("/rights"));
    let expected = json!({
        "out_request_no": "n-1",
        "before_bonus_value": 600, "bonus_value": 100, "add_bonus_value": -500,
    });
    assert_eq!(body(&sent, 1), expected);
}

#[tokio::test(start_paused = true)]
async fn what_must_not_happen_is_refused_before_it_is_sent() {
    let (transport, sent) = answering(|_| Ok(signed(200, CARD)));
    let client = client(transport);
    let below = adjust(Change::Add(-12_801)).with_minimum(0);
    let shown = MemberName::new(name().template().clone(), "134567890123456789").unwrap();
    let dynamic = {
        let mut request = adjust(Change::Add(1));
        request.name = shown;
        request
    };
    let rows = [
        (below, Reason::PreconditionFailed),
        (adjust(Change::Add(i64::MAX)), Reason::FieldInvalid),
        (adjust(Change::SetTo(i64::MIN)), Reason::FieldInvalid),
        (dynamic, Reason::FieldInvalid),
    ];
    for (request, reason) in rows {
        let error = client
            .adjust_balance(&context(), request)
            .await
            .unwrap_err();
        assert_eq!((error.reason(), error.may_have_executed()), (reason, false));
    }
    let remark = adjust(Change::Add(1)).with_remark("r");
    let error = client.adjust_points(&context(), remark).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.violations()[0].field.as_str()),
        (Reason::NotSupportedByFamily, "remark")
    );
    assert!(sent.lock().unwrap().iter().all(|sent| sent.method == "GET"));
}

#[tokio::test(start_paused = true)]
async fn a_difference_whose_fate_is_open_is_not_called_repeatable() {
    for (change, retryable) in [(Change::Add(1), false), (Change::SetTo(1), true)] {
        let (transport, _) = answering(|request| match request.method.as_str() {
            "GET" => Ok(signed(200, CARD)),
            _ => Err(TransportError::Timeout),
        });
        let error = client(transport)
            .adjust_balance(&context(), adjust(change))
            .await
            .unwrap_err();
        assert_eq!(
            (error.reason(), error.is_retryable()),
            (Reason::OutcomeUnknown, retryable)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn changes_of_one_member_follow_one_another_and_none_is_lost() {
    let balances = Balances::default();
    let client = client(balances.transport(Duration::from_millis(100)));
    let started = tokio::time::Instant::now();
    let other = MemberName::new(name().template().clone(), "2").unwrap();
    let mut changes = tokio::task::JoinSet::new();
    for index in 0..10 {
        let client = client.clone();
        let name = if index % 2 == 0 {
            name()
        } else {
            other.clone()
        };
        changes.spawn(async move {
            let request = {
                let mut request = adjust(Change::Add(10));
                request.name = name;
                request
            };
            client.adjust_balance(&context(), request).await
        });
    }
    for done in changes.join_all().await {
        done.unwrap();
    }
    assert_eq!(balances.of("478515832665"), 50);
    assert_eq!(balances.of("2"), 50);
    // Five reads and five writes of each, the two members side by side.
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_secs(1) && elapsed < Duration::from_millis(1100));
}

#[tokio::test(start_paused = true)]
async fn a_write_in_flight_holds_the_member_also_when_its_caller_leaves() {
    let balances = Balances::default();
    let client = client(balances.transport(Duration::from_secs(1)));
    let context = context();
    let first = client.adjust_balance(&context, adjust(Change::Add(10)));
    // The read takes a second; a quarter of a second later the write is on its way.
    let left = tokio::time::timeout(Duration::from_millis(1250), first).await;
    assert!(left.is_err());
    let done = client
        .adjust_balance(&context, adjust(Change::Add(5)))
        .await
        .unwrap();
    assert_eq!((done.before, done.after), (Some(10), 15));
    assert_eq!(balances.of("478515832665"), 15);
}
