//! A replica: processes that follow each other, each with a journal of its own over the one store.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kabao_api::{
    ActivateMember, AdjustMember, Adjustment, CallContext, Error, GetMember, ImportMember,
    InvalidateMember, ListMembers, Member, MemberApi, MemberName, Page, UpdateMember,
};
use kabao_journal::model::ModelBackend;
use kabao_journal::{Journal, Leases, Settings};
use tokio::time::sleep;

use super::network::Network;
use super::process::Process;
use super::store::SimStore;
use super::world::{ARRIVAL, World, code};
use crate::Bug;

/// The place of a replica, whichever process fills it.
pub(super) struct Slot(Mutex<Option<Gateway>>);

/// A process that serves.
#[derive(Clone)]
pub(super) struct Gateway {
    pub(super) process: Process,
    pub(super) members: Arc<dyn MemberApi>,
    name: String,
}

impl Slot {
    /// Starts a replica, and starts it again whenever it ends.
    pub(super) fn start(world: &Arc<World>) -> Arc<Self> {
        let slot = Arc::new(Self(Mutex::new(Some(Gateway::start(world)))));
        let (kept, world) = (Arc::clone(&slot), Arc::clone(world));
        tokio::spawn(async move { kept.keep(&world).await });
        slot
    }

    async fn keep(&self, world: &Arc<World>) {
        loop {
            let Some(gateway) = self.gateway() else {
                return;
            };
            gateway.process.ended().await;
            self.fill(None);
            world.count(|counts| counts.crashes += 1);
            sleep(world.draw(|random| random.millis(300..8_000))).await;
            if !world.is_shared() {
                // Only one process can have the file.
                world.bury(&gateway.name);
            }
            self.fill(Some(Gateway::start(world)));
        }
    }

    pub(super) fn gateway(&self) -> Option<Gateway> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets nothing more happen to it.
    pub(super) fn heal(&self) {
        if let Some(gateway) = self.gateway() {
            gateway.process.spare();
        }
    }

    fn fill(&self, gateway: Option<Gateway>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = gateway;
    }
}

impl Gateway {
    fn start(world: &Arc<World>) -> Self {
        let process = Process::start({
            let world = Arc::clone(world);
            move || {
                world.note(|| "a process crashes".to_owned());
                if !world.is_shared() {
                    world.crash_store();
                }
            }
        });
        let store = Arc::new(SimStore::new(world, &process));
        let name = store.replica().to_owned();
        world.note(|| format!("{name} starts"));
        let mut settings = Settings::default();
        settings.wait_limit = Duration::from_secs(10);
        settings.attempt = Duration::from_secs(5);
        settings.max_pause = Duration::from_secs(10);
        settings.quiet = match world.has(Bug::ConcludesEarly) {
            true => Duration::ZERO,
            false => Duration::from_millis(ARRIVAL),
        };
        let clock = Arc::<World>::clone(world);
        let (changes, leases) = (Arc::clone(&store), Arc::clone(&store));
        let journal = Journal::new(changes, leases, clock, settings);
        let account = journal.account(super::callers::account());
        let upstream = account.upstream(Arc::new(Network {
            world: Arc::clone(world),
            process: process.clone(),
        }));
        let mut backend: Arc<dyn MemberApi> =
            Arc::new(ModelBackend::new(world.profile().family, upstream));
        if world.has(Bug::ReadsAnother) {
            backend = Arc::new(ReadsAnother(backend));
        }
        let members = account.members(backend);
        process.spawn(async move { journal.reconcile().await });
        if world.is_shared() {
            let living = process.clone();
            process.spawn(async move {
                store.count_up().await;
                // Whoever was taken for dead starts anew, under another name.
                living.crash();
            });
        }
        Self {
            process,
            members,
            name,
        }
    }
}

/// A backend that reads members other than the one that it was asked for.
struct ReadsAnother(Arc<dyn MemberApi>);

#[async_trait]
impl MemberApi for ReadsAnother {
    async fn get_member(
        &self,
        context: &CallContext,
        mut request: GetMember,
    ) -> Result<Member, Error> {
        let another = match request.name.code().expose() == code(0) {
            true => code(1),
            false => code(0),
        };
        if let Ok(name) = MemberName::new(request.name.template().clone(), &*another) {
            request.name = name;
        }
        self.0.get_member(context, request).await
    }

    async fn list_members(
        &self,
        context: &CallContext,
        request: ListMembers,
    ) -> Result<Page<Member>, Error> {
        self.0.list_members(context, request).await
    }

    async fn update_member(
        &self,
        context: &CallContext,
        request: UpdateMember,
    ) -> Result<Member, Error> {
        self.0.update_member(context, request).await
    }

    async fn adjust_points(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        self.0.adjust_points(context, request).await
    }

    async fn adjust_balance(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        self.0.adjust_balance(context, request).await
    }

    async fn activate_member(
        &self,
        context: &CallContext,
        request: ActivateMember,
    ) -> Result<Member, Error> {
        self.0.activate_member(context, request).await
    }

    async fn invalidate_member(
        &self,
        context: &CallContext,
        request: InvalidateMember,
    ) -> Result<Member, Error> {
        self.0.invalidate_member(context, request).await
    }

    async fn import_member(
        &self,
        context: &CallContext,
        request: ImportMember,
    ) -> Result<Member, Error> {
        self.0.import_member(context, request).await
    }
}
