//! A session with a token, and the keys that it has found there.

use std::collections::HashMap;

use std::sync::Arc;

use cryptoki::context::Pkcs11;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::Slot;

use crate::error::TokenError;
use crate::module::Module;
use crate::object;
use crate::pin::Pin;
use crate::uri::{ObjectName, TokenName};

/// A token as a process uses it.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) module: Arc<Module>,
    pub(crate) name: TokenName,
    pub(crate) pin: Arc<Pin>,
}

/// An open session; it belongs to one thread.
pub(crate) struct Open {
    session: Session,
    keys: HashMap<ObjectName, ObjectHandle>,
}

impl Token {
    /// Opens a session that may use private keys.
    pub(crate) fn open(&self) -> Result<Open, TokenError> {
        let module = self.module.load()?;
        let slot = self.find(&module).inspect_err(|error| {
            if error.is_stale() {
                self.module.forget();
            }
        })?;
        let session = module.open_ro_session(slot)?;
        self.pin.log_in(&session)?;
        Ok(Open {
            session,
            keys: HashMap::new(),
        })
    }

    fn find(&self, module: &Pkcs11) -> Result<Slot, TokenError> {
        let is = |wanted: &Option<String>, found: &str| {
            let found = found.trim_end_matches([' ', '\0']);
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        let mut found = Vec::new();
        for slot in module.get_slots_with_initialized_token()? {
            let token = module.get_token_info(slot)?;
            if is(&self.name.label, token.label()) && is(&self.name.serial, token.serial_number()) {
                found.push(slot);
            }
        }
        match found.as_slice() {
            [slot] => Ok(*slot),
            found => Err(TokenError::Tokens(found.len())),
        }
    }
}

impl Open {
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Finds a private key, once.
    pub(crate) fn key(&mut self, name: &ObjectName) -> Result<ObjectHandle, TokenError> {
        if let Some(key) = self.keys.get(name) {
            return Ok(*key);
        }
        let key = object::private_key(&self.session, name)?;
        self.keys.insert(name.clone(), key);
        Ok(key)
    }
}
