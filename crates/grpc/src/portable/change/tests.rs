use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use kabao_api::{Accounts, CallId, Family, MockAccountApi, MockChangeApi, Page};
use tonic::Code;

use super::super::testing::{account, admitted, refusal};
use super::*;
use crate::access::Access;
use crate::audit::{Audit, AuditKind, AuditRecord, Trail};

const NAME: &str = "accounts/demo-brand/changes/order-7";
const MEMBER: &str = "accounts/demo-brand/templates/t/members/a%2Fb";

fn service(journal: MockChangeApi) -> ChangeGrpc {
    let mut account = account("demo-brand", Family::Brand, MockAccountApi::new());
    account.changes = Some(Arc::new(journal));
    let mut accounts = Accounts::new();
    accounts.insert(account).unwrap();
    ChangeGrpc::new(accounts)
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn change(state: ChangeState) -> ChangeRecord {
    ChangeRecord::new(NAME.parse().unwrap(), state, "AdjustPoints", at(1_000))
}

fn get(name: &str) -> Request<proto::GetChangeRequest> {
    admitted(proto::GetChangeRequest {
        name: name.to_owned(),
    })
}

fn watch() -> Request<proto::WatchChangeRequest> {
    admitted(proto::WatchChangeRequest {
        name: NAME.to_owned(),
    })
}

#[tokio::test]
async fn everything_that_a_journal_knows_of_a_change_is_told() {
    let mut journal = MockChangeApi::new();
    journal
        .expect_get_change()
        .withf(|name| name.to_string() == NAME)
        .returning(|_| {
            let mut change = change(ChangeState::Unknown);
            change.operation = Some("official_account.member.update_user".to_owned());
            change.member = Some(MEMBER.parse().unwrap());
            change.number = Some("order-7".to_owned());
            change.value = Some(PlannedValue {
                value: MemberValue::Points,
                before: Some(0),
                after: 10,
                is_difference: true,
            });
            change.found = Some(3);
            change.error = Some(
                Error::new(Reason::OutcomeUnknown, "no verified answer")
                    .with_operation("official_account.member.update_user"),
            );
            change.needs_decision = true;
            change.update_time = at(2_000);
            Ok(change)
        });
    let answer = service(journal).get_change(get(NAME)).await.unwrap();
    let proto::Change { error, .. } = answer.get_ref();
    let error = error.clone().unwrap();
    assert_eq!(error.code, i32::from(Code::Unknown));
    let details = Status::with_details(
        Code::Unknown,
        error.message.clone(),
        prost::Message::encode_to_vec(&error).into(),
    );
    assert_eq!(refusal(&details).0, "OUTCOME_UNKNOWN");
    assert_eq!(
        *answer.get_ref(),
        proto::Change {
            name: NAME.to_owned(),
            state: proto::change::State::Unknown.into(),
            method: "AdjustPoints".to_owned(),
            operation: "official_account.member.update_user".to_owned(),
            member: MEMBER.to_owned(),
            out_request_no: "order-7".to_owned(),
            value: Some(proto::change::Value {
                kind: proto::change::value::Kind::Points.into(),
                before: Some(0),
                after: 10,
                difference: true,
            }),
            found: Some(3),
            error: Some(error),
            needs_decision: true,
            decision: None,
            create_time: Some(at(1_000).into()),
            update_time: Some(at(2_000).into()),
        }
    );
}

#[tokio::test]
async fn an_account_without_a_journal_says_so_and_a_wrong_name_is_refused() {
    let mut accounts = Accounts::new();
    let bare = account("demo-brand", Family::Brand, MockAccountApi::new());
    accounts.insert(bare).unwrap();
    let bare = ChangeGrpc::new(accounts);
    let status = bare.get_change(get(NAME)).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(refusal(&status).0, "PRECONDITION_FAILED");
    let service = service(MockChangeApi::new());
    for (name, reason) in [
        ("", "NAME_INVALID"),
        ("accounts/demo-brand/changes/a b", "NAME_INVALID"),
        ("accounts/nobody/changes/1", "ACCOUNT_NOT_FOUND"),
    ] {
        let status = service.get_change(get(name)).await.unwrap_err();
        assert_eq!(refusal(&status).0, reason, "{name}");
    }
}

#[tokio::test]
async fn a_list_is_of_states_and_of_a_member() {
    let mut journal = MockChangeApi::new();
    journal
        .expect_list_changes()
        .withf(|list| {
            list.states == [ChangeState::Unknown, ChangeState::Sent]
                && list.member == Some(MEMBER.parse().unwrap())
                && list.page.size == Some(2)
        })
        .returning(|_| {
            Ok(Page {
                items: vec![change(ChangeState::Unknown), change(ChangeState::Sent)],
                next: Some(PageToken::new("on")),
                total: None,
            })
        });
    let request = proto::ListChangesRequest {
        parent: "accounts/demo-brand".to_owned(),
        states: vec![5, 2],
        member: MEMBER.to_owned(),
        page_size: 2,
        page_token: String::new(),
    };
    let answer = service(journal)
        .list_changes(admitted(request))
        .await
        .unwrap()
        .into_inner();
    let states: Vec<_> = answer
        .changes
        .iter()
        .map(|change| change.state().as_str_name())
        .collect();
    assert_eq!(states, ["STATE_UNKNOWN", "STATE_SENT"]);
    assert_eq!(answer.next_page_token, "on");
}

#[tokio::test]
async fn everything_wrong_with_a_list_is_told_at_once() {
    let request = proto::ListChangesRequest {
        parent: "accounts/demo-brand".to_owned(),
        states: vec![1, 0, 9],
        member: MEMBER.replace("demo-brand", "other"),
        page_size: -1,
        page_token: String::new(),
    };
    let status = service(MockChangeApi::new())
        .list_changes(admitted(request))
        .await
        .unwrap_err();
    assert_eq!(
        refusal(&status).1,
        ["states[1]", "states[2]", "member", "page_size"]
    );
}

fn resolve(outcome: i32, note: &str) -> Request<proto::ResolveChangeRequest> {
    admitted(proto::ResolveChangeRequest {
        name: NAME.to_owned(),
        outcome,
        note: note.to_owned(),
    })
}

#[tokio::test]
async fn an_operators_word_reaches_the_journal() {
    for (outcome, applied, state) in [(1, true, "STATE_APPLIED"), (2, false, "STATE_REJECTED")] {
        let mut journal = MockChangeApi::new();
        journal
            .expect_resolve_change()
            .returning(move |name, decision| {
                assert_eq!(name.to_string(), NAME);
                assert_eq!(
                    (decision.applied, decision.note.expose()),
                    (applied, "工单 4711")
                );
                let mut change = change(match applied {
                    true => ChangeState::Applied,
                    false => ChangeState::Rejected,
                });
                change.decision = Some(decision);
                Ok(change)
            });
        let mut request = resolve(outcome, " 工单 4711 ");
        let access = Access::free(Some("office".parse().unwrap()));
        request.extensions_mut().insert(access);
        let book = Arc::new(Book::default());
        let method = "kabao.v1.ChangeService/ResolveChange";
        let trail = Trail::new(Arc::<Book>::clone(&book), method, CallId::unknown(), None);
        request.extensions_mut().insert(trail.clone());
        let answer = service(journal)
            .resolve_change(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.state().as_str_name(), state);
        let decision = answer.decision.unwrap();
        assert_eq!((decision.applied, &*decision.note), (applied, "工单 4711"));
        assert_eq!(decision.caller, "office");
        trail.end(Code::Ok, None);
        let record = (
            Some("order-7".to_owned()),
            Some(state.replace("STATE_", "")),
        );
        assert_eq!(*book.0.lock().unwrap(), [record]);
    }
}

/// Keeps the ids of changes, and what became of them.
#[derive(Default)]
struct Book(Mutex<Vec<(Option<String>, Option<String>)>>);

impl Audit for Book {
    fn admit(&self) -> Result<(), Error> {
        Ok(())
    }

    fn record(&self, record: &AuditRecord<'_>) {
        assert_eq!(record.kind, AuditKind::Change);
        let id = record.request_id.map(ToString::to_string);
        let state = record.change.map(|state| state.to_string());
        self.0.lock().unwrap().push((id, state));
    }
}

#[tokio::test]
async fn a_word_needs_an_outcome_and_a_reason() {
    let long = "卡".repeat(201);
    let fits = "卡".repeat(200);
    for (outcome, note, fields) in [
        (0, "", &["outcome", "note"][..]),
        (3, "seen", &["outcome"]),
        (1, "  ", &["note"]),
        (2, &long, &["note"]),
    ] {
        let status = service(MockChangeApi::new())
            .resolve_change(resolve(outcome, note))
            .await
            .unwrap_err();
        assert_eq!(refusal(&status).1, fields, "{outcome} {note}");
    }
    let mut journal = MockChangeApi::new();
    journal
        .expect_resolve_change()
        .returning(|_, _| Err(Error::new(Reason::ChangeEnded, "it has ended")));
    let status = service(journal)
        .resolve_change(resolve(1, &fits))
        .await
        .unwrap_err();
    assert_eq!(refusal(&status).0, "CHANGE_ENDED");
}

#[tokio::test]
async fn a_watch_tells_the_present_state_and_each_new_one_until_the_last() {
    let mut journal = MockChangeApi::new();
    journal.expect_watch_change().returning(|_, known| {
        Ok(change(match known {
            None => ChangeState::Intent,
            Some(ChangeState::Intent) => ChangeState::Unknown,
            Some(ChangeState::Unknown) => ChangeState::Applied,
            Some(ended) => panic!("nothing comes after {ended}"),
        }))
    });
    let states = service(journal).watch_change(watch()).await.unwrap();
    let states: Vec<_> = states
        .into_inner()
        .map(|change| change.unwrap().state().as_str_name())
        .collect()
        .await;
    assert_eq!(states, ["STATE_INTENT", "STATE_UNKNOWN", "STATE_APPLIED"]);
}

#[tokio::test]
async fn a_watch_of_nothing_is_refused_and_one_that_breaks_ends_with_the_error() {
    let mut journal = MockChangeApi::new();
    journal
        .expect_watch_change()
        .returning(|_, _| Err(Error::new(Reason::ChangeNotFound, "no such change")));
    let Err(status) = service(journal).watch_change(watch()).await else {
        panic!("a change that is not there is watched")
    };
    assert_eq!(status.code(), Code::NotFound);
    let mut journal = MockChangeApi::new();
    journal
        .expect_watch_change()
        .returning(|_, known| match known {
            None => Ok(change(ChangeState::Sent)),
            Some(_) => Err(Error::new(Reason::Store, "the disk is full")),
        });
    let states = service(journal).watch_change(watch()).await.unwrap();
    let mut states = states.into_inner();
    let first = states.next().await.unwrap().unwrap();
    assert_eq!(first.state().as_str_name(), "STATE_SENT");
    let status = states.next().await.unwrap().unwrap_err();
    assert_eq!(refusal(&status).0, "STORE");
    assert!(states.next().await.is_none());
}

#[test]
fn every_state_has_its_counterpart() {
    for state in ChangeState::ALL {
        let name = format!("STATE_{state}");
        let found = proto::change::State::from_str_name(&name).unwrap();
        assert_eq!(known(found), Some(state));
    }
    let unspecified = proto::change::State::Unspecified;
    assert_eq!(known(unspecified), None);
}
