//! `BatchGetMembers`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kabao_api::{Error, Member, MemberState, MockMemberApi, Reason};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::batch_get_members_response::result;
use kabao_proto::kabao::v1::member_service_server::MemberService;
use tonic::Code;

use super::slow::Slow;
use super::{NAME, service};
use crate::portable::testing::{admitted, refusal};

#[tokio::test]
async fn a_batch_keeps_its_order_and_gives_each_its_own_result() {
    let mut members = MockMemberApi::new();
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    members.expect_get_member().returning(move |_, request| {
        count.fetch_add(1, Ordering::SeqCst);
        match request.name.code().expose() {
            "7" => Err(Error::new(Reason::MemberNotFound, "no such member")),
            _ => Ok(Member::new(request.name, MemberState::Active)),
        }
    });
    let service = service(members);
    let name = |account: &str, code: usize| proto::GetMemberRequest {
        name: format!("accounts/{account}/templates/t/members/{code}"),
        ..Default::default()
    };
    let mut requests: Vec<_> = (0..98).map(|code| name("demo-brand", code)).collect();
    requests.push(name("nobody", 98));
    requests.push(proto::GetMemberRequest::default());
    let request = admitted(proto::BatchGetMembersRequest { requests });
    let answer = service.batch_get_members(request).await.unwrap();
    let results = answer.into_inner().results;
    assert_eq!(results.len(), 100);
    for (index, outcome) in results.into_iter().enumerate() {
        match (index, outcome.result.unwrap()) {
            (7, result::Result::Error(error)) => {
                assert_eq!(error.code, i32::from(Code::NotFound));
                assert!(!error.details.is_empty());
            }
            (98, result::Result::Error(error)) => assert!(error.message.contains("nobody")),
            (99, result::Result::Error(error)) => {
                assert_eq!(error.code, i32::from(Code::InvalidArgument));
            }
            (index, result::Result::Member(member)) => {
                let name = format!("accounts/demo-brand/templates/t/members/{index}");
                assert_eq!(member.name, name);
            }
            (index, result::Result::Error(error)) => panic!("{index}: {}", error.message),
        }
    }
    assert_eq!(read.load(Ordering::SeqCst), 98);
}

#[tokio::test]
async fn a_batch_of_none_or_too_many_is_refused_as_a_whole() {
    for count in [0, 101] {
        let requests = vec![proto::GetMemberRequest::default(); count];
        let status = service(MockMemberApi::new())
            .batch_get_members(admitted(proto::BatchGetMembersRequest { requests }))
            .await
            .unwrap_err();
        assert_eq!(
            refusal(&status),
            ("FIELD_INVALID".to_owned(), vec!["requests".to_owned()])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_reads_eight_at_once() {
    let slow = Slow::scripted(|_| unreachable!("nothing is adjusted"));
    let requests = vec![
        proto::GetMemberRequest {
            name: NAME.to_owned(),
            ..Default::default()
        };
        50
    ];
    let request = admitted(proto::BatchGetMembersRequest { requests });
    slow.service().batch_get_members(request).await.unwrap();
    assert_eq!((slow.most(), slow.begun()), (8, 50));
}
