//! What an account is configured with.

mod brand;
mod credential;
mod files;
mod merchant;
mod merchant_key;
mod official_account;

use std::sync::Arc;

pub use self::brand::BrandBuilder;
pub use self::credential::{PayCredential, WeChatPayKey, WechatpaySerial};
pub use self::merchant::MerchantBuilder;
pub use self::merchant_key::MerchantKey;
pub use self::official_account::OfficialAccountBuilder;

use kabao_api::{AccountId, Family};

use crate::client::Client;
use crate::clock::{Clock, SystemClock};
use crate::connections::Connections;
use crate::decorator::Decorator;
use crate::faults::Faults;
use crate::origin::{Hosts, Origin};
use crate::pipeline::Pipeline;
use crate::pipeline::credentials::Credentials;
use crate::pipeline::quota::Quotas;
use crate::proxy::Proxy;
use crate::route::{Route, Tunnels};
use crate::settings::Settings;
use crate::signing::{Signing, SigningThreads};
use crate::transport::{Roots, Transport};

impl Client {
    /// Starts the configuration of a merchant number of WeChat Pay, under a name of your own: 1 to 63
    /// of `a-z`, `0-9` and `-`.
    pub fn merchant(account: impl Into<String>) -> MerchantBuilder {
        MerchantBuilder::new(account.into())
    }

    /// Starts the configuration of a brand, under a name of your own.
    pub fn brand(account: impl Into<String>) -> BrandBuilder {
        BrandBuilder::new(account.into())
    }

    /// Starts the configuration of an official account, under a name of your own.
    pub fn official_account(account: impl Into<String>) -> OfficialAccountBuilder {
        OfficialAccountBuilder::new(account.into())
    }
}

/// The options that every family has.
#[derive(Clone)]
struct Common {
    account: String,
    base_url: Option<String>,
    backup_base_url: Option<String>,
    /// Where requests go unless the operator says otherwise.
    default_urls: DefaultUrls,
    root_certificates: Vec<String>,
    proxy: Option<Proxy>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    decorator: Arc<dyn Decorator>,
    connections: Connections,
    signing_threads: Option<SigningThreads>,
    quotas: Quotas,
}

/// Where requests of a family go unless the operator says otherwise.
#[derive(Clone, Copy)]
struct DefaultUrls {
    main: &'static str,
    backup: Option<&'static str>,
}

impl DefaultUrls {
    /// WeChat Pay, near and far.
    const PAY: Self = Self {
        main: "https://api.mch.weixin.qq.com",
        backup: Some("https://api2.mch.weixin.qq.com"),
    };
    const OFFICIAL_ACCOUNT: Self = Self {
        main: "https://api.weixin.qq.com",
        backup: None,
    };
}

/// The parts that every client needs.
struct Parts {
    account: AccountId,
    hosts: Hosts,
    /// What is known of the proxy, if there is one.
    tunnels: Option<Tunnels>,
    transport: Arc<dyn Transport>,
}

impl Common {
    fn new(account: String, default_urls: DefaultUrls) -> Self {
        Self {
            account,
            base_url: None,
            backup_base_url: None,
            default_urls,
            root_certificates: Vec::new(),
            proxy: None,
            settings: Settings::default(),
            clock: Arc::new(SystemClock),
            decorator: Arc::new(()),
            connections: Connections::default(),
            signing_threads: None,
            quotas: Quotas::default(),
        }
    }

    /// Checks the options and sets up the transport.
    fn parts(&self, faults: &mut Faults) -> Option<Parts> {
        let account = AccountId::new(self.account.as_str())
            .map_err(|error| {
                for violation in error.violations() {
                    faults.add(violation.field.as_str(), &violation.description);
                }
            })
            .ok();
        for (field, fault) in self.settings.faults() {
            faults.add(field, fault);
        }
        let hosts = self.hosts(faults);
        let mut roots = Roots::public();
        for pem in &self.root_certificates {
            faults.keep("root_certificates", roots.add_pem(pem));
        }
        let proxy = self.proxy.clone();
        let hosts = hosts?;
        let extra = &self.root_certificates;
        let opened = self
            .connections
            .open(&hosts, extra, roots, proxy, &self.settings);
        let transport: Arc<dyn Transport> = faults.keep("tls", opened)?;
        let account = account?;
        let proxy = self.proxy.as_ref();
        let tunnels =
            proxy.map(|proxy| Tunnels::new(account.clone(), proxy, &self.settings.breaker));
        Some(Parts {
            account,
            hosts,
            tunnels,
            transport,
        })
    }

