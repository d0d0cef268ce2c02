//! What can go wrong with keys, certificates, encryption and signing.

use aws_lc_rs::error::KeyRejected;

/// A failure in handling key material or in a cryptographic operation.
///
/// No variant carries secret or personal data. Failures of *proof* have types of their own:
/// [`VerificationError`](crate::VerificationError) for answers and notifications,
/// [`AuthenticationError`](crate::AuthenticationError) for requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text holds no PEM block at all, for example a path or bare base64 in place of the file's content.
    #[error("no PEM block found")]
    PemMissing,
    /// A PEM block is cut off or is not base64 inside.
    #[error("the PEM block is malformed")]
    PemMalformed,
    /// The text holds PEM of another type than wanted.
    #[error("expected PEM of type {expected}, found {found}")]
    WrongPemType {
        /// The label that was wanted.
        expected: &'static str,
        /// The label of the first block in the text.
        found: String,
    },
    /// A certificate was given where a key is wanted (`apiclient_cert.pem` for `apiclient_key.pem`).
    #[error("a certificate was given where a key is expected")]
    CertificateInsteadOfKey,
    /// The private key is protected by a passphrase, which is not supported.
    #[error("the private key is encrypted; decrypt it first")]
    EncryptedKey,
    /// The RSA modulus is shorter than 2048 bits.
    #[error("the RSA key is shorter than 2048 bits")]
    KeyTooSmall,
    /// The key is not an RSA key or is inconsistent.
    #[error("not a usable RSA key")]
    InvalidKey,
    /// The certificate is not a readable X.509 certificate.
    #[error("not a readable X.509 certificate")]
    InvalidCertificate,
    /// The certificate belongs to another private key.
    #[error("the certificate does not belong to the private key")]
    CertificateMismatch,
    /// The text is no serial number: 1 to 40 hexadecimal digits.
    #[error("not a certificate serial number")]
    InvalidSerialNumber,
    /// The text is no public key id: `PUB_KEY_ID_` and at least one more character.
    #[error("not a public key id")]
    InvalidPublicKeyId,
    /// The merchant number or brand id is empty or not made of ASCII letters, digits, `-` and `_`.
    #[error("not a merchant number or brand id")]
    InvalidIdentity,
    /// The request cannot be signed: method not in capitals, target not a printable ASCII path, or unfit nonce.
    #[error("the request cannot be signed: unfit {0}")]
    InvalidRequest(&'static str),
    /// The APIv3 key (or brand API key) is not exactly 32 bytes long.
    #[error("the API key is not 32 bytes long")]
    InvalidApiKey,
    /// The AEAD nonce is not 12 bytes long or the ciphertext is not base64 of at least a tag.
    #[error("the encrypted resource is malformed")]
    AeadInput,
    /// AEAD authentication failed: wrong key, altered ciphertext or other associated data.
    #[error("the encrypted resource does not authenticate")]
    AeadTagMismatch,
    /// The resource's `algorithm` is not `AEAD_AES_256_GCM`.
    #[error("the resource is encrypted with an unsupported algorithm")]
    UnsupportedAlgorithm,
    /// A line of a key file is no sealing key, or no line is one (line 0).
    #[error(
        "a sealing key is 32 bytes in base64 or hexadecimal digits; see line {line} of the key file"
    )]
    InvalidSealingKey {
        /// The number of the line, from 1; 0 if there is no key at all.
        line: usize,
    },
    /// A payload was sealed with a key that is not in the key file.
    #[error("the payload was sealed with a key that is not in the key file")]
    UnknownSealingKey,
    /// A field cannot be decrypted with this private key.
    #[error("the field cannot be decrypted")]
    OaepDecrypt,
    /// A field is longer than the key can encrypt (214 bytes for 2048 bits).
    #[error("the field is longer than {limit} bytes")]
    PlaintextTooLong {
        /// The greatest length in bytes for this key.
        limit: usize,
    },
    /// Decrypted text is not UTF-8.
    #[error("the decrypted text is not UTF-8")]
    NotUtf8,
    /// The merchant's own certificate was given as one of WeChat Pay's.
    #[error("the account's own certificate cannot be a trusted platform key")]
    OwnSerialNumber,
    /// Two trusted keys have the same id.
    #[error("two trusted keys share an id")]
    DuplicateKey,
    /// The signer could not sign.
    #[error("signing failed")]
    Signing,
    /// The cryptographic library refused an operation that cannot fail on valid input.
    #[error("cryptographic operation failed")]
    Crypto,
}

impl Error {
    /// Translates the library's refusal of a key, whose reasons it offers as text only.
    pub(crate) fn rejected(refusal: KeyRejected) -> Self {
        if refusal.to_string() == "TooSmall" {
            Self::KeyTooSmall
        } else {
            Self::InvalidKey
        }
    }
}
