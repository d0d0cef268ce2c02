//! `BatchGetMembers`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kabao_api::{
    Accounts, Adjustment, Error, Family, Member, MemberState, MockMemberApi, Page, Reason,
};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::batch_get_members_response::result;
use kabao_proto::kabao::v1::member_service_server::MemberService;
use tonic::{Code, Request};

use super::{NAME, service};
use crate::MemberGrpc;
use crate::portable::testing::{account, refusal};

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
    let request = Request::new(proto::BatchGetMembersRequest { requests });
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
            .batch_get_members(Request::new(proto::BatchGetMembersRequest { requests }))
            .await
            .unwrap_err();
        assert_eq!(
            refusal(&status),
            ("FIELD_INVALID".to_owned(), vec!["requests".to_owned()])
        );
    }
}

/// Waits before it answers, as WeChat does.
struct Slow {
    running: AtomicUsize,
    most: AtomicUsize,
}

#[tonic::async_trait]
impl kabao_api::MemberApi for Slow {
    async fn get_member(
        &self,
        _: &kabao_api::CallContext,
        request: kabao_api::GetMember,
    ) -> Result<Member, Error> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(Member::new(request.name, MemberState::Active))
    }

    async fn update_member(
        &self,
        _: &kabao_api::CallContext,
        _: kabao_api::UpdateMember,
    ) -> Result<Member, Error> {
        unreachable!("only reads are tested")
    }

    async fn list_members(
        &self,
        _: &kabao_api::CallContext,
        _: kabao_api::ListMembers,
    ) -> Result<Page<Member>, Error> {
        unreachable!("only reads are tested")
    }

    async fn adjust_balance(
        &self,
        _: &kabao_api::CallContext,
        _: kabao_api::AdjustMember,
    ) -> Result<Adjustment, Error> {
        unreachable!("only reads are tested")
    }

    async fn adjust_points(
        &self,
        _: &kabao_api::CallContext,
        _: kabao_api::AdjustMember,
    ) -> Result<Adjustment, Error> {
        unreachable!("only reads are tested")
    }

    async fn activate_member(
        &self,
        _: &kabao_api::CallContext,
        _: kabao_api::ActivateMember,
    ) -> Result<Member, Error> {
        unreachable!("only reads are tested")
    }

    async fn invalidate_member(
        &self,
        _: &kabao_api::CallContext,
        _: kabao_api::InvalidateMember,
    ) -> Result<Member, Error> {
        unreachable!("only reads are tested")
    }

    async fn import_member(
        &self,
        _: &kabao_api::CallContext,
        _: kabao_api::ImportMember,
    ) -> Result<Member, Error> {
        unreachable!("only reads are tested")
    }
}

#[tokio::test]
async fn a_batch_reads_eight_at_once() {
    let slow = Arc::new(Slow {
        running: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let mut account = account(
        "demo-brand",
        Family::Brand,
        kabao_api::MockAccountApi::new(),
    );
    account.members = Arc::<Slow>::clone(&slow);
    let accounts = Accounts::new();
    accounts.insert(account).unwrap();
    let service = MemberGrpc::new(Arc::new(accounts));
    let requests = vec![
        proto::GetMemberRequest {
            name: NAME.to_owned(),
            ..Default::default()
        };
        50
    ];
    let request = Request::new(proto::BatchGetMembersRequest { requests });
    service.batch_get_members(request).await.unwrap();
    assert_eq!(slow.most.load(Ordering::SeqCst), 8);
}
