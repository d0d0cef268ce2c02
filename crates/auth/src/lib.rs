//! Keys and proofs for WeChat Pay APIv3, without I/O.
//!
//! Everything here is a pure function of its arguments: time comes in as Unix seconds, nonces as text, headers as
//! `&str`. The crate is the only one that knows a crypto library, and it knows nothing of HTTP libraries.
//!
//! # The calling side
//!
//! - An [`Identity`] (scheme, number, certificate serial number), a key and a [`RequestToSign`] give the
//!   `Authorization` header: [`authorization`], or [`authorization_by`] a [`Signer`] whose key lies elsewhere.
//!   Nonces come from [`random_nonce`].
//! - A [`KeySet`] holds the keys of WeChat Pay. [`verify`] checks the raw bytes of an answer or a notification and
//!   returns them as [`Verified`], which nothing else can make.
//! - [`ApiV3Key::open`] decrypts the resource of a notification and asks for that proof. The one exception is the
//!   certificate download, where the key to verify with is inside the answer: [`accept_certificates`]. Where
//!   [`PlatformAuthorities`] are configured, they must have issued what it holds.
//! - Sensitive fields are encrypted with [`KeySet::encryption_key`] and decrypted with the account's [`PrivateKey`],
//!   or by its [`Signer`].
//!
//! # The serving side
//!
//! An emulator uses [`authenticate`] for requests, [`DecryptionKeys`] for sensitive fields, [`ApiV3Key::seal`] and
//! [`sign_response`] for answers and notifications.
//!
//! # The store
//!
//! [`SealingKeys`] seal what is kept on a disk, and a [`DigestKey`] makes the digests by which it is found.
//!
//! # The audit log
//!
//! A [`DigestKey`] of its own chains the records and stands for the names in them.
//!
//! # Callers of the gateway
//!
//! A [`TokenDigest`] stands for a bearer token, and a [`JwtVerifier`] believes tokens that an issuer has signed;
//! [`common_name`] reads a name that a verified certificate has. [`Validity`] and [`RevocationList`] tell when
//! certificates, and lists of those that are revoked, begin and end.
//!
//! # Where nobody has credentials
//!
//! [`check_visitor`] keeps pages of strangers from listeners that are an operator's alone.
//!
//! # Example
//!
//! ```
//! use kabao_auth::{Identity, PrivateKey, RequestToSign, Scheme, authorization, random_nonce};
//!
//! # fn main() -> Result<(), kabao_auth::Error> {
//! # let pem = PrivateKey::generate_pem()?;
//! # let pem = pem.to_str()?;
//! let key = PrivateKey::from_pem(pem)?;
//! let serial = "3F2A9C41D07B58E6134CA8F05B6D92E7718034AB".parse()?;
//! let identity = Identity::new(Scheme::Merchant, "1900000001", serial)?;
//! let header = authorization(
//!     &identity,
//!     &key,
//!     &RequestToSign {
//!         method: "GET",
//!         target: "/v3/marketing/membercard-open/cards/p1",
//!         timestamp: 1_767_225_600,
//!         nonce: &random_nonce()?,
//!         body: b"",
//!     },
//! )?;
//! assert!(header.starts_with("WECHATPAY2-SHA256-RSA2048 mchid=\"1900000001\",nonce_str="));
//! # Ok(())
//! # }
//! ```
//!
//! # Not here
//!
//! The national algorithms (SM2, SM3, SM4), and whether a platform certificate is revoked.

mod aead;
mod authentication;
mod authorization;
mod certificate;
mod certificates;
mod chain;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod der;
mod digest;
mod error;
mod freshness;
mod jwt;
mod key_id;
mod key_set;
mod message;
mod nonce;
mod pem;
mod plaintext;
mod private_key;
mod public_key;
mod request;
mod response;
mod revocation;
mod scheme;
mod sealing;
mod sensitive;
mod signer;
mod token;
mod validity;
mod verification;
mod verified;
mod visitor;
#[cfg(kabao_bench_without_rsa)]
mod without_rsa;

pub use aead::{ApiV3Key, Sealed};
pub use authentication::{
    AuthenticationError, ReceivedRequest, SignMismatch, authenticate, require_client_headers,
};
pub use authorization::Authorization;
pub use certificate::{Certificate, common_name};
pub use certificates::{
    AcceptedCertificates, CertificateTrust, CertificatesError, EncryptedCertificate,
    accept_certificates, restore_certificates,
};
pub use chain::{ChainError, PlatformAuthorities};
pub use digest::{card_signature, sha256_digest_info, sha256_hex};
pub use error::Error;
pub use freshness::Freshness;
pub use jwt::{JWT_LEEWAY, JwksError, JwtClaims, JwtError, JwtKeys, JwtRules, JwtVerifier};
pub use key_id::{KeyId, PublicKeyId, SerialNumber};
pub use key_set::{KeyKind, KeySet, TrustedKey};
pub use nonce::{random_nonce, random_resource_nonce};
pub use plaintext::Plaintext;
pub use private_key::PrivateKey;
pub use public_key::{PublicKey, SignatureError};
pub use request::{RequestToSign, authorization, authorization_by};
pub use response::{ResponseSignature, ResponseToSign, sign_response};
pub use revocation::RevocationList;
pub use scheme::Scheme;
pub use sealing::{DigestKey, SealingKeys};
pub use sensitive::{DecryptionKeys, SensitiveFieldError};
pub use signer::{Identity, Signer, SignerError};
pub use token::TokenDigest;
pub use validity::Validity;
pub use verification::{SignatureHeaders, VerificationError, verify};
pub use verified::Verified;
pub use visitor::{HostName, HostNameError, VisitorError, check_visitor};
