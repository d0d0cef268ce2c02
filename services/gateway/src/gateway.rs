//! The running gateway: the facade, its listeners, and the way out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kabao_client::Observer;
use kabao_grpc::{Health, Server};
use opentelemetry_sdk::error::OTelSdkError;
use tokio::time::sleep;

use crate::accounts::Roster;
use crate::config::{Settings, ShutdownSettings};
use crate::lifecycle::{Lifecycle, Stage};
use crate::listener::{Admin, BindError, Grpc, bind};
use crate::telemetry::{Calls, Methods, Metrics};

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
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// An account lets callers see its tokens, and callers come from elsewhere.
    #[error(
        "account {account} says expose_tokens = true, which needs a loopback address in grpc.listen"
    )]
    Exposed {
        /// The account.
        account: kabao_api::AccountId,
    },
    /// The accounts do not fit together.
    #[error(transparent)]
    Accounts(#[from] kabao_api::Error),
    /// A listener fails right after it was opened.
    #[error("a listener failed")]
    Listener(#[from] io::Error),
    /// The registry of metrics cannot be built.
    #[error("metrics cannot be set up")]
    Metrics(#[from] OTelSdkError),
}

/// What the addresses are called where they were chosen, for errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressNames {
    pub(crate) grpc: &'static str,
    pub(crate) admin: &'static str,
}

impl AddressNames {
    pub(crate) const CONFIGURATION: Self = Self {
        grpc: "grpc.listen",
        admin: "admin.listen",
    };
    pub(crate) const FLAGS: Self = Self {
        grpc: "--grpc",
        admin: "--admin",
    };
}

impl Gateway {
    /// Opens the listeners in front of the configured accounts.
    ///
    /// # Errors
    ///
    /// [`StartError`] if an address cannot be used.
    pub async fn start(settings: &Settings) -> Result<Self, StartError> {
        Self::start_named(settings, AddressNames::CONFIGURATION).await
    }

    pub(crate) async fn start_named(
        settings: &Settings,
        names: AddressNames,
    ) -> Result<Self, StartError> {
        let exposed = settings
            .accounts
            .iter()
            .find(|account| account.exposes_tokens && !settings.grpc.listen.ip().is_loopback());
        if let Some(account) = exposed {
            return Err(StartError::Exposed {
                account: account.id.clone(),
            });
        }
        let grpc_listener = bind(names.grpc, settings.grpc.listen).await?;
        let admin_listener = bind(names.admin, settings.admin.listen).await?;

        let lifecycle = Lifecycle::new();
        let metrics = Metrics::new()?;
        let observer: Arc<dyn Observer> = Arc::new(metrics.clone());
        let roster = Roster::start(&settings.accounts, observer)?;
        let admin = Admin::start(admin_listener, lifecycle.clone(), metrics.clone())?;

        let limits = &settings.grpc.limits;
        let calls = usize::try_from(limits.max_concurrent_requests).unwrap_or(usize::MAX);
        let accounts = Arc::new(roster.accounts().clone());
        metrics.watch(Arc::clone(&accounts));
        let mut server = Server::builder(accounts)
            .default_deadline(settings.grpc.timeouts.default_deadline)
            .max_deadline(settings.grpc.timeouts.max_deadline)
            .max_calls(calls);
        if !settings.grpc.reflection {
            server = server.without_reflection();
        }
        let (service, health) = server.into_service();
        let service = Calls::new(service, metrics, Methods::of_the_api());
        let grpc = Grpc::start(grpc_listener, service, &settings.grpc, lifecycle.watch())?;
        Ok(Self {
            lifecycle,
            health,
            grpc,
            admin,
            shutdown: settings.shutdown.clone(),
            roster,
        })
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

    /// Says to the health service and to `/readyz` that calls are welcome.
    pub fn ready(&self) {
        self.health.serving();
        self.lifecycle.advance(Stage::Serving);
    }

    /// Ends the gateway without hurrying anybody who is in time.
    ///
    /// Readiness is withdrawn first, and for `pre_drain` everything else goes on, so that load balancers notice. Then
    /// no connection is accepted any more, the existing ones are told to go away (GOAWAY) and may answer the calls in
    /// flight. After `drain_deadline` what is left is cut. Returns the number of connections that were cut.
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
        cut
    }
}
