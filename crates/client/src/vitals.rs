//! How a client is, at one moment: numbers for whoever watches it.

use std::time::Duration;

use kabao_api::CredentialKind;

/// What a look at a client shows. It costs a few short locks, and nothing is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vitals {
    /// Calls with a permit.
    pub in_flight: usize,
    /// Calls that wait for a permit.
    pub queued: usize,
    /// How many calls may be in flight at present.
    pub limit: usize,
    /// Calls that were refused since the start because too many were in flight.
    pub refused: u64,
    /// What is left of the budget for repeats.
    pub retry_tokens: u32,
    /// How much there can be of it.
    pub retry_capacity: u32,
    /// Requests that wait for a signature, and answers that wait for their decryption.
    pub signing_queue: usize,
    /// Handshakes of TLS.
    pub handshakes: Handshakes,
    /// Each host, once per credential.
    pub hosts: Vec<HostVitals>,
    /// The keys behind each credential.
    pub credentials: Vec<CredentialVitals>,
}

/// How many handshakes of TLS a client has made since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handshakes {
    /// Those that proved the host's certificate.
    pub full: u64,
    /// Those that took up an earlier session again, which is cheaper.
    pub resumed: u64,
    /// Those of either kind that were made beside the calls; some call waited for each of the others.
    pub ahead: u64,
}

/// How calls of one credential to one operation are within WeChat's limit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitVitals {
    /// The operation.
    pub operation: &'static str,
    /// How many calls WeChat takes in a window, which is a second.
    pub capacity: usize,
    /// How many of them this process may use.
    pub portion: usize,
    /// How many it has used in the present window.
    pub used: usize,
    /// Calls that wait for their turn.
    pub waiting: usize,
    /// What is left of the rate after refusals, in thousandths.
    pub rate: u32,
    /// Whether the process goes on without an answer of what keeps the portions.
    pub is_alone: bool,
}

impl LimitVitals {
    /// A limit of which this process may use all, and uses nothing.
    pub const fn new(operation: &'static str, capacity: usize) -> Self {
        Self {
            operation,
            capacity,
            portion: capacity,
            used: 0,
            waiting: 0,
            rate: 1000,
            is_alone: false,
        }
    }
}

/// A host as one credential knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostVitals {
    /// Host, and port where it is not the usual one.
    pub host: String,
    /// Whether attempts pass.
    pub breaker: BreakerState,
}

/// Whether attempts pass a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BreakerState {
    /// All.
    Closed,
    /// One at a time, to find out whether the host works again.
    HalfOpen,
    /// None.
    Open,
}

impl BreakerState {
    /// Returns the name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

impl HostVitals {
    /// Says how a host is.
    pub fn new(host: impl Into<String>, breaker: BreakerState) -> Self {
        Self {
            host: host.into(),
            breaker,
        }
    }
}

/// The keys or the token of one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialVitals {
    /// Which credential it is.
    pub kind: CredentialKind,
    /// Until when requests can be signed: when the last of the account's own certificates ends, in Unix seconds, if
    /// all were configured.
    pub certificate_ends: Option<i64>,
    /// The signer of each private key that lies elsewhere.
    pub signers: Vec<SignerVitals>,
    /// Public keys of WeChat Pay that are trusted; they have no end.
    pub public_keys: usize,
    /// When each trusted platform certificate ends, in Unix seconds.
    pub platform_certificates_end: Vec<i64>,
    /// The access token, if there is one and no fetch is under way.
    pub access_token: Option<TokenVitals>,
    /// Fetches of platform certificates or access tokens that failed since the start.
    pub failed_fetches: u64,
    /// Downloads of platform certificates since the start that held what cannot be trusted; they failed as well.
    pub refused_certificates: u64,
    /// Answers that were believed since the start and are signed with a platform certificate.
    pub signed_by_certificate: u64,
    /// Answers that were believed since the start and are signed with the public key of WeChat Pay.
    pub signed_by_public_key: u64,
}

/// The signer of a private key that lies elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignerVitals {
    /// Signatures and decryptions under way.
    pub in_flight: usize,
    /// How many have failed since the start, or were not there in time.
    pub failures: u64,
    /// Whether it is asked at present.
    pub breaker: BreakerState,
}

impl SignerVitals {
    /// Says how a signer is.
    pub const fn new(in_flight: usize, failures: u64, breaker: BreakerState) -> Self {
        Self {
            in_flight,
            failures,
            breaker,
        }
    }
}

/// How old an access token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenVitals {
    /// Since it was fetched.
    pub age: Duration,
    /// Until it ends.
    pub ends_in: Duration,
}

impl TokenVitals {
    /// Says how old a token is.
    pub const fn new(age: Duration, ends_in: Duration) -> Self {
        Self { age, ends_in }
    }
}

impl CredentialVitals {
    /// Knows nothing of a credential yet but its kind.
    pub fn new(kind: CredentialKind) -> Self {
        Self {
            kind,
            certificate_ends: None,
            signers: Vec::new(),
            public_keys: 0,
            platform_certificates_end: Vec::new(),
            access_token: None,
            failed_fetches: 0,
            refused_certificates: 0,
            signed_by_certificate: 0,
            signed_by_public_key: 0,
        }
    }
}
