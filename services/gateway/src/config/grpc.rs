//! `[grpc]`: the listener that callers use, how much one of them may have, and how long it may take.

use std::net::SocketAddr;
use std::time::Duration;

use kabao_grpc::Server;

use super::jwt::JwtSettings;
use super::policy::PolicySettings;
use super::section::Section;
use super::settings::{HOUR, MINUTE, SECOND, loopback};
use super::tls::TlsSettings;
use crate::files::Modes;
use crate::tls::ClientCertificates;

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

/// `[grpc]`
#[derive(Clone, Debug)]
pub struct GrpcSettings {
    /// `listen`, default `127.0.0.1:50051`.
    pub listen: SocketAddr,
    /// `reflection`, default true: whether clients may ask which methods there are.
    pub reflection: bool,
    /// `open`, default false: whether the port may be reachable from other machines although nothing here says who
    /// calls, or nothing encrypts their tokens, because something in front of it does (a service mesh).
    pub open: bool,
    /// `policy_file`, absent by default: whoever may call may do everything.
    pub policy: Option<PolicySettings>,
    /// `[grpc.tls]`, absent by default: plain text.
    pub tls: Option<TlsSettings>,
    /// `[grpc.jwt]`, absent by default: no issuer of tokens is believed.
    pub jwt: Option<JwtSettings>,
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
    /// `max_connections_per_address` of these, default three quarters: all that come from one IPv4 address or one IPv6
    /// network of 64 bits.
    pub max_connections_per_address: u32,
    /// `max_concurrent_streams` of one connection, default 256.
    pub max_concurrent_streams: u32,
    /// `max_concurrent_requests` of all connections together, default 1024. A call above it is answered with
    /// `RESOURCE_EXHAUSTED`.
    pub max_concurrent_requests: u32,
    /// `max_requests_per_connection` of these, default a half, which is twice as many as a connection has streams: a
    /// client that gives up calls and begins others has both for a moment.
    pub max_requests_per_connection: u32,
    /// `max_requests_per_address` of these, default three quarters: all that come from one IPv4 address or one IPv6
    /// network of 64 bits.
    pub max_requests_per_address: u32,
    /// `max_request_memory` in bytes, default 64 MiB: what the requests of calls in flight hold together, of each what it
    /// has beyond 64 KiB; one connection may have half of it, one address three quarters. A request above it is answered
    /// with `RESOURCE_EXHAUSTED`.
    pub max_request_memory: u32,
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
    /// `stall`: how long a caller may keep its call waiting, default 10 s: with its request, or the next piece of a
    /// stream, and with taking the next piece of the answer.
    pub stall: Duration,
    /// `keepalive_interval` between pings on a quiet connection, default 60 s.
    pub keepalive_interval: Duration,
    /// `keepalive_timeout` for the answer to a ping, default 20 s.
    pub keepalive_timeout: Duration,
    /// `max_connection_age` before a connection is asked to go elsewhere, default 30 min, varied by a tenth.
    pub max_connection_age: Duration,
    /// `max_connection_age_grace` for calls on an aged connection to end, default 60 s.
    pub max_connection_age_grace: Duration,
}

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            listen: loopback(50051),
            reflection: true,
            open: false,
            policy: None,
            tls: None,
            jwt: None,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_connections_per_address: three_quarters(1024),
            max_concurrent_streams: 256,
            max_concurrent_requests: 1024,
            max_requests_per_connection: half(1024),
            max_requests_per_address: three_quarters(1024),
            max_request_memory: 64 * MIB,
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
            stall: Server::STALL,
            keepalive_interval: MINUTE,
            keepalive_timeout: 20 * SECOND,
            max_connection_age: 30 * MINUTE,
            max_connection_age_grace: MINUTE,
        }
    }
}

