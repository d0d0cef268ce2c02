//! Sensitive fields as the service decrypts them.

use std::collections::BTreeMap;
use std::fmt;

use crate::{KeyId, Plaintext, PrivateKey};

/// The private halves of WeChat Pay's keys, which only an emulator holds.
#[derive(Clone, Default)]
pub struct DecryptionKeys(BTreeMap<KeyId, PrivateKey>);

/// Why an encrypted field is refused. Each is a `PARAM_ERROR` with status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SensitiveFieldError {
    /// The request does not name the key: `Wechatpay-Serial` is absent.
    #[error("Wechatpay-Serial is missing")]
    MissingSerial,
    /// `Wechatpay-Serial` names no key that WeChat Pay has for this caller.
    #[error("Wechatpay-Serial names no key of the service")]
    UnknownSerial,
    /// The field is not RSAES-OAEP ciphertext (with SHA-1) for the key named.
    #[error("the field cannot be decrypted")]
    Undecryptable,
}

impl SensitiveFieldError {
    /// Returns the HTTP status of the refusal.
    pub fn status(self) -> u16 {
        400
    }

    /// Returns the `code` of the refusal's body.
    pub fn code(self) -> &'static str {
        "PARAM_ERROR"
    }

    /// Returns the `message` of the refusal's body.
    pub fn message(self) -> &'static str {
        match self {
            Self::MissingSerial => "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)",
            Self::UnknownSerial => "平台证书序列号Wechatpay-Serial错误",
            Self::Undecryptable => "平台私钥解密失败",
        }
    }
}

impl DecryptionKeys {
    /// Picks the key that `Wechatpay-Serial` names.
    ///
    /// # Errors
    /// [`SensitiveFieldError::MissingSerial`] or [`SensitiveFieldError::UnknownSerial`].
    pub fn pick(&self, serial: Option<&str>) -> Result<&PrivateKey, SensitiveFieldError> {
        let serial = serial
            .filter(|serial| !serial.is_empty())
            .ok_or(SensitiveFieldError::MissingSerial)?;
        let id: KeyId = serial
            .parse()
            .map_err(|_| SensitiveFieldError::UnknownSerial)?;
        self.0.get(&id).ok_or(SensitiveFieldError::UnknownSerial)
    }

    /// Decrypts a field with the key that `Wechatpay-Serial` names.
    ///
    /// # Errors
    /// Those of [`pick`](Self::pick), and [`SensitiveFieldError::Undecryptable`].
    pub fn decrypt(
        &self,
        serial: Option<&str>,
        ciphertext: &str,
    ) -> Result<Plaintext, SensitiveFieldError> {
        self.pick(serial)?
            .decrypt(ciphertext)
            .map_err(|_| SensitiveFieldError::Undecryptable)
    }
}

impl FromIterator<(KeyId, PrivateKey)> for DecryptionKeys {
    fn from_iter<I: IntoIterator<Item = (KeyId, PrivateKey)>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl fmt::Debug for DecryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.0.keys().map(ToString::to_string).collect();
        f.debug_struct("DecryptionKeys").field("ids", &ids).finish()
    }
}
