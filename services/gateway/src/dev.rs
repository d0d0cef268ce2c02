//! `kabao dev`: gateway and sandbox in one process, for trying and for tests.

mod arrivals;
mod banner;
mod credentials;
mod demo;
mod error;
mod ready_file;
mod self_check;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kabao_sandbox::{AccountConfig, Directory, Running, Sandbox};

pub use self::banner::Banner;
pub use self::error::DevError;

use self::arrivals::Arrivals;
use self::ready_file::ReadyFile;
use crate::config::{
    AdminSettings, AuditSettings, GrpcSettings, MemorySettings, Settings, ShutdownSettings,
};
use crate::gateway::{Gateway, Listeners};
use crate::listener::bind;
use crate::memory::StoreFolder;
use crate::shared::Shared;

/// Where things are to be.
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// The folder of keys and files for foreign clients; without one, everything stays in memory.
    pub directory: Option<PathBuf>,
    /// Accounts beside those of the demo.
    pub accounts: Vec<AccountConfig>,
    /// Whether the demo accounts have templates and members.
    pub content: Content,
    /// The gRPC listener of the gateway.
    pub grpc: SocketAddr,
    /// Whether other machines may reach it: whoever does may do everything.
    pub open: bool,
    /// The admin listener of the gateway.
    pub admin: SocketAddr,
    /// WeChat, as the sandbox plays it.
    pub sandbox: SocketAddr,
    /// The control API of the sandbox.
    pub control: SocketAddr,
    /// Names by which it is reached, besides addresses and those of loopback.
    pub control_hosts: Vec<String>,
}

/// What the demo accounts hold at start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// A template and a member each.
    #[default]
    Demo,
    /// Nothing.
    Empty,
}

impl Default for DevOptions {
    /// Free ports of the loopback interface, demo data and no folder.
    fn default() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            directory: None,
            accounts: Vec::new(),
            content: Content::Demo,
            grpc: anywhere,
            open: false,
            admin: anywhere,
            sandbox: anywhere,
            control: anywhere,
            control_hosts: Vec::new(),
        }
    }
}

/// A gateway and a sandbox that know each other.
#[derive(Debug)]
pub struct Dev {
    gateway: Gateway,
    sandbox: Running,
    content: Content,
    ready_file: Option<ReadyFile>,
}

impl Dev {
    /// Starts both and asks each of them a question before returning.
    ///
    /// # Errors
    ///
    /// [`DevError`] if something does not start, or does not answer.
    pub async fn start(options: DevOptions) -> Result<Self, DevError> {
        if !options.grpc.ip().is_loopback() && !options.open {
            return Err(DevError::Open(options.grpc));
        }
        // First of all: whoever is there already must not notice us.
        let directory = options.directory.map(Directory::claim).transpose();
        let directory = directory.map_err(DevError::Directory)?;
        // Before keys are made and files are written; and kept, so that nobody else takes them.
        let listeners = Listeners {
            grpc: bind("--grpc", options.grpc).await?,
            admin: bind("--admin", options.admin).await?,
        };
        let wechat = bind("--sandbox", options.sandbox).await?;
        let control = bind("--control", options.control).await?;
        let mut sandbox = Sandbox::builder().demo(options.content == Content::Demo);
        if let Some(directory) = &directory {
            ReadyFile::remove_stale(directory.path());
            sandbox = sandbox.claimed_directory(directory.clone());
        }
        for account in options.accounts {
            sandbox = sandbox.account(account);
        }
        for name in options.control_hosts {
            sandbox = sandbox.control_host(name);
        }
        let sandbox = sandbox.start_on(wechat, control).await?;

        let store = match &directory {
            // The sandbox forgets with each start, and a memory of what it has forgotten would only mislead.
            Some(directory) => StoreFolder::anew(directory.path().join("store"))?,
            None => StoreFolder::temporary()?,
        };
        let shared = Shared::default();
        let settings = Settings {
            grpc: GrpcSettings {
                listen: options.grpc,
                open: options.open,
                ..GrpcSettings::default()
            },
            admin: AdminSettings {
                listen: options.admin,
                ..AdminSettings::default()
            },
            shutdown: ShutdownSettings {
                pre_drain: Duration::ZERO,
                ..ShutdownSettings::default()
            },
            store: Some(MemorySettings::embedded(store.path())),
            audit: directory.as_ref().map(audit_log),
            accounts: credentials::of(&sandbox, &shared)?,
            ..Settings::default()
        };
        let mut gateway = Gateway::start_on(listeners, &settings).await?;
        gateway.keep(store);
        gateway.ready();
        sandbox.watch_accounts(Arrivals {
            roster: gateway.roster().clone(),
            ca: sandbox.ca_pem().to_owned(),
            shared,
        });
        let mut dev = Self {
            gateway,
            sandbox,
            content: options.content,
            ready_file: None,
        };
        self_check::run(&dev.gateway).await?;
        if let Some(directory) = &directory {
            dev.ready_file = Some(ReadyFile::write(directory.path(), &dev)?);
        }
        Ok(dev)
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The sandbox.
    pub fn sandbox(&self) -> &Running {
        &self.sandbox
    }

    /// Both, for a test that treats them differently; `ready.json` is removed.
    pub fn into_parts(self) -> (Gateway, Running) {
        (self.gateway, self.sandbox)
    }

    /// What a person needs to go on.
    pub fn banner(&self) -> Banner<'_> {
        Banner::new(self)
    }

    /// Drains the gateway, then stops the sandbox. Returns the number of connections that were cut.
    pub async fn stop(self) -> usize {
        drop(self.ready_file);
        let cut = self.gateway.drain().await;
        self.sandbox.shutdown().await;
        cut
    }
}

/// Goes on from start to start, as in production.
fn audit_log(directory: &Directory) -> AuditSettings {
    let folder = directory.path();
    AuditSettings::to_file(folder.join("audit.jsonl"), folder.join("audit.key"))
}
