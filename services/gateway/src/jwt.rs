//! Tokens that an issuer has signed, and the callers that they name.
//!
//! A signature is checked once: who a token names is kept until it expires, or until there are other keys.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kabao_api::CallerId;
use kabao_auth::{JWT_LEEWAY, JwtError, JwtKeys, JwtRules, JwtVerifier, TokenDigest};

use crate::files::{Changed, Contents, Digests, Faults, Reload, read_together};

/// The key of the configuration that names the file.
pub(crate) const JWKS: &str = "jwks_file";

/// No file of keys is longer, in bytes.
const LONGEST: usize = 1 << 20;
/// So many tokens are known at a time.
const KNOWN: usize = 10_000;

/// `[grpc.jwt]`, with what was read from its file.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// `jwks_file`: the public keys of the issuer.
    pub jwks_file: PathBuf,
    /// `issuer` and `audience`, which tokens have to name exactly, and `claim`, default `sub`, that names the caller.
    pub rules: JwtRules,
    /// `prefix`, empty by default, that is put before the name of the caller.
    pub prefix: String,
    pub(crate) jwks: Jwks,
}

/// The keys of an issuer, and what their file held.
#[derive(Clone, Debug)]
pub(crate) struct Jwks {
    keys: JwtKeys,
    digests: Digests,
}

/// Knows callers by their tokens.
#[derive(Debug)]
pub(crate) struct Jwt {
    file: PathBuf,
    rules: JwtRules,
    prefix: String,
    state: Mutex<State>,
    is_refused: AtomicBool,
}

/// What is exchanged with the keys.
#[derive(Debug)]
struct State {
    verifier: Arc<JwtVerifier>,
    digests: Digests,
    known: HashMap<[u8; 32], Known>,
}

/// Whom a token names, and until when in Unix seconds.
#[derive(Clone, Debug)]
struct Known {
    caller: CallerId,
    expires: i64,
}

impl Jwks {
    /// Reads a file.
    pub(crate) fn read(file: &Path) -> Result<Self, Faults> {
        let fault = |message: String| {
            let mut faults = Faults::default();
            faults.add(JWKS, message);
            faults
        };
        let contents = read_together(|| Contents::read(JWKS, file, LONGEST)).map_err(fault)?;
        let keys = JwtKeys::from_json(&contents.bytes)
            .map_err(|error| fault(format!("{} {error}", file.display())))?;
        let digests = Digests::of(&[contents]);
        Ok(Self { keys, digests })
    }
}

impl Jwt {
    pub(crate) fn new(settings: &JwtSettings) -> Self {
        let Jwks { keys, digests } = settings.jwks.clone();
        Self {
            file: settings.jwks_file.clone(),
            rules: settings.rules.clone(),
            prefix: settings.prefix.clone(),
            state: Mutex::new(State {
                verifier: Arc::new(JwtVerifier::new(keys, settings.rules.clone())),
                digests,
                known: HashMap::new(),
            }),
            is_refused: AtomicBool::new(false),
        }
    }

    /// Returns whom a token names at a moment in Unix seconds.
    pub(crate) fn caller(&self, token: &str, now: i64) -> Result<CallerId, JwtError> {
        let digest = TokenDigest::of(token.as_bytes()).to_bytes();
        let verifier = {
            let state = self.state();
            match state.known.get(&digest) {
                Some(known) if known.expires.saturating_add(JWT_LEEWAY) > now => {
                    return Ok(known.caller.clone());
                }
                _ => Arc::clone(&state.verifier),
            }
        };
        let claims = verifier.verify(token, now)?;
        let name = format!("{}{}", self.prefix, claims.name);
        let caller = CallerId::new(name).map_err(|_| JwtError::Nameless)?;
        let known = Known {
            caller: caller.clone(),
            expires: claims.expires,
        };
        self.state().keep(&verifier, digest, known);
        Ok(caller)
    }

    /// Every change leaves the state whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exchange(&self) -> Result<Changed, Faults> {
        let Jwks { keys, digests } = Jwks::read(&self.file)?;
        let mut state = self.state();
        let changed = state.digests.changed_to(&digests);
        if !changed.is_empty() {
            *state = State {
                verifier: Arc::new(JwtVerifier::new(keys, self.rules.clone())),
                digests,
                known: HashMap::new(),
            };
        }
        Ok(changed)
    }
}

impl State {
    /// Keeps what `verifier` has found, unless there are other keys by now.
    fn keep(&mut self, verifier: &Arc<JwtVerifier>, digest: [u8; 32], known: Known) {
        if !Arc::ptr_eq(verifier, &self.verifier) {
            return;
        }
        if self.known.len() >= KNOWN {
            // To check each signature once more is cheaper than to keep them in an order.
            self.known.clear();
        }
        self.known.insert(digest, known);
    }
}

impl Reload for Jwt {
    fn name(&self) -> &'static str {
        "jwks"
    }

    fn reload(&self) -> Result<Changed, Faults> {
        let read = self.exchange();
        self.is_refused.store(read.is_err(), Ordering::Relaxed);
        read
    }

    fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
