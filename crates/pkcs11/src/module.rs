//! The library that speaks to tokens.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};

use crate::error::TokenError;

/// A library, loaded when it is first needed.
#[derive(Debug)]
pub(crate) struct Module {
    path: PathBuf,
    loaded: Mutex<Option<Pkcs11>>,
}

impl Module {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            loaded: Mutex::new(None),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Loads and initialises it, if that has not been done. One thread at a time: modules do not promise more, and one
    /// library is the same one for the whole process, under whatever value it was loaded.
    pub(crate) fn load(&self) -> Result<Pkcs11, TokenError> {
        static LOADING: Mutex<()> = Mutex::new(());
        let _turn = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.as_ref() {
            return Ok(module.clone());
        }
        let module = Pkcs11::new(&self.path).map_err(TokenError::Module)?;
        // It is never unloaded, since modules with threads and exit handlers of their own do not survive that; and never
        // finalised, since whatever else in the process uses the same library would be cut off.
        std::mem::forget(module.clone());
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(TokenError::Module(error)),
        }
        Ok(loaded.insert(module).clone())
    }

    /// Initialises it once more where it has forgotten that it was, as after a fork.
    pub(crate) fn forget(&self) {
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