    /// The hosts of the account. A host of the operator's has a backup only if that is named too.
    fn hosts(&self, faults: &mut Faults) -> Option<Hosts> {
        let DefaultUrls { main, backup } = self.default_urls;
        let url = self.base_url.as_deref().unwrap_or(main);
        let main = faults.keep("base_url", Origin::parse(url));
        let own = self.backup_base_url.as_deref();
        let url = own.or(backup.filter(|_| self.base_url.is_none()));
        let backup = match url {
            None => None,
            Some(url) => Some(faults.keep("backup_base_url", Origin::parse(url))?),
        };
        if main.is_some() && main == backup {
            faults.add("backup_base_url", "must be another host than base_url");
        }
        Some(Hosts {
            main: main?,
            backup,
        })
    }

    /// Where the requests of one credential are signed.
    fn signing(&self) -> Signing {
        match &self.signing_threads {
            Some(threads) => Signing::Threads(threads.seat()),
            None => Signing::Inline,
        }
    }

    /// The way of one credential to the hosts.
    fn route(&self, parts: &Parts) -> Route {
        let route = Route::new(parts.account.clone(), &parts.hosts, &self.settings.breaker);
        route.through(parts.tunnels.clone())
    }

    /// Makes the pipeline of an account.
    fn pipeline(&self, family: Family, credentials: Credentials, parts: Parts) -> Pipeline {
        Pipeline::new(
            parts.account,
            family,
            credentials,
            parts.transport,
            Arc::clone(&self.clock),
            self.settings.clone(),
            &self.quotas,
        )
    }
}

/// The options that every family has, as methods of its builder.
macro_rules! common_options {
    () => {
        /// Sets where requests go; `https://` and a host, with or without a port. There is no backup for
        /// it unless [`backup_base_url`](Self::backup_base_url) is set as well.
        #[must_use]
        pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
            self.common.base_url = Some(base_url.into());
            self
        }

        /// Sets where requests go while the host of [`base_url`](Self::base_url) does not work; unless
        /// set, WeChat Pay's `https://api2.mch.weixin.qq.com` for its `https://api.mch.weixin.qq.com`.
        #[must_use]
        pub fn backup_base_url(mut self, base_url: impl Into<String>) -> Self {
            self.common.backup_base_url = Some(base_url.into());
            self
        }

        /// Trusts the certificates of a PEM text besides the public roots, such as the CA of a sandbox.
        #[must_use]
        pub fn root_certificates(mut self, pem: impl Into<String>) -> Self {
            self.common.root_certificates.push(pem.into());
            self
        }

        /// Reaches WeChat through a proxy. Unless set there is none, whatever the environment says (`HTTPS_PROXY`).
        #[must_use]
        pub fn proxy(mut self, proxy: &$crate::Proxy) -> Self {
            self.common.proxy = Some(proxy.clone());
            self
        }

        /// Sets the bounds.
        #[must_use]
        pub fn settings(mut self, settings: $crate::Settings) -> Self {
            self.common.settings = settings;
            self
        }

        /// Sets the clock that is signed and verified with.
        #[must_use]
        pub fn clock(mut self, clock: impl $crate::Clock + 'static) -> Self {
            self.common.clock = std::sync::Arc::new(clock);
            self
        }

        /// Signs on threads that other clients use too; unless set, a client signs where it is called.
        #[must_use]
        pub fn signing_threads(mut self, threads: &$crate::SigningThreads) -> Self {
            self.common.signing_threads = Some(threads.clone());
            self
        }

        /// Shares with other clients what it costs to connect; shares nothing unless set.
        #[must_use]
        pub fn connections(mut self, connections: &$crate::Connections) -> Self {
            self.common.connections = connections.clone();
            self
        }

        /// Shares with other clients what they may send to WeChat; shares nothing unless set.
        #[must_use]
        pub fn quotas(mut self, quotas: &$crate::Quotas) -> Self {
            self.common.quotas = quotas.clone();
            self
        }

        /// Puts something between the callers of the account and WeChat.
        #[must_use]
        pub fn decorator(mut self, decorator: impl $crate::Decorator + 'static) -> Self {
            self.common.decorator = std::sync::Arc::new(decorator);
            self
        }
    };
}

use common_options;

#[cfg(test)]
mod tests;
