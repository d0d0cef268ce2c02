//! The tokens that a process uses.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::time::Duration;

use kabao_auth::PublicKey;

use crate::error::{OpenError, TokenError};
use crate::job::{Job, Task};
use crate::module::Module;
use crate::pin::Pin;
use crate::pool::Pool;
use crate::session::Token;
use crate::signer::Pkcs11Signer;
use crate::uri::{KeyUri, TokenName};

/// How long a token may take to say which key it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// The modules and tokens of a process, which keys share. Clones are the same value.
///
/// There should be one of it: modules keep what they know for the whole process, and are initialised by one thread at
/// a time as far as one value sees to it.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    modules: HashMap<PathBuf, Arc<Module>>,
    /// These outlive the threads: what was refused once is not tried again by who comes next.
    pins: HashMap<Place, Arc<Pin>>,
    pools: HashMap<Place, Weak<Pool>>,
}

/// The module, the token and the file of its PIN.
type Place = (PathBuf, TokenName, Option<PathBuf>);

impl Tokens {
    /// Finds a key, and makes its signer. It blocks, for ten seconds at most.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the module cannot be loaded, there is not exactly one such token or key, the PIN is not taken, or
    /// the key is no RSA key of at least 2048 bits.
    pub fn open(&self, uri: &KeyUri) -> Result<Pkcs11Signer, OpenError> {
        let pool = self.pool(uri);
        let (reply, answer) = mpsc::sync_channel(1);
        pool.push(Job {
            key: uri.object.clone(),
            task: Task::Describe(reply),
        });
        let described = answer.recv_timeout(PATIENCE).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => OpenError::Late(PATIENCE.as_secs()),
            mpsc::RecvTimeoutError::Disconnected => OpenError::Token(TokenError::NoThread),
        })?;
        let components = described.map_err(OpenError::Token)?;
        let public_key = PublicKey::from_components(&components.modulus, &components.exponent);
        let public_key = public_key.map_err(OpenError::Key)?;
        Ok(Pkcs11Signer::new(pool, uri.object.clone(), public_key))
    }

    /// The threads of a token; signers keep them.
    fn pool(&self, uri: &KeyUri) -> Arc<Pool> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.pools.retain(|_, pool| pool.strong_count() > 0);
        let place = (uri.module.clone(), uri.token.clone(), uri.pin_file.clone());
        if let Some(pool) = known.pools.get(&place).and_then(Weak::upgrade) {
            return pool;
        }
        let module = known
            .modules
            .entry(uri.module.clone())
            .or_insert_with(|| Arc::new(Module::new(uri.module.clone())));
        let module = Arc::clone(module);
        let pin = known
            .pins
            .entry(place.clone())
            .or_insert_with(|| Arc::new(Pin::new(uri.pin_file.clone())));
        let pool = Arc::new(Pool::new(Token {
            module,
            name: uri.token.clone(),
            pin: Arc::clone(pin),
        }));
        known.pools.insert(place, Arc::downgrade(&pool));
        pool
    }
}
