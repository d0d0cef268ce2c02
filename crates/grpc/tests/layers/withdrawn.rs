//! Callers that lose their token or their rights while a batch or a watch runs.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use kabao_api::{
    Account, Accounts, Adjustment, CallerId, ChangeRecord, ChangeState, MockChangeApi,
    MockMemberApi,
};
use kabao_grpc::{Generation, Generations, Group, Methods, Policy, Rule, Server, Tokens};
use kabao_proto::kabao::v1 as proto;
use prost::Message;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{Answer, Running, account, frame, start};

const BATCH: &str = "/kabao.v1.MemberService/BatchAdjustPoints";
const WATCH: &str = "/kabao.v1.ChangeService/WatchChange";

/// Knows one token, whose own time is over at once.
struct Token(&'static str);

impl Tokens for Token {
    fn holder(&self, token: &str) -> Option<CallerId> {
        (token == self.0).then(|| "till".parse().unwrap())
    }

    fn still_holder(&self, token: &str, began: Duration) -> Option<CallerId> {
        self.holder(token)
            .filter(|_| began < Duration::from_secs(60))
    }
}

fn rules(caller: &str, accounts: &str) -> Arc<Policy> {
    Arc::new(Policy::new(vec![Rule {
        caller: caller.parse().unwrap(),
        accounts: vec![accounts.parse().unwrap()],
        methods: Group::ALL.map(Methods::Group).to_vec(),
        weight: 1,
        place: String::new(),
    }]))
}

/// A member of an account.
pub(crate) fn name(account: &str) -> String {
    format!("accounts/{account}/templates/card/members/1")
}

/// How a configuration takes something away, or nothing.
type Change = fn(Generation) -> Generation;

const CHANGES: [(Change, Option<(Code, &str)>); 6] = [
    (|present| present.numbered(2), None),
    (|present| present.with_accounts(Accounts::new()), None),
    (|present| present.policy(None), None),
    (
        |present| present.tokens(Some(Arc::new(Token("another")))),
        Some((Code::Unauthenticated, "UNAUTHENTICATED")),
    ),
    (
        |present| present.policy(Some(rules("office", "**"))),
        Some((Code::PermissionDenied, "PERMISSION_DENIED")),
    ),
    (
        |present| present.policy(Some(rules("till", "other"))),
        Some((Code::PermissionDenied, "PERMISSION_DENIED")),
    ),
];

/// A caller may do everything for one account.
pub(crate) fn first(account: Account) -> Generations {
    let mut accounts = Accounts::new();
    accounts.insert(account).unwrap();
    Generations::new(
        Generation::new(accounts)
            .tokens(Some(Arc::new(Token("s3cret"))))
            .policy(Some(rules("till", "demo"))),
    )
}

/// Calls as that caller.
pub(crate) async fn ask(running: &Running, path: &str, message: &impl Message) -> Answer {
    let request = running
        .request(path)
        .header("authorization", "Bearer s3cret");
    running.send(request, frame(&message.encode_to_vec())).await
}

fn messages<M: Message + Default>(answer: &Answer) -> Vec<M> {
    let mut rest: Bytes = answer.body.clone();
    let mut messages = Vec::new();
    while rest.has_remaining() {
        rest.advance(1);
        let length = usize::try_from(rest.get_u32()).unwrap();
        messages.push(M::decode(rest.split_to(length)).unwrap());
    }
    messages
}

#[tokio::test]
async fn no_item_of_a_batch_begins_once_its_caller_may_not_any_more() {
    for (index, (change, expected)) in CHANGES.into_iter().enumerate() {
        let (holder, done) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(0)));
        let mut members = MockMemberApi::new();
        let (reached, count) = (Arc::clone(&holder), Arc::clone(&done));
        members.expect_adjust_points().returning(move |_, _| {
            *count.lock().unwrap() += 1;
            let generations: Option<Generations> = reached.lock().unwrap().clone();
            let generations = generations.unwrap();
            generations.replace(change((*generations.current()).clone()));
            Ok(Adjustment::new(Some(0), 10))
        });
        let generations = first(account(members));
        *holder.lock().unwrap() = Some(generations.clone());
        let running = start(Server::builder(generations)).await;
        let adjust = || proto::AdjustPointsRequest {
            name: name("demo"),
            change: Some(proto::adjust_points_request::Change::Add(10)),
            ..Default::default()
        };
        let batch = proto::BatchAdjustPointsRequest {
            parent: "accounts/demo".to_owned(),
            request_id: "batch-1".to_owned(),
            items: vec![adjust(), adjust(), adjust()],
            parallelism: 1,
        };
        let answer = ask(&running, BATCH, &batch).await;
        assert_eq!(answer.code(), Code::Ok);
        let outcomes = messages::<proto::BatchAdjustPointsResponse>(&answer);
        let refused = outcomes.into_iter().skip(1).map(|item| match item.result {
            Some(proto::batch_adjust_points_response::Result::Error(error)) => {
                Some(Code::from_i32(error.code))
            }
            _ => None,
        });
        let code = expected.map(|(code, _)| code);
        assert_eq!(refused.collect::<Vec<_>>(), [code, code], "{index}");
        assert_eq!(*done.lock().unwrap(), if code.is_some() { 1 } else { 3 });
    }
}

#[tokio::test]
async fn a_watch_tells_nothing_more_once_its_caller_may_not_any_more() {
    for (index, (change, expected)) in CHANGES.into_iter().enumerate() {
        let holder = Arc::new(Mutex::new(None));
        let mut journal = MockChangeApi::new();
        let reached = Arc::clone(&holder);
        journal.expect_watch_change().returning(move |name, known| {
            let state = match known {
                None => ChangeState::Sent,
                Some(_) => {
                    let generations: Option<Generations> = reached.lock().unwrap().clone();
                    let generations = generations.unwrap();
                    generations.replace(change((*generations.current()).clone()));
                    ChangeState::Applied
                }
            };
            let then = SystemTime::UNIX_EPOCH;
            Ok(ChangeRecord::new(name.clone(), state, "AdjustPoints", then))
        });
        let generations = first(Account {
            changes: Some(Arc::new(journal)),
            ..account(MockMemberApi::new())
        });
        *holder.lock().unwrap() = Some(generations.clone());
        let running = start(Server::builder(generations)).await;
        let watch = proto::WatchChangeRequest {
            name: "accounts/demo/changes/order-1".to_owned(),
        };
        let answer = ask(&running, WATCH, &watch).await;
        let told = messages::<proto::Change>(&answer).len();
        let reason = answer.status().get_details_error_info();
        let reason = reason.map(|info| (answer.code(), info.reason));
        let wanted = expected.map(|(code, reason)| (code, reason.to_owned()));
        assert_eq!(
            (told, reason),
            (if wanted.is_some() { 1 } else { 2 }, wanted),
            "{index}"
        );
    }
}
