//! How much callers may have, and how long they may take.

use std::time::Duration;

use kabao_grpc::Server;

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

impl Limits {
    /// What one connection may have of what all may have: a half.
    pub(crate) fn of_one_connection(whole: u32) -> u32 {
        (whole / 2).max(1)
    }

    /// What one address may have of what all may have: three quarters.
    pub(crate) fn of_one_address(whole: u32) -> u32 {
        (whole - whole / 4).max(1)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_connections_per_address: Self::of_one_address(1024),
            max_concurrent_streams: 256,
            max_concurrent_requests: 1024,
            max_requests_per_connection: Self::of_one_connection(1024),
            max_requests_per_address: Self::of_one_address(1024),
            max_request_memory: 64 * 1024 * 1024,
            max_header_list_size: 16 * 1024,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            default_deadline: Server::DEFAULT_DEADLINE,
            max_deadline: Server::MAX_DEADLINE,
            handshake: Duration::from_secs(5),
            preface: Duration::from_secs(5),
            stall: Server::STALL,
            keepalive_interval: Duration::from_mins(1),
            keepalive_timeout: Duration::from_secs(20),
            max_connection_age: Duration::from_mins(30),
            max_connection_age_grace: Duration::from_mins(1),
        }
    }
}
