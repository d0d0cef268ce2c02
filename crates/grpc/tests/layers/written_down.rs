//! What is told to whoever writes down who was refused.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};

use kabao_api::{Error, MockMemberApi};
use kabao_grpc::{Audit, AuditKind, AuditRecord, Server};
use kabao_proto::kabao::v1 as proto;
use tonic::Code;

use crate::support::{account, member, start};
use crate::withdrawn::{ask, first, name};

const READS: &str = "/kabao.v1.MemberService/BatchGetMembers";

/// Keeps kind, account, item and reason of records.
#[derive(Default)]
struct Book(Mutex<Vec<String>>);

impl Audit for Book {
    fn admit(&self) -> Result<(), Error> {
        Ok(())
    }

    fn record(&self, record: &AuditRecord<'_>) {
        assert_eq!(record.kind, AuditKind::Refusal);
        let account = record.account.map_or("-", |account| account.as_str());
        let reason = record.reason.map_or("-", |reason| reason.as_str());
        let line = format!("{account} {:?} {:?} {reason}", record.item, record.code);
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn each_account_that_a_batch_of_reads_is_refused_is_written_down() {
    let mut members = MockMemberApi::new();
    members.expect_get_member().returning(|_, _| Ok(member()));
    let book = Arc::new(Book::default());
    let server = Server::builder(first(account(members))).audit(Arc::<Book>::clone(&book));
    let running = start(server).await;
    let requests = ["other-1", "other-2", "demo"].map(|account| proto::GetMemberRequest {
        name: name(account),
        ..Default::default()
    });
    let requests = requests.to_vec();
    let answer = ask(&running, READS, &proto::BatchGetMembersRequest { requests }).await;
    assert_eq!(answer.code(), Code::Ok);
    assert_eq!(
        *book.0.lock().unwrap(),
        [
            "other-1 Some(0) PermissionDenied PERMISSION_DENIED",
            "other-2 Some(1) PermissionDenied PERMISSION_DENIED",
        ]
    );
}
