//! What can be set, with its defaults and limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use kabao_auth::HostName;

use super::account::AccountSettings;
use super::accounts;
use super::callers;
use super::exposure::Exposure;
use super::grpc::GrpcSettings;
use super::reload::ReloadSettings;
use super::section::Section;
use super::unit::{HOUR, MINUTE, SECOND};
use super::upstream::Upstream;
use super::{audit, cache, log, memory, telemetry};
use crate::audit::AuditSettings;
use crate::files::Modes;
use crate::memory::{CacheSettings, MemorySettings};
use crate::telemetry::{LogSettings, TelemetrySettings};
use crate::tokens::CallerSettings;

/// A complete, valid configuration.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `[grpc]`: the listener that callers use.
    pub grpc: GrpcSettings,
    /// `[admin]`: health and metrics for operators.
    pub admin: AdminSettings,
    /// `[log]`: what is written to standard error.
    pub log: LogSettings,
    /// `[telemetry]`: where traces go.
    pub telemetry: TelemetrySettings,
    /// `[process]`: what the system may do with the process.
    pub process: ProcessSettings,
    /// `[shutdown]`: how the process ends.
    pub shutdown: ShutdownSettings,
    /// `[reload]`: how a running gateway hears of a new configuration.
    pub reload: ReloadSettings,
    /// `[cache]`: answers to reads that are given again for a while.
    pub cache: CacheSettings,
    /// `[store]`: where changes are remembered. A configuration always has it; `None`, for whoever
    /// embeds the gateway, remembers nothing, and promises nothing for repeats.
    pub store: Option<MemorySettings>,
    /// What others may write of all that was read, in a sentence for people: found, and not set.
    pub writable: Option<String>,
    /// `[audit]`: where changes and refusals are recorded; nowhere unless it says so.
    pub audit: Option<AuditSettings>,
    /// `[[callers]]`: who calls with a bearer token. If there is anybody, nobody calls without a token or a certificate.
    pub callers: Vec<CallerSettings>,
    /// `[keys]`: which files with secrets are taken.
    pub keys: KeySettings,
    /// `[[accounts]]`: the upstream credentials, ordered as in the file.
    pub accounts: Vec<AccountSettings>,
}

/// `[keys]`
#[derive(Clone, Debug, Default)]
pub struct KeySettings {
    /// `allow_loose_files`, default false: whether files with secrets of accounts and the private key of `[grpc.tls]` are
    /// taken that others on the machine can read or change.
    pub allow_loose_files: bool,
}

/// `[admin]`
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// `listen`, default `127.0.0.1:9464`.
    pub listen: SocketAddr,
    /// `overloaded_after`, default 5 s: how long there has been no room for calls, without interruption, when `/readyz`
    /// begins to say so.
    pub overloaded_after: Duration,
    /// `hosts`: names by which it is reached; addresses and the names of loopback need not stand here.
    pub hosts: Vec<HostName>,
}

/// `[process]`
#[derive(Clone, Debug, Default)]
pub struct ProcessSettings {
    /// `core_dumps`, default false: whether core dumps may be written and the process be traced as the system allows;
    /// they hold keys, tokens and personal data.
    pub core_dumps: bool,
}

/// `[shutdown]`
#[derive(Clone, Debug)]
pub struct ShutdownSettings {
    /// `pre_drain`: how long to keep accepting after readiness is withdrawn, default 2 s.
    pub pre_drain: Duration,
    /// `drain_deadline`: how long calls in flight have to end, default 20 s.
    pub drain_deadline: Duration,
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)),
            overloaded_after: 5 * SECOND,
            hosts: Vec::new(),
        }
    }
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self {
            pre_drain: 2 * SECOND,
            drain_deadline: 20 * SECOND,
        }
    }
}

impl Settings {
    /// `accounts_folder` is where the files of accounts are, whose entries stand among the others already.
    pub(super) fn read(mut root: Section<'_>, accounts_folder: Option<&Path>) -> Self {
        // It was read; what stands there instead of a text is told now.
        root.string("accounts_dir");
        let has_callers = root.has_entries("callers");
        // Whose files may be loose is asked by other sections.
        let keys = KeySettings::read(root.section("keys"));
        let modes = keys.modes();
        let grpc = GrpcSettings::read(root.section("grpc"), has_callers, modes);
        let exposure = Exposure::of(&grpc, has_callers);
        // Mistakes are listed in the order of the reading, which is that of the file.
        let mut settings = Self {
            grpc,
            admin: AdminSettings::read(root.section("admin")),
            log: log::read(root.section("log")),
            telemetry: telemetry::read(root.section("telemetry")),
            process: ProcessSettings::read(root.section("process")),
            shutdown: ShutdownSettings::read(root.section("shutdown")),
            reload: ReloadSettings::read(root.section("reload")),
            cache: cache::read(root.section("cache")),
            store: Some(memory::read(root.section("store"), modes)),
            writable: None,
            audit: audit::read(root.section("audit")),
            callers: callers::read_all(&mut root),
            keys,
            accounts: Vec::new(),
        };
        let upstream = Upstream::read(root.section("upstream"), modes);
        let rules = accounts::Rules {
            exposure,
            modes,
            upstream: &upstream,
            folder: accounts_folder,
        };
        settings.accounts = accounts::read_all(&mut root, rules);
        let (grpc, admin) = (settings.grpc.listen, settings.admin.listen);
        if grpc == admin && grpc.port() != 0 {
            root.mistake(
                "",
                format!("grpc.listen and admin.listen are both {grpc}; they need an address each"),
            );
        }
        root.finish();
        settings
    }
}

impl KeySettings {
    fn read(mut section: Section<'_>) -> Self {
        let allow_loose_files = section.boolean("allow_loose_files", false);
        section.finish();
        Self { allow_loose_files }
    }

    fn modes(&self) -> Modes {
        match self.allow_loose_files {
            true => Modes::Any,
            false => Modes::Strict,
        }
    }
}

impl AdminSettings {
    fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let settings = Self {
            listen: section.address("listen", default.listen),
            overloaded_after: section.duration(
                "overloaded_after",
                default.overloaded_after,
                (Duration::from_millis(100), HOUR),
            ),
            hosts: read_hosts(&mut section),
        };
        section.finish();
        settings
    }
}

impl ProcessSettings {
    fn read(mut section: Section<'_>) -> Self {
        let core_dumps = section.boolean("core_dumps", false);
        section.finish();
        Self { core_dumps }
    }
}

impl ShutdownSettings {
    fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let settings = Self {
            pre_drain: section.duration(
                "pre_drain",
                default.pre_drain,
                (Duration::ZERO, 5 * MINUTE),
            ),
            drain_deadline: section.duration(
                "drain_deadline",
                default.drain_deadline,
                (Duration::ZERO, HOUR),
            ),
        };
        section.finish();
        settings
    }
}

fn read_hosts(section: &mut Section<'_>) -> Vec<HostName> {
    let names = section.strings("hosts").unwrap_or_default();
    let mut hosts = Vec::with_capacity(names.len());
    for name in &names {
        match name.value.parse::<HostName>() {
            Ok(host) => hosts.push(host),
            Err(error) => section.reject(name, error.to_string()),
        }
    }
    hosts
}
