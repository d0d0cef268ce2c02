//! Starting and stopping the sandbox.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::account::{AccountConfig, Credentials};
use crate::account_watch::AccountWatcher;
use crate::accounts::{Accounts, Opening};
use crate::clock::{Clock, SystemClock, Time};
use crate::control;
use crate::demo;
use crate::directory::Directory;
use crate::error::StartError;
use crate::exchange::Received;
use crate::fault::FaultRule;
use crate::files::Files;
use crate::keys::Authority;
use crate::ledger::LedgerEntry;
use crate::requests::{Exchange, ExchangeFilter};
use crate::server::{self, Outcome, Service};
use crate::settings::Settings;
use crate::site;
use crate::sync::lock;
use crate::world::{Parts, World};

/// How long tasks may take to end beyond their own drain time.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The emulator of WeChat's membership-card servers.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Begins to describe a sandbox: loopback, free ports, no directory, demo data.
    pub fn builder() -> Builder {
        Builder {
            listen: "127.0.0.1:0".to_owned(),
            control: "127.0.0.1:0".to_owned(),
            control_hosts: Vec::new(),
            place: None,
            demo: true,
            accounts: Vec::new(),
            settings: Settings::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Describes a sandbox; [`Builder::start`] runs it.
#[derive(Clone)]
pub struct Builder {
    listen: String,
    control: String,
    control_hosts: Vec<String>,
    place: Option<Place>,
    demo: bool,
    accounts: Vec<AccountConfig>,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

impl Builder {
    /// Sets the address of the WeChat side (HTTPS). Default `127.0.0.1:0`, a free port.
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// Adds a name by which the control API is reached. Requests under other names, and those of pages of other origins,
    /// are refused, unless they name an address or the names of loopback: a page on the web could otherwise give orders
    /// through a browser on this machine. A name has no port.
    #[must_use]
    pub fn control_host(mut self, name: impl Into<String>) -> Self {
        self.control_hosts.push(name.into());
        self
    }

    /// Sets the address of the control API (plain HTTP, no authentication: keep it on loopback).
    /// Default `127.0.0.1:0`.
    #[must_use]
    pub fn control(mut self, address: impl Into<String>) -> Self {
        self.control = address.into();
        self
    }

    /// Writes keys and credentials below `directory/sandbox` and takes those of an earlier run
    /// from there. Without a directory everything stays in memory. The directory is claimed at
    /// [`start`](Self::start): two sandboxes do not share one.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.place = Some(Place::Path(directory.into()));
        self
    }

    /// Does the same with a directory that this process has claimed already.
    #[must_use]
    pub fn claimed_directory(mut self, directory: Directory) -> Self {
        self.place = Some(Place::Claimed(directory));
        self
    }

    /// Sets whether templates and members of the demo accounts exist at start and after a reset.
    /// The demo accounts exist either way. Default true.
    #[must_use]
    pub fn demo(mut self, demo: bool) -> Self {
        self.demo = demo;
        self
    }

    /// Adds an account beside the demo accounts.
    #[must_use]
    pub fn account(mut self, account: AccountConfig) -> Self {
        self.accounts.push(account);
        self
    }

    /// Sets the settings at start and after a reset.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the clock. Default: the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Starts both listeners.
    ///
    /// # Errors
    ///
    /// Fails if another sandbox uses the directory, an address cannot be used, a file of the
    /// directory cannot be read or written, or an account is described wrongly.
    pub async fn start(mut self) -> Result<Running, StartError> {
        // Whoever is there already must not notice us.
        self.place = match self.place.take() {
            Some(place) => Some(Place::Claimed(place.claimed()?)),
            None => None,
        };
        let listener = bind(&self.listen).await?;
        let control = bind(&self.control).await?;
        self.start_on(listener, control).await
    }

    /// Starts on listeners that are open already, for programs that must know all their ports before
    /// anything else happens; [`listen`](Self::listen) and [`control`](Self::control) do not count.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start), but for addresses.
    pub async fn start_on(
        mut self,
        listener: TcpListener,
        control: TcpListener,
    ) -> Result<Running, StartError> {
        let control_hosts = self
            .control_hosts
            .iter()
            .map(|name| {
                name.parse()
                    .map_err(|error| StartError::control_host(name, error))
            })
            .collect::<Result<_, _>>()?;
        let directory = self.place.take().map(Place::claimed).transpose()?;
        let addr = local(&listener)?;
        let control_addr = local(&control)?;
        let folder = directory.as_ref().map(|claimed| claimed.path().to_owned());
        let prepared = tokio::task::spawn_blocking(move || self.prepare(addr, folder.as_deref()))
            .await
            .map_err(|_| StartError::internal("preparing keys panicked"))??;
        let (stop, stopped) = watch::channel(false);
        let world = Arc::new(prepared.world);
        let tasks = vec![
            tokio::spawn(server::serve(
                listener,
                Some(prepared.tls),
                Arc::new(WeChat(Arc::clone(&world))),
                stopped.clone(),
            )),
            tokio::spawn(server::serve(
                control,
                None,
                Arc::new(control::Control::new(Arc::clone(&world), control_hosts)),
                stopped,
            )),
        ];
        Ok(Running {
            world,
            addr,
            control_addr,
            stop,
            tasks,
            _directory: directory,
        })
    }

    /// Makes or loads everything that takes time.
    fn prepare(self, addr: SocketAddr, folder: Option<&Path>) -> Result<Prepared, StartError> {
        let files = folder.map(Files::open).transpose()?;
        let (tls_authority, api_authority) = authorities(files.as_ref())?;
        let (certificate, key) = tls_authority.issue_server()?;
        let tls = server::acceptor(&certificate, &key)?;
        let time = Time::new(self.clock);
        let base_url = format!("https://{addr}");
        let opening = Opening {
            files: files.as_ref(),
            authority: &api_authority,
            now: time.base(),
            base_url: &base_url,
        };
        let accounts = Accounts::new(Vec::new());
        for config in demo::accounts().into_iter().chain(self.accounts) {
            accounts.add(config, &opening)?;
        }
        let added = files.as_ref().map(Files::added).transpose()?;
        for config in added.unwrap_or_default() {
            // What the caller of this library describes comes first.
            if accounts.find(&config.name).is_none() {
                accounts.add(config, &opening)?;
            }
        }
        let world = World::new(Parts {
            time,
            accounts: Vec::clone(&accounts.all()),
            base_url,
            api_authority,
            ca_pem: tls_authority.pem().to_owned(),
            files,
            settings: self.settings,
            fill: if self.demo { demo::fill } else { |_| () },
        });
        Ok(Prepared { world, tls })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("listen", &self.listen)
            .field("control", &self.control)
            .field("directory", &self.place)
            .field("demo", &self.demo)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// Where files are kept.
#[derive(Clone, Debug)]
enum Place {
    Path(PathBuf),
    Claimed(Directory),
}

impl Place {
    fn claimed(self) -> Result<Directory, StartError> {
        match self {
            Self::Path(path) => Directory::claim(path),
            Self::Claimed(directory) => Ok(directory),
        }
    }
}

struct Prepared {
    world: World,
    tls: tokio_rustls::TlsAcceptor,
}

/// Makes the two authorities, or makes them again from the keys of an earlier run.
fn authorities(files: Option<&Files>) -> Result<(Authority, Authority), StartError> {
    const TLS_KEY: &str = "tls_ca_key.pem";
    const API_KEY: &str = "api_ca_key.pem";
    let Some(files) = files else {
        return Ok((Authority::tls(None)?.0, Authority::api(None)?.0));
    };
    let earlier = files.own(TLS_KEY)?;
    let (mut tls, tls_key) = Authority::tls(earlier.as_deref())?;
    match (earlier, files.ca()?) {
        (Some(_), Some(pem)) => tls = tls.with_certificate(pem),
        _ => files.write_ca(tls.pem())?,
    }
    files.write_own(TLS_KEY, &tls_key)?;
    let (api, api_key) = Authority::api(files.own(API_KEY)?.as_deref())?;
    files.write_own(API_KEY, &api_key)?;
    Ok((tls, api))
}

async fn bind(address: &str) -> Result<TcpListener, StartError> {
    let address: SocketAddr = address.parse().map_err(|_| StartError::address(address))?;
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::listen(address, source))
}

fn local(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener
        .local_addr()
        .map_err(|error| StartError::internal(format!("a listener has no address: {error}")))
}

/// The WeChat side.
struct WeChat(Arc<World>);

impl Service for WeChat {
    fn max_body_bytes(&self) -> usize {
        self.0.settings().authentication.max_body_bytes
    }

    fn answer(&self, received: &Received) -> Outcome {
        site::answer(&self.0, received)
    }

    fn unread(&self, received: &Received, status: u16) {
        site::unread(&self.0, received, status);
    }
}

/// A running sandbox. Dropping it closes the listeners; [`Running::shutdown`] also waits.
pub struct Running {
    world: Arc<World>,
    addr: SocketAddr,
    control_addr: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    /// Given back when everything else has ended.
    _directory: Option<Directory>,
}

impl Running {
    /// Returns where the WeChat side listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns where the control API listens.
    pub fn control_addr(&self) -> SocketAddr {
        self.control_addr
    }

    /// Returns the URL of the WeChat side.
    pub fn base_url(&self) -> String {
        self.world.base_url.clone()
    }

    /// Returns the certificate that signs the server's certificate.
    pub fn ca_pem(&self) -> &str {
        &self.world.ca_pem
    }

    /// Returns the folder with `ca.pem` and the folders of the accounts, if there is one.
    pub fn files(&self) -> Option<&Path> {
        self.world.files.as_ref().map(Files::root)
    }

    /// Returns the credentials of every account.
    pub fn accounts(&self) -> Vec<Credentials> {
        self.world.credentials()
    }

    /// Returns the credentials of one account.
    pub fn account(&self, name: &str) -> Option<Credentials> {
        self.world
            .account(name)
            .map(|account| account.credentials(&self.world.base_url))
    }

    /// Tells a watcher of every account that is there, and from now on of those that join and leave.
    /// It takes the place of an earlier one.
    pub fn watch_accounts(&self, watcher: impl AccountWatcher + 'static) {
        self.world.account_watch.set(Arc::new(watcher));
        for account in self.accounts() {
            self.world.account_watch.joined(&account);
        }
    }

    /// Returns the platform certificates of an account, oldest first, as PEM; none for an account
    /// without keys.
    pub fn platform_certificates(&self, account: &str) -> Vec<String> {
        self.world
            .account(account)
            .and_then(|account| account.pay.clone())
            .map(|pay| {
                lock(&pay.keyring)
                    .platform()
                    .iter()
                    .map(|platform| platform.pem.clone())
                    .collect()
            })
            .unwrap_or_default()
    }

    /// Returns every applied effect since the start or the last reset.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        lock(&self.world.ledger).entries()
    }

    /// Returns the newest exchanges with the WeChat side, with heads and bodies, oldest first.
    pub fn requests(&self, filter: &ExchangeFilter) -> Vec<Exchange> {
        lock(&self.world.requests).find(filter).cloned().collect()
    }

    /// Returns templates and members of all families as the control API shows them.
    pub fn state(&self) -> serde_json::Value {
        control::state(&self.world, None)
    }

    /// Returns the present settings.
    pub fn settings(&self) -> Settings {
        Settings::clone(&self.world.settings())
    }

    /// Replaces the settings.
    pub fn set_settings(&self, settings: Settings) {
        self.world.set_settings(settings);
    }

    /// Lets a fault wait for its requests.
    ///
    /// # Errors
    ///
    /// Fails if the rule hits no request or too many faults wait.
    pub fn inject(&self, fault: FaultRule) -> Result<(), &'static str> {
        lock(&self.world.faults).add(fault)
    }

    /// Returns the faults that wait for a request.
    pub fn faults(&self) -> Vec<FaultRule> {
        lock(&self.world.faults).waiting().to_vec()
    }

    /// Waits until something holds. It is looked at again whenever a fault was taken or an exchange
    /// is over, so nobody has to ask again and again.
    pub async fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        let mut happened = self.world.happened.subscribe();
        while !holds(self) {
            // It cannot fail: the world has the sender.
            if happened.changed().await.is_err() {
                return;
            }
        }
    }

    /// Moves the clock by which cards and tokens age.
    pub fn advance(&self, seconds: i64) {
        self.world.time.advance(seconds);
    }

    /// Returns to the state at start; keys stay as they are, and so do added accounts.
    pub fn reset(&self) {
        self.world.reset();
    }

    /// Lets an account join while the sandbox runs: its requests are accepted from now on. With a
    /// directory its folder is written, and the account is there again after a restart.
    ///
    /// # Errors
    ///
    /// Fails if the name or the number is taken or cannot be used, a key or certificate cannot be
    /// read, or the folder cannot be written.
    pub async fn add_account(&self, account: AccountConfig) -> Result<Credentials, StartError> {
        let world = Arc::clone(&self.world);
        tokio::task::spawn_blocking(move || {
            let account = world.add_account(account)?;
            Ok(account.credentials(&world.base_url))
        })
        .await
        .map_err(|_| StartError::internal("making keys panicked"))?
    }

    /// Stops both listeners, lets open requests finish for a bounded time and returns.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for mut task in std::mem::take(&mut self.tasks) {
            if tokio::time::timeout(STOP_TIMEOUT, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("addr", &self.addr)
            .field("control_addr", &self.control_addr)
            .finish_non_exhaustive()
    }
}
