//! What stands around every account: the journal of its changes over the store, and the sharing of its reads.

mod folder;
mod settings;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kabao_api::{Account, MemberApi, RequestId, TemplateApi, Upstream};
use kabao_client::{Client, Decorator};
use kabao_journal::{AccountJournal, Clock, Counts, Journal, Party, StoreError};
use kabao_reads::{Cache, Cached, Coalesced, Joined};
use kabao_store::{Store, StoreObserver, StoreVitals};
use tokio::time::timeout;

pub(crate) use self::folder::{FolderError, StoreFolder};
pub use self::settings::{CacheSettings, MemorySettings};
use crate::abort::AbortOnDrop;
use crate::audit::AuditLog;
use crate::clock;
use crate::portions::SharedQuotas;

/// The memory of the process, and what brings open changes to their end. Clones share it.
#[derive(Clone)]
pub(crate) struct Memory {
    journal: Journal,
    store: Store,
    quotas: Arc<SharedQuotas>,
    cache: Option<Cache>,
    joined: Joined,
    _reconciler: Arc<AbortOnDrop>,
}

/// Longer than any limit of calls that replicas share looks back.
const LONGEST_WINDOW: Duration = Duration::from_millis(1_100);
/// Whoever is not done by then is found dead by the others.
const PARTING: Duration = Duration::from_secs(5);

/// Who hears of what is remembered.
pub(crate) struct Witnesses {
    /// Of each change, also of one that an earlier process has left open.
    pub(crate) audit: Option<AuditLog>,
    /// Of how the store works.
    pub(crate) store: Arc<dyn StoreObserver>,
}

impl Memory {
    /// Opens the store, and begins to end what an earlier process has left open. A store that is not there at the moment
    /// opens later: until then changes are refused, as they are by one that has failed.
    pub(crate) async fn open(
        settings: &MemorySettings,
        cache: &CacheSettings,
        witnesses: Witnesses,
    ) -> Result<Self, StoreError> {
        let store = Store::start(&settings.store, witnesses.store).await?;
        for warning in store.warnings() {
            tracing::warn!("{warning}");
        }
        let (changes, leases) = (store.changes(), store.leases());
        let journal = Journal::new(changes, leases, Arc::new(SystemClock), settings.journal);
        if let Some(audit) = witnesses.audit {
            journal.observe(Arc::new(audit));
        }
        let reconciler = {
            let (journal, store) = (journal.clone(), store.clone());
            tokio::spawn(async move {
                store.opened().await;
                journal.reconcile().await;
            })
        };
        Ok(Self {
            journal,
            quotas: Arc::new(SharedQuotas::new(store.portions())),
            store,
            joined: Joined::default(),
            cache: match cache.lifetimes.is_empty() {
                true => None,
                false => Some(Cache::new(cache.lifetimes.clone(), cache.max_answers)),
            },
            _reconciler: Arc::new(AbortOnDrop(reconciler.abort_handle())),
        })
    }

    /// Makes an account of a client, whose changes are remembered from now on, and what WeChat hands out to it.
    ///
    /// Its limits of calls are shared with other replicas, if the store is.
    pub(crate) fn account(&self, client: &Client) -> Account {
        client.keep_credentials(&self.store.lent_credentials());
        self.quotas.share(client.quotas());
        let party = Party::from(client.party().to_owned());
        let journal = self.journal.account_of(client.account().clone(), party);
        let mut account = client
            .decorated(&Around {
                journal: Arc::clone(&journal),
                cache: self.cache.clone(),
                joined: self.joined.clone(),
            })
            .into_account();
        account.changes = Some(journal.changes());
        account
    }

    /// Tells the replicas that share the store that this one is gone, so that they need not wait for it.
    pub(crate) async fn leave(&self) {
        if self.store.portions().is_none() || !self.store.is_open() {
            return;
        }
        // Others take its portions at once, and what left here last still counts.
        match timeout(PARTING, self.journal.leave(LONGEST_WINDOW)).await {
            Ok(Ok(true)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the other replicas could not be told of the end")
            }
            Ok(Ok(false)) | Err(_) => {
                tracing::warn!("changes still run; the other replicas end them after a while");
            }
        }
    }

    /// Returns the answers that are kept, if any are.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Returns how many reads were answered by the call of another one.
    pub(crate) fn joined(&self) -> &Joined {
        &self.joined
    }

    /// Looks how the store is.
    pub(crate) fn store(&self) -> StoreVitals {
        self.store.vitals()
    }

    /// Returns how many changes have not ended.
    pub(crate) fn counts(&self) -> Counts {
        self.journal.counts()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memory").field(&self.journal).finish()
    }
}

/// Puts the journal of an account around the parts of its client. Uploads are operations to it, which
/// it sees as all the others.
struct Around {
    journal: Arc<AccountJournal>,
    cache: Option<Cache>,
    joined: Joined,
}

impl Decorator for Around {
    fn members(&self, inner: Arc<dyn MemberApi>) -> Arc<dyn MemberApi> {
        self.journal.members(inner)
    }

    fn templates(&self, inner: Arc<dyn TemplateApi>) -> Arc<dyn TemplateApi> {
        self.journal.templates(inner)
    }

    fn upstream(&self, inner: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        // Below the journal, so that it hears of every write, also of those that the journal repeats.
        let coalesced: Arc<dyn Upstream> = Arc::new(Coalesced::new(inner).counting(&self.joined));
        self.journal.upstream(match &self.cache {
            Some(cache) => Arc::new(Cached::new(coalesced, cache)),
            None => coalesced,
        })
    }
}

/// The clock and the randomness of the machine.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        clock::now()
    }

    fn request_id(&self) -> Option<RequestId> {
        RequestId::new(kabao_auth::random_nonce().ok()?).ok()
    }
}
