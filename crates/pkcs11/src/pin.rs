//! The PIN of a token's user.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use crate::error::TokenError;

/// The file of a PIN, and the last one that the token refused.
#[derive(Debug)]
pub(crate) struct Pin {
    file: Option<PathBuf>,
    refused: Mutex<Option<Zeroizing<String>>>,
}

impl Pin {
    pub(crate) fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            refused: Mutex::default(),
        }
    }

    /// Logs a session in. The sessions of a process share their login, so one thread at a time asks: two that show the
    /// same wrong PIN would use up two of the few attempts that a token allows.
    pub(crate) fn log_in(&self, session: &Session) -> Result<(), TokenError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let text = fs::read_to_string(file).map_err(TokenError::PinFile)?;
        let text = Zeroizing::new(text);
        let pin = text.trim_end_matches(['\r', '\n']);
        if refused.as_ref().is_some_and(|refused| **refused == pin) {
            return Err(TokenError::PinRefused);
        }
        match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(error) => {
                if let Error::Pkcs11(
                    RvError::PinIncorrect
                    | RvError::PinInvalid
                    | RvError::PinLenRange
                    | RvError::PinLocked,
                    _,
                ) = error
                {
                    *refused = Some(Zeroizing::new(pin.to_owned()));
                }
                Err(error.into())
            }
        }
    }
}