impl GrpcSettings {
    pub(super) fn read(mut section: Section<'_>, has_callers: bool, modes: Modes) -> Self {
        let has_tokens = has_callers || section.has("jwt");
        let settings = Self {
            listen: section.address("listen", Self::default().listen),
            reflection: section.boolean("reflection", Self::default().reflection),
            open: section.boolean("open", Self::default().open),
            policy: PolicySettings::read(&mut section),
            tls: section
                .has("tls")
                .then(|| TlsSettings::read(section.section("tls"), has_tokens, modes))
                .flatten(),
            jwt: section
                .has("jwt")
                .then(|| JwtSettings::read(section.section("jwt")))
                .flatten(),
            limits: Limits::read(section.section("limits")),
            timeouts: Timeouts::read(section.section("timeouts")),
        };
        settings.judge(&section, has_callers);
        section.finish();
        settings
    }

    /// Reports a port that strangers could use.
    fn judge(&self, section: &Section<'_>, has_callers: bool) {
        if section.has("tls") && self.tls.is_none() {
            // What is wrong with it was told; whether it is enough shows when it is good.
            return;
        }
        let has_names = has_callers || section.has("jwt") || self.asks_for_certificates();
        if section.has("policy_file") && !has_names {
            section.mistake(
                "policy_file",
                "speaks of callers, and nothing here says who calls; add `[[callers]]` with tokens, `[grpc.jwt]`, or `client_ca_file` in [grpc.tls]",
            );
        }
        if self.listen.ip().is_loopback() || self.open {
            return;
        }
        if !has_names {
            section.mistake(
                "listen",
                "is reachable from other machines, and nothing says who may call; add `client_ca_file` in [grpc.tls], `[[callers]]` with tokens or [grpc.jwt], or say `open = true` if something in front of the port sees to it",
            );
        } else if self.tls.is_none() {
            section.mistake(
                "listen",
                "is reachable from other machines, and tokens would travel in plain text; add [grpc.tls], or say `open = true` if something in front of the port encrypts",
            );
        } else if !section.has("policy_file") {
            section.mistake(
                "listen",
                "is reachable from other machines, and nothing says what callers may do, so nobody may do anything; add `policy_file`, or say `open = true` if something in front of the port sees to it",
            );
        }
    }

    /// Whether everybody who connects must show a certificate.
    pub(crate) fn asks_for_certificates(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| {
            tls.client_ca_file.is_some() && tls.client_certificates == ClientCertificates::Required
        })
    }

    /// Whether a certificate may say who calls.
    pub(crate) fn takes_certificates(&self) -> bool {
        self.asks_for_certificates() || self.takes_certificates_or_tokens()
    }

    /// Whether some show a certificate, and who shows none needs a token.
    pub(crate) fn takes_certificates_or_tokens(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| {
            tls.client_ca_file.is_some() && tls.client_certificates == ClientCertificates::Optional
        })
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
        let mut share = |key, default, whole| share(&mut section, key, default, whole);
        let max_connections_per_address = share(
            "max_connections_per_address",
            three_quarters(max_connections),
            ("max_connections", max_connections),
        );
        let max_requests_per_address = share(
            "max_requests_per_address",
            three_quarters(max_concurrent_requests),
            ("max_concurrent_requests", max_concurrent_requests),
        );
        let max_requests_per_connection = share(
            "max_requests_per_connection",
            half(max_concurrent_requests).min(max_requests_per_address),
            ("max_requests_per_address", max_requests_per_address),
        );
        let settings = Self {
            max_connections,
            max_connections_per_address,
            max_concurrent_streams,
            max_concurrent_requests,
            max_requests_per_connection,
            max_requests_per_address,
            max_request_memory: section.bytes(
                "max_request_memory",
                default.max_request_memory,
                (8 * MIB, 2048 * MIB),
            ),
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
            stall: section.duration("stall", default.stall, CALL),
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

/// Reads how much of the whole, which is the value of another key, one may have.
fn share(
    section: &mut Section<'_>,
    key: &'static str,
    default: u32,
    (whole, most): (&'static str, u32),
) -> u32 {
    let share = section.number(key, default, (1, 1_000_000));
    if share > most {
        section.mistake(key, format!("must not exceed {whole}, which is {most}"));
    }
    share
}

fn half(whole: u32) -> u32 {
    (whole / 2).max(1)
}

fn three_quarters(whole: u32) -> u32 {
    (whole - whole / 4).max(1)
}
