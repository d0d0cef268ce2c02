//! The running gateway: the facade, its listeners, and the way out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kabao_client::Observer;
use kabao_grpc::{Health, Server};
use opentelemetry_sdk::error::OTelSdkError;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::abort::AbortOnDrop;
use crate::accounts::Roster;
use crate::admin::Admin;
use crate::audit::{AuditError, AuditLog};
use crate::config::{AccountSettings, Exposure, Loaded, Settings, ShutdownSettings, Source};
use crate::connect::Ahead;
use crate::expiry;
use crate::files::{Reload, Reloads};
use crate::jwt::Jwt;
use crate::lifecycle::{Lifecycle, Stage};
use crate::listener::{BindError, ConnectionOptions, Grpc, bind};
use crate::memory::{Memory, StoreFolder, Witnesses};
use crate::readiness::Readiness;
use crate::reload::Reloader;
use crate::telemetry::{Metrics, Parents};
use crate::tls::Tls;
use crate::tokens::Bearers;

/// A gateway that listens.
///
/// It is not ready until [`ready`](Self::ready) says so, and it ends with [`drain`](Self::drain); dropping it cuts
/// whatever is in flight.
#[derive(Debug)]
pub struct Gateway {
    lifecycle: Lifecycle,
    health: Health,
    grpc: Grpc,
    admin: Admin,
    shutdown: ShutdownSettings,
    roster: Roster,
    ahead: Ahead,
    reloader: Option<Reloader>,
    _following: Vec<AbortOnDrop>,
    _expiry: AbortOnDrop,
    audit: Option<AuditLog>,
    memory: Option<Memory>,
    // Last, so that nothing lies in it any more when it goes.
    store_folder: Option<StoreFolder>,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An account lets callers see its tokens, and nothing says which of them.
    #[error("account {account}: expose_tokens {fault}")]
    Exposed {
        /// The account.
        account: kabao_api::AccountId,
        /// What is missing.
        fault: &'static str,
    },
    /// The accounts do not fit together.
    #[error(transparent)]
    Accounts(#[from] kabao_api::Error),
    /// A listener fails right after it was opened.
    #[error("a listener failed")]
    Listener(#[from] io::Error),
    /// The memory of changes cannot be had.
    #[error("the store of changes")]
    Store(#[from] kabao_journal::StoreError),
    /// The audit log cannot be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The registry of metrics cannot be built.
    #[error("metrics cannot be set up")]
    Metrics(#[from] OTelSdkError),
}

/// The sockets of a gateway.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(crate) grpc: TcpListener,
    pub(crate) admin: TcpListener,
}

impl Listeners {
    async fn bind(settings: &Settings) -> Result<Self, BindError> {
        Ok(Self {
            grpc: bind("grpc.listen", settings.grpc.listen).await?,
            admin: bind("admin.listen", settings.admin.listen).await?,
        })
    }
}

impl Gateway {
    /// Opens the listeners in front of the configured accounts.
    ///
    /// # Errors
    ///
    /// [`StartError`] if an address cannot be used.
    pub async fn start(settings: &Settings) -> Result<Self, StartError> {
        refuse_exposure(settings)?;
        let listeners = Listeners::bind(settings).await?;
        Self::start_on(listeners, settings).await
    }

    /// The same for what was loaded from `source`, which is read again when one of its files changes and when somebody
    /// asks for it.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub async fn start_from(source: Source, loaded: Loaded) -> Result<Self, StartError> {
        refuse_exposure(&loaded.settings)?;
        let listeners = Listeners::bind(&loaded.settings).await?;
        let settings = loaded.settings.clone();
        Self::start_with(listeners, &settings, Some((source, loaded))).await
    }

    /// The same with listeners that are open already.
    pub(crate) async fn start_on(
        listeners: Listeners,
        settings: &Settings,
    ) -> Result<Self, StartError> {
        Self::start_with(listeners, settings, None).await
    }

    async fn start_with(
        listeners: Listeners,
        settings: &Settings,
        loaded: Option<(Source, Loaded)>,
    ) -> Result<Self, StartError> {
        refuse_exposure(settings)?;
        let lifecycle = Lifecycle::new();
        let metrics =
            Metrics::telling_apart(settings.telemetry.max_account_labels)?.below(Parents {
                believed: settings.telemetry.traceparent,
                is_loopback: settings.grpc.listen.ip().is_loopback(),
            });
        let observer: Arc<dyn Observer> = Arc::new(metrics.clone());
        let audit = settings.audit.as_ref().map(AuditLog::open).transpose()?;
        if let Some(audit) = &audit {
            metrics.audit(audit.tally());
        }
        let memory = match &settings.store {
            Some(store) => {
                let witnesses = Witnesses {
                    audit: audit.clone(),
                    store: metrics.store_observer(),
                };
                Some(Memory::open(store, &settings.cache, witnesses).await?)
            }
            None => None,
        };
        if let Some(memory) = &memory {
            metrics.remember(memory.clone());
        }
        let jwt = settings.grpc.jwt.as_ref();
        let jwt = jwt.map(|jwt| Arc::new(Jwt::new(jwt)));
        let bearers = Bearers::new(jwt.clone(), metrics.clone());
        let roster = Roster::start(settings, observer, memory.clone(), bearers)?;
        let tls = settings.grpc.tls.as_ref();
        let tls = tls.map(|tls| Arc::new(Tls::new(tls.files(), Arc::clone(&tls.snapshot))));
        let mut watched: Vec<Arc<dyn Reload>> = Vec::new();
        if let Some(tls) = &tls {
            watched.push(Arc::<Tls>::clone(tls));
            let tls = Arc::clone(tls);
            metrics.tls(move || tls.vitals());
        }
        watched.extend(jwt.map(|jwt| -> Arc<dyn Reload> { jwt }));
        metrics.files(watched.clone());
        let files = Reloads::new(watched);
        let reloader = loaded
            .map(|(source, loaded)| Reloader::new(source, loaded, roster.clone(), files.clone()));
        if let Some(reloader) = &reloader {
            metrics.configuration(reloader.board());
        }
        metrics.look_at(roster.clients());
        let expiry = expiry::watch(roster.clients());
        metrics.runtime(&tokio::runtime::Handle::current());
        let ahead = Ahead::of(roster.clients());
        let readiness = Readiness::new(lifecycle.clone(), settings.admin.overloaded_after);
        readiness.warms(ahead.clone());
        let admin = Admin::start(
            listeners.admin,
            readiness.clone(),
            metrics.clone(),
            reloader.clone(),
            &settings.admin.hosts,
        )?;

        let limits = &settings.grpc.limits;
        let places = |number| usize::try_from(number).unwrap_or(usize::MAX);
        metrics.watch(roster.generations().downgrade());
        let mut server = Server::builder(roster.generations().clone())
            .default_deadline(settings.grpc.timeouts.default_deadline)
            .max_deadline(settings.grpc.timeouts.max_deadline)
            .stall(settings.grpc.timeouts.stall)
            .max_calls(places(limits.max_concurrent_requests))
            .max_calls_per_connection(places(limits.max_requests_per_connection))
            .max_calls_per_caller(places(limits.max_requests_per_address))
            .max_request_memory(places(limits.max_request_memory))
            // Clients that balance among replicas keep a watch on each connection.
            .max_health_calls(places(limits.max_connections.max(64)))
            .observer(Arc::new(metrics.clone()));
        if let Some(audit) = &audit {
            server = server.audit(Arc::new(audit.clone()));
        }
        if !settings.cache.lifetimes.is_empty() {
            server = server.cached_answers();
        }
        if !settings.grpc.reflection {
            server = server.without_reflection();
        }
        let (service, health) = server.into_service();
        metrics.load(service.load().clone());
        readiness.watch(service.load().clone());
        let grpc = Grpc::start(
            listeners.grpc,
            service,
            ConnectionOptions {
                limits: settings.grpc.limits.clone(),
                timeouts: settings.grpc.timeouts.clone(),
                tls,
                metrics,
            },
            lifecycle.watch(),
        )?;
        let poll = settings.reload.poll;
        let mut following = Vec::new();
        if !poll.is_zero() {
            following.push(files.follow(poll));
            following.extend(reloader.as_ref().map(|reloader| reloader.follow(poll)));
        }
        Ok(Self {
            lifecycle,
            health,
            grpc,
            admin,
            shutdown: settings.shutdown.clone(),
            roster,
            ahead,
            reloader,
            _following: following,
            _expiry: expiry,
            audit,
            memory,
            store_folder: None,
        })
    }

    /// Keeps the folder of the store as long as itself.
    pub(crate) fn keep(&mut self, folder: StoreFolder) {
        self.store_folder = Some(folder);
    }

    /// Where the gRPC listener is.
    pub fn grpc(&self) -> SocketAddr {
        self.grpc.address()
    }

    /// Where the admin listener is.
    pub fn admin(&self) -> SocketAddr {
        self.admin.address()
    }

    /// The accounts that callers reach; some may come and go.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What reads the configuration again, if there is one to read.
    pub(crate) fn reloader(&self) -> Option<&Reloader> {
        self.reloader.as_ref()
    }

    /// Opens connections to WeChat ahead of the first calls, for the first accounts and for a few seconds at most.
    pub async fn connect(&self) {
        self.ahead.connect().await;
    }

    /// Says to the health service and to `/readyz` that calls are welcome.
    pub fn ready(&self) {
        self.health.serving();
        self.lifecycle.advance(Stage::Serving);
    }

    /// Ends the gateway without hurrying anybody who is in time.
    ///
    /// Readiness is withdrawn first, and for `pre_drain` everything else goes on, so that load balancers notice. Then
    /// no connection is accepted any more, the existing ones are told to go away (GOAWAY) and may answer the calls in
    /// flight. After `drain_deadline` what is left is cut. Replicas that share the store are told. Returns the number of connections that were cut.
    pub async fn drain(self) -> usize {
        self.health.not_serving();
        self.lifecycle.advance(Stage::Leaving);
        sleep(self.shutdown.pre_drain).await;
        // An open health watch would keep its connection for as long as its caller likes.
        self.health.end_watches();
        self.lifecycle.advance(Stage::Draining);
        let cut = self.grpc.drained(self.shutdown.drain_deadline).await;
        match cut {
            0 => tracing::info!("drained"),
            cut => tracing::warn!(
                connections = cut,
                "the drain deadline has passed; connections were cut"
            ),
        }
        if let Some(memory) = self.memory {
            memory.leave().await;
        }
        if let Some(audit) = self.audit {
            audit.close().await;
        }
        cut
    }
}

/// Tokens are shown where it is said who sees them.
fn refuse_exposure(settings: &Settings) -> Result<(), StartError> {
    let exposes = |account: &&AccountSettings| account.exposes_tokens;
    let exposure = Exposure::of(&settings.grpc, !settings.callers.is_empty());
    match (settings.accounts.iter().find(exposes), exposure.fault()) {
        (Some(account), Some(fault)) => Err(StartError::Exposed {
            account: account.client.account().clone(),
            fault,
        }),
        _ => Ok(()),
    }
}
