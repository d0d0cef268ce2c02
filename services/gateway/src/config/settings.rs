//! What can be set, with its defaults and limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use kabao_auth::HostName;

use super::account::{self, AccountSettings};
use super::audit;
use super::cache::CacheSettings;
use super::callers::{self, CallerSettings};
use super::exposure::Exposure;
use super::grpc::GrpcSettings;
use super::memory::MemorySettings;
use super::reload::ReloadSettings;
use super::section::Section;
use super::upstream::Upstream;
use crate::audit::AuditSettings;
use crate::files::Modes;
use crate::telemetry::filter;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

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

/// `[log]`
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `format`, `json` (default) or `text`.
    pub format: LogFormat,
    /// `level`: a level such as `info` (default), or directives such as `info,kabao_client=debug`. Libraries that are not
    /// of Kabao are heard up to `info`.
    pub level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// `[telemetry]`
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// `otlp_endpoint` of a collector, `http://host:port`; absent by default: no traces leave the process.
    pub otlp_endpoint: Option<String>,
    /// `sample_ratio` of calls without a parent that is believed, 0 to 1, default 1: how many are traced.
    pub sample_ratio: f64,
    /// `traceparent`, `known` (default), `all` or `none`: which callers decide by it whether a call is traced.
    pub traceparent: TraceParents,
    /// `max_account_labels`, 0 to 10,000, default 100: how many accounts `/metrics` tells apart; the rest is `other`.
    pub max_account_labels: usize,
}

/// Whose `traceparent` is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceParents {
    /// That of callers who are known by a token or a certificate, and, where callers have no names, of those on this
    /// machine.
    #[default]
    Known,
    /// Everybody's: something in front of the port sees to it.
    All,
    /// Nobody's.
    None,
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
            listen: loopback(9464),
            overloaded_after: 5 * SECOND,
            hosts: Vec::new(),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            format: LogFormat::Json,
            level: "info".to_owned(),
        }
    }
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            sample_ratio: 1.0,
            traceparent: TraceParents::Known,
            max_account_labels: 100,
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
            log: LogSettings::read(root.section("log")),
            telemetry: TelemetrySettings::read(root.section("telemetry")),
            process: ProcessSettings::read(root.section("process")),
            shutdown: ShutdownSettings::read(root.section("shutdown")),
            reload: ReloadSettings::read(root.section("reload")),
            cache: CacheSettings::read(root.section("cache")),
            store: Some(MemorySettings::read(root.section("store"), modes)),
            writable: None,
            audit: audit::read(root.section("audit")),
            callers: callers::read_all(&mut root),
            keys,
            accounts: Vec::new(),
        };
        let upstream = Upstream::read(root.section("upstream"), modes);
        let rules = account::Rules {
            exposure,
            modes,
            upstream: &upstream,
            folder: accounts_folder,
        };
        settings.accounts = account::read_all(&mut root, rules);
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

impl LogSettings {
    fn read(mut section: Section<'_>) -> Self {
        let mut settings = Self::default();
        let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
        if let Some(format) = section.word("format", &formats) {
            settings.format = format;
        }
        if let Some(level) = section.string("level") {
            match filter(&level.value) {
                Ok(_) => settings.level = level.value,
                Err(error) => section.reject(&level, error),
            }
        }
        section.finish();
        settings
    }
}

impl TelemetrySettings {
    fn read(mut section: Section<'_>) -> Self {
        let mut settings = Self::default();
        if let Some(endpoint) = section.string("otlp_endpoint") {
            if is_plain_http(&endpoint.value) {
                settings.otlp_endpoint = Some(endpoint.value);
            } else {
                section.reject(
                    &endpoint,
                    "must be `http://host:port` of a collector that takes OTLP over gRPC",
                );
            }
        }
        settings.sample_ratio = section.ratio("sample_ratio", settings.sample_ratio);
        let words = [
            ("known", TraceParents::Known),
            ("all", TraceParents::All),
            ("none", TraceParents::None),
        ];
        settings.traceparent = section.word("traceparent", &words).unwrap_or_default();
        let labels = section.number("max_account_labels", 100, (0, 10_000));
        settings.max_account_labels =
            usize::try_from(labels).unwrap_or(settings.max_account_labels);
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

pub(super) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A user would be told wherever the address is, and nobody would ask for it.
fn is_plain_http(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| {
        let names_user = uri.authority().is_some_and(|it| it.as_str().contains('@'));
        let names_host = uri.host().is_some_and(|host| !host.is_empty());
        uri.scheme_str() == Some("http") && names_host && !names_user
    })
}
