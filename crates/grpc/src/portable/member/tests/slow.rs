//! Members that wait before they answer, as WeChat does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kabao_api::{
    Accounts, ActivateMember, AdjustMember, Adjustment, CallContext, Error, Family, GetMember,
    ImportMember, InvalidateMember, ListMembers, Member, MemberApi, MemberState, MockAccountApi,
    Page, UpdateMember,
};
use tokio::time::sleep;

use crate::MemberGrpc;
use crate::portable::testing::account;

type Script = dyn Fn(AdjustMember) -> Result<Adjustment, Error> + Send + Sync;

/// Reads and adjusts members, and counts how many calls run at once.
pub(super) struct Slow {
    running: AtomicUsize,
    most: AtomicUsize,
    begun: AtomicUsize,
    script: Box<Script>,
}

impl Slow {
    /// Adjusts by a script.
    pub(super) fn scripted(
        script: impl Fn(AdjustMember) -> Result<Adjustment, Error> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            script: Box::new(script),
        })
    }

    /// Serves the members as `accounts/demo-brand`.
    pub(super) fn service(self: &Arc<Self>) -> MemberGrpc {
        let mut account = account("demo-brand", Family::Brand, MockAccountApi::new());
        account.members = Arc::<Self>::clone(self);
        let mut accounts = Accounts::new();
        accounts.insert(account).unwrap();
        MemberGrpc::new(accounts)
    }

    /// Returns the largest number of calls that ran at once.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Returns the number of calls.
    pub(super) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    async fn wait(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        sleep(Duration::from_millis(1)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tonic::async_trait]
impl MemberApi for Slow {
    async fn get_member(&self, _: &CallContext, request: GetMember) -> Result<Member, Error> {
        self.wait().await;
        Ok(Member::new(request.name, MemberState::Active))
    }

    async fn adjust_points(
        &self,
        _: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        self.wait().await;
        (self.script)(request)
    }

    async fn update_member(&self, _: &CallContext, _: UpdateMember) -> Result<Member, Error> {
        unreachable!("not scripted")
    }

    async fn list_members(&self, _: &CallContext, _: ListMembers) -> Result<Page<Member>, Error> {
        unreachable!("not scripted")
    }

    async fn adjust_balance(&self, _: &CallContext, _: AdjustMember) -> Result<Adjustment, Error> {
        unreachable!("not scripted")
    }

    async fn activate_member(&self, _: &CallContext, _: ActivateMember) -> Result<Member, Error> {
        unreachable!("not scripted")
    }

    async fn invalidate_member(
        &self,
        _: &CallContext,
        _: InvalidateMember,
    ) -> Result<Member, Error> {
        unreachable!("not scripted")
    }

    async fn import_member(&self, _: &CallContext, _: ImportMember) -> Result<Member, Error> {
        unreachable!("not scripted")
    }
}
