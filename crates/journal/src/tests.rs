//! The promise, against the models: one effect, one answer, whatever is lost.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kabao_api::{
    AdjustMember, Adjustment, CallContext, CallId, Change, ChangeApi, ChangeName, ChangeRecord,
    ChangeState, Decision, Error, Family, ListChanges, MemberApi, MemberName, MemberRequest,
    Reason, RequestId, Upstream,
};
use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::official_account::member::UpdateUser;

use crate::model::{Failing, Fate, ModelBackend, ModelStore, ModelWeChat, Pipeline, Replica};
use crate::{AccountJournal, Clock, Journal, Party, Reconciler, Settings};

mod batches;
mod ends;
mod forgetting;
mod model;
mod parties;
mod quiet;
mod repeats;
mod replicas;
mod templates;

const CODE: &str = "1001";

struct TestClock;

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn request_id(&self) -> Option<RequestId> {
        "made-up".parse().ok()
    }
}

/// One process with a journal around a backend.
struct Gateway {
    replica: Replica,
    journal: Journal,
    members: Arc<dyn MemberApi>,
    upstream: Arc<dyn Upstream>,
    changes: Arc<dyn ChangeApi>,
}

/// A store and a WeChat that outlive processes.
struct World {
    family: Family,
    store: ModelStore,
    wechat: ModelWeChat,
}

impl World {
    fn new(family: Family) -> Self {
        Self {
            family,
            store: ModelStore::new(),
            wechat: ModelWeChat::default().with_member(CODE, 100),
        }
    }

    fn gateway(&self) -> Gateway {
        self.gateway_by(Arc::new(TestClock))
    }

    fn gateway_by(&self, clock: Arc<dyn Clock>) -> Gateway {
        // What is lost in the model does not come late.
        self.gateway_with(clock, Duration::ZERO)
    }

    fn gateway_with(&self, clock: Arc<dyn Clock>, quiet: Duration) -> Gateway {
        self.gateway_of(
            clock,
            Settings {
                wait_limit: Duration::from_secs(5),
                quiet,
                ..Settings::default()
            },
        )
    }

    fn gateway_of(&self, clock: Arc<dyn Clock>, settings: Settings) -> Gateway {
        let replica = self.store.replica();
        let (store, leases) = (Arc::new(replica.clone()), Arc::new(replica.clone()));
        let journal = Journal::new(store, leases, clock, settings);
        self.serve(journal, replica)
    }

    /// Serves the account, by a journal that is there.
    fn serve(&self, journal: Journal, replica: Replica) -> Gateway {
        let account = journal.account(account());
        self.put_together(journal, account, replica)
    }

    /// The same as this party to WeChat.
    fn serve_as(&self, journal: Journal, replica: Replica, party: &str) -> Gateway {
        let account = journal.account_of(account(), Party::from(party.to_owned()));
        self.put_together(journal, account, replica)
    }

    fn put_together(
        &self,
        journal: Journal,
        account: Arc<AccountJournal>,
        replica: Replica,
    ) -> Gateway {
        let upstream = account.upstream(Arc::new(Pipeline(self.wechat.clone())));
        let backend = Arc::new(ModelBackend::new(self.family, Arc::clone(&upstream)));
        Gateway {
            replica,
            members: account.members(backend),
            upstream,
            changes: account.changes(),
            journal,
        }
    }

    /// Ends a process without a word, and starts another one.
    fn crash(&self, gateway: Gateway) -> Gateway {
        self.store.crash(0);
        self.store.bury(replica_name(&gateway));
        drop(gateway);
        self.gateway()
    }

    fn points(&self) -> i64 {
        self.wechat.points(CODE)
    }

    fn effects(&self) -> usize {
        self.wechat.ledger().len()
    }
}

fn replica_name(gateway: &Gateway) -> &str {
    crate::Leases::replica(&gateway.replica)
}

impl Gateway {
    async fn add(&self, id: &str, points: i64) -> Result<Adjustment, Error> {
        self.adjust(id, Change::Add(points)).await
    }

    async fn adjust(&self, id: &str, change: Change) -> Result<Adjustment, Error> {
        let request = AdjustMember::new(member(), change).with_request_id(id.parse().unwrap());
        self.members.adjust_points(&context(), request).await
    }

    async fn reconcile(&self) {
        self.journal.look(&mut Reconciler::default()).await.unwrap();
    }

    async fn change(&self, id: &str) -> ChangeRecord {
        self.changes.get_change(&change_name(id)).await.unwrap()
    }
}

fn account() -> kabao_api::AccountId {
    "acme".parse().unwrap()
}

fn member() -> MemberName {
    format!("accounts/acme/templates/t1/members/{CODE}")
        .parse()
        .unwrap()
}

fn change_name(id: &str) -> ChangeName {
    ChangeName::new(account(), id.parse().unwrap())
}

fn context() -> CallContext {
    CallContext::new(account(), CallId::unknown())
}

/// Both families that can add.
const FAMILIES: [Family; 2] = [Family::Merchant, Family::OfficialAccount];
