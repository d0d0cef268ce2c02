//! `[grpc]`: the listener that callers use, how much one of them may have, and how long it may take.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::policy::PolicySettings;
use super::section::Section;
use super::unit::{HOUR, MINUTE, SECOND};
use super::{jwt, tls};
use crate::files::Modes;
use crate::jwt::JwtSettings;
use crate::listener::{Limits, Timeouts};
use crate::tls::{ClientCertificates, TlsSettings};

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

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 50051)),
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
                .then(|| tls::read(section.section("tls"), has_tokens, modes))
                .flatten(),
            jwt: section
                .has("jwt")
                .then(|| jwt::read(section.section("jwt")))
                .flatten(),
            limits: limits(section.section("limits")),
            timeouts: timeouts(section.section("timeouts")),
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

fn limits(mut section: Section<'_>) -> Limits {
    let default = Limits::default();
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
        Limits::of_one_address(max_connections),
        ("max_connections", max_connections),
    );
    let max_requests_per_address = share(
        "max_requests_per_address",
        Limits::of_one_address(max_concurrent_requests),
        ("max_concurrent_requests", max_concurrent_requests),
    );
    let max_requests_per_connection = share(
        "max_requests_per_connection",
        Limits::of_one_connection(max_concurrent_requests).min(max_requests_per_address),
        ("max_requests_per_address", max_requests_per_address),
    );
    let settings = Limits {
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

fn timeouts(mut section: Section<'_>) -> Timeouts {
    const SHORT: (Duration, Duration) = (Duration::from_millis(100), MINUTE);
    const CALL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(600));
    const LONG: (Duration, Duration) = (SECOND, Duration::from_secs(24 * 3600));
    let default = Timeouts::default();
    let settings = Timeouts {
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
