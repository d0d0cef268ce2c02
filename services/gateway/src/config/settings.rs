//! What can be set, with its defaults and limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kabao_grpc::Server;
use tracing_subscriber::filter::Targets;

use super::account::{self, AccountSettings};
use super::memory::MemorySettings;
use super::section::Section;
use super::tls::TlsSettings;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

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
    /// `[shutdown]`: how the process ends.
    pub shutdown: ShutdownSettings,
    /// `[store]`: where changes are remembered. A configuration always has it; `None`, for whoever
    /// embeds the gateway, remembers nothing, and promises nothing for repeats.
    pub store: Option<MemorySettings>,
    /// `[[accounts]]`: the upstream credentials, ordered as in the file.
    pub accounts: Vec<AccountSettings>,
}

/// `[grpc]`
#[derive(Clone, Debug)]
pub struct GrpcSettings {
    /// `listen`, default `127.0.0.1:50051`.
    pub listen: SocketAddr,
    /// `reflection`, default true: whether clients may ask which methods there are.
    pub reflection: bool,
    /// `[grpc.tls]`, absent by default: plain text.
    pub tls: Option<TlsSettings>,
    /// `[grpc.limits]`
    pub limits: Limits,
    /// `[grpc.timeouts]`
    pub timeouts: Timeouts,
}

/// `[grpc.limits]`
#[derive(Clone, Debug)]
pub struct Limits {
    /// `max_connections`, default 1024. A connection above it is closed at once.
    pub max_connections: u32,
    /// `max_concurrent_streams` of one connection, default 256.
    pub max_concurrent_streams: u32,
    /// `max_concurrent_requests` of all connections together, default 1024. A call above it is answered with
    /// `RESOURCE_EXHAUSTED`.
    pub max_concurrent_requests: u32,
    /// `max_header_list_size` of one request in bytes, default 16 KiB.
    pub max_header_list_size: u32,
}

/// `[grpc.timeouts]`
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// `default_deadline` of a call that names none, default 10 s.
    pub default_deadline: Duration,
    /// `max_deadline` of a call, whatever it names, default 60 s.
    pub max_deadline: Duration,
    /// `handshake`: from the accepted connection to the end of the TLS handshake, default 5 s.
    pub handshake: Duration,
    /// `preface`: until the peer has begun to speak HTTP/2, default 5 s.
    pub preface: Duration,
    /// `keepalive_interval` between pings on a quiet connection, default 60 s.
    pub keepalive_interval: Duration,
    /// `keepalive_timeout` for the answer to a ping, default 20 s.
    pub keepalive_timeout: Duration,
    /// `max_connection_age` before a connection is asked to go elsewhere, default 30 min, varied by a tenth.
    pub max_connection_age: Duration,
    /// `max_connection_age_grace` for calls on an aged connection to end, default 60 s.
    pub max_connection_age_grace: Duration,
}

/// `[admin]`
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// `listen`, default `127.0.0.1:9464`.
    pub listen: SocketAddr,
}

/// `[log]`
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `format`, `json` (default) or `text`.
    pub format: LogFormat,
    /// `level`: a level such as `info` (default), or directives such as `info,kabao_client=debug`.
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
    /// `sample_ratio` of calls without a sampled parent that are traced, 0 to 1, default 1.
    pub sample_ratio: f64,
}

