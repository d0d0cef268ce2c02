//! What can go wrong with a token, and what follows from it.

use cryptoki::context::Function;
use cryptoki::error::{Error as Pkcs11Error, RvError};
use kabao_auth::SignerError;

/// Why the signer of a key cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The token, the key or the PIN is not good.
    #[error("{0}")]
    Token(TokenError),
    /// The module did not answer in time.
    #[error("the module did not answer within {0} seconds")]
    Late(u64),
    /// The key is no RSA key of at least 2048 bits.
    #[error("the key cannot be used: {0}")]
    Key(kabao_auth::Error),
}

/// Something that a token did not do. No text of it holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The library cannot be loaded.
    #[error("the module cannot be loaded: {0}")]
    Module(Pkcs11Error),
    /// No token, or more than one, is named so.
    #[error("{0} tokens have this name; one is wanted")]
    Tokens(usize),
    /// No key, or more than one, is named so.
    #[error("{0} private RSA keys of the token have this name; one is wanted")]
    Keys(usize),
    /// The file of the PIN cannot be read.
    #[error("the PIN cannot be read: {0}")]
    PinFile(std::io::Error),
    /// The PIN was refused, and is not shown to the token a second time.
    #[error("the token has refused the PIN, which is not tried again until it is changed")]
    PinRefused,
    /// The token does not say which key it is.
    #[error("the token does not tell the public half of the key")]
    NoPublicKey,
    /// So many wait already.
    #[error("too many calls wait for the token")]
    Full,
    /// No thread could be started, or the one that had the call has panicked.
    #[error("no thread speaks to the token")]
    NoThread,
    /// A function of the module failed.
    #[error("{0}")]
    Call(Pkcs11Error),
}

impl From<Pkcs11Error> for TokenError {
    fn from(error: Pkcs11Error) -> Self {
        Self::Call(error)
    }
}

impl TokenError {
    /// Tells whether another session may do better: the token has forgotten this one, or what it knew of the key.
    pub(crate) fn is_stale(&self) -> bool {
        use RvError::{
            CryptokiNotInitialized, DeviceError, DeviceRemoved, KeyHandleInvalid,
            ObjectHandleInvalid, OperationActive, SessionClosed, SessionHandleInvalid,
            SlotIdInvalid, TokenNotPresent, UserNotLoggedIn,
        };
        matches!(
            self,
            Self::Call(Pkcs11Error::Pkcs11(
                CryptokiNotInitialized
                    | DeviceError
                    | DeviceRemoved
                    | KeyHandleInvalid
                    | ObjectHandleInvalid
                    | OperationActive
                    | SessionClosed
                    | SessionHandleInvalid
                    | SlotIdInvalid
                    | TokenNotPresent
                    | UserNotLoggedIn,
                _
            ))
        )
    }

    /// Tells whether the ciphertext is to blame. Modules do not agree on the word for that (SoftHSM says general error),
    /// so whatever `C_Decrypt` itself says counts, unless it speaks of the session or the device.
    fn is_of_ciphertext(&self) -> bool {
        use RvError::{
            ArgumentsBad, DataInvalid, DataLenRange, EncryptedDataInvalid, EncryptedDataLenRange,
            FunctionFailed, GeneralError,
        };
        matches!(
            self,
            Self::Call(Pkcs11Error::Pkcs11(
                ArgumentsBad
                    | DataInvalid
                    | DataLenRange
                    | EncryptedDataInvalid
                    | EncryptedDataLenRange
                    | FunctionFailed
                    | GeneralError,
                Function::Decrypt
            ))
        )
    }

    /// Tells whether it stays so until somebody repairs it.
    fn is_refusal(&self) -> bool {
        use RvError::{
            ActionProhibited, KeyFunctionNotPermitted, KeySizeRange, KeyTypeInconsistent,
            MechanismInvalid, MechanismParamInvalid, PinExpired, PinIncorrect, PinInvalid,
            PinLenRange, PinLocked, UserPinNotInitialized,
        };
        match self {
            Self::PinRefused | Self::Keys(_) | Self::Tokens(2..) | Self::NoPublicKey => true,
            Self::Call(Pkcs11Error::Pkcs11(value, _)) => matches!(
                value,
                ActionProhibited
                    | KeyFunctionNotPermitted
                    | KeySizeRange
                    | KeyTypeInconsistent
                    | MechanismInvalid
                    | MechanismParamInvalid
                    | PinExpired
                    | PinIncorrect
                    | PinInvalid
                    | PinLenRange
                    | PinLocked
                    | UserPinNotInitialized
            ),
            _ => false,
        }
    }
}

impl From<TokenError> for SignerError {
    fn from(error: TokenError) -> Self {
        if error.is_of_ciphertext() {
            Self::Undecryptable
        } else if error.is_refusal() {
            Self::Refused(error.into())
        } else {
            Self::Unavailable(error.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_consequence() {
        let call = |value, function| TokenError::Call(Pkcs11Error::Pkcs11(value, function));
        let rows = [
            (
                call(RvError::GeneralError, Function::Decrypt),
                "undecryptable",
            ),
            (
                call(RvError::GeneralError, Function::DecryptInit),
                "unavailable",
            ),
            (call(RvError::GeneralError, Function::Sign), "unavailable"),
            (
                call(RvError::EncryptedDataInvalid, Function::Decrypt),
                "undecryptable",
            ),
            (call(RvError::DeviceRemoved, Function::Decrypt), "stale"),
            (
                call(RvError::SessionHandleInvalid, Function::SignInit),
                "stale",
            ),
            (call(RvError::PinLocked, Function::Login), "refused"),
            (
                call(RvError::KeyFunctionNotPermitted, Function::DecryptInit),
                "refused",
            ),
            (TokenError::Tokens(0), "unavailable"),
            (TokenError::Tokens(2), "refused"),
            (TokenError::Keys(0), "refused"),
            (TokenError::Full, "unavailable"),
        ];
        for (error, expected) in rows {
            let (shown, stale) = (error.to_string(), error.is_stale());
            let consequence = match SignerError::from(error) {
                SignerError::Undecryptable => "undecryptable",
                SignerError::Refused(_) => "refused",
                _ if stale => "stale",
                _ => "unavailable",
            };
            assert_eq!(consequence, expected, "{shown}");
        }
    }
}