/// `[shutdown]`
#[derive(Clone, Debug)]
pub struct ShutdownSettings {
    /// `pre_drain`: how long to keep accepting after readiness is withdrawn, default 2 s.
    pub pre_drain: Duration,
    /// `drain_deadline`: how long calls in flight have to end, default 20 s.
    pub drain_deadline: Duration,
}

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            listen: loopback(50051),
            reflection: true,
            tls: None,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_concurrent_streams: 256,
            max_concurrent_requests: 1024,
            max_header_list_size: 16 * KIB,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            default_deadline: Server::DEFAULT_DEADLINE,
            max_deadline: Server::MAX_DEADLINE,
            handshake: 5 * SECOND,
            preface: 5 * SECOND,
            keepalive_interval: MINUTE,
            keepalive_timeout: 20 * SECOND,
            max_connection_age: 30 * MINUTE,
            max_connection_age_grace: MINUTE,
        }
    }
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self {
            listen: loopback(9464),
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
    pub(super) fn read(mut root: Section<'_>) -> Self {
        let grpc = GrpcSettings::read(root.section("grpc"));
        let is_loopback = grpc.listen.ip().is_loopback();
        // Mistakes are listed in the order of the reading, which is that of the file.
        let settings = Self {
            grpc,
            admin: AdminSettings::read(root.section("admin")),
            log: LogSettings::read(root.section("log")),
            telemetry: TelemetrySettings::read(root.section("telemetry")),
            shutdown: ShutdownSettings::read(root.section("shutdown")),
            store: Some(MemorySettings::read(root.section("store"))),
            accounts: account::read_all(&mut root, is_loopback),
        };
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

impl GrpcSettings {
    fn read(mut section: Section<'_>) -> Self {
        let settings = Self {
            listen: section.address("listen", Self::default().listen),
            reflection: section.boolean("reflection", Self::default().reflection),
            tls: section
                .has("tls")
                .then(|| TlsSettings::read(section.section("tls")))
                .flatten(),
            limits: Limits::read(section.section("limits")),
            timeouts: Timeouts::read(section.section("timeouts")),
        };
        section.finish();
        settings
    }
}

impl Limits {
    fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let mut number = |key, default, most| section.number(key, default, (1, most));
        let max_connections = number("max_connections", default.max_connections, 1_000_000);
        let max_concurrent_streams = number(
            "max_concurrent_streams",
            default.max_concurrent_streams,
            65_535,
        );
        let max_concurrent_requests = number(
            "max_concurrent_requests",
            default.max_concurrent_requests,
            1_000_000,
        );
        let settings = Self {
            max_connections,
            max_concurrent_streams,
            max_concurrent_requests,
            max_header_list_size: section.bytes(
                "max_header_list_size",
                default.max_header_list_size,
                (KIB, MIB),
            ),
        };
        section.finish();
        settings
    }
}

impl Timeouts {
    fn read(mut section: Section<'_>) -> Self {
        const SHORT: (Duration, Duration) = (Duration::from_millis(100), MINUTE);
        const CALL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(600));
        const LONG: (Duration, Duration) = (SECOND, Duration::from_secs(24 * 3600));
        let default = Self::default();
        let settings = Self {
            default_deadline: section.duration("default_deadline", default.default_deadline, CALL),
            max_deadline: section.duration("max_deadline", default.max_deadline, CALL),
            handshake: section.duration("handshake", default.handshake, SHORT),
            preface: section.duration("preface", default.preface, SHORT),
            keepalive_interval: section.duration(
                "keepalive_interval",
                default.keepalive_interval,
                LONG,
            ),
            keepalive_timeout: section.duration(
                "keepalive_timeout",
                default.keepalive_timeout,
                (SECOND, HOUR),
            ),
            max_connection_age: section.duration(
                "max_connection_age",
                default.max_connection_age,
                LONG,
            ),
            max_connection_age_grace: section.duration(
                "max_connection_age_grace",
                default.max_connection_age_grace,
                (Duration::ZERO, HOUR),
            ),
        };
        if settings.default_deadline > settings.max_deadline {
            section.mistake("default_deadline", "must not exceed max_deadline");
        }
        section.finish();
        settings
    }
}

impl AdminSettings {
    fn read(mut section: Section<'_>) -> Self {
        let settings = Self {
            listen: section.address("listen", Self::default().listen),
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
            match level.value.parse::<Targets>() {
                Ok(_) => settings.level = level.value,
                Err(error) => section.reject(
                    &level,
                    format!("{error}; write a level such as `info`, or `info,kabao_client=debug`"),
                ),
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
        section.finish();
        settings
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

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn is_plain_http(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("http") && uri.host().is_some_and(|h| !h.is_empty())
    })
}
