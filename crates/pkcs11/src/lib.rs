//! Private keys in PKCS#11 tokens: hardware modules, smart cards and SoftHSM.
//!
//! A [`KeyUri`] (RFC 7512) says where a key is: in which module, token and object. [`Tokens::open`] gives the
//! [`Pkcs11Signer`] of it, which implements [`kabao_auth::Signer`]: the key never enters the process.
//!
//! ```no_run
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let uri = "pkcs11:token=shop;object=wechat-2026\
//!     ?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/secrets/pin";
//! let signer = kabao_pkcs11::Tokens::default().open(&uri.parse()?)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! Calls of a module block, for as long as it likes. So they happen on threads of their own, up to eight for each token,
//! each with a session; they start with the first call and end with the last signer. Whoever gave up costs no call.
//! A module that hangs keeps its threads, and then a bounded queue fills; waiting is for the caller to bound.
//!
//! # Sessions, and the PIN
//!
//! A session that the token has forgotten (removed, restarted, logged out) is opened again, and the call made once
//! more. The PIN is read from its file whenever a session has to log in, so it can be changed there. One that the token
//! has refused is never shown to it again: tokens lock after a few.
//!
//! # What a key must be able to do
//!
//! `CKM_RSA_PKCS` for signatures (`CKA_SIGN`; the digest is made here, so no body travels), and `CKM_RSA_PKCS_OAEP`
//! with SHA-1 for what WeChat encrypts (`CKA_DECRYPT`). Keys that want their PIN for every use
//! (`CKA_ALWAYS_AUTHENTICATE`) are of no use to a server.

mod error;
mod job;
mod module;
mod object;
mod pin;
mod pool;
mod session;
mod signer;
mod tokens;
mod uri;

pub use self::error::{OpenError, TokenError};
pub use self::signer::Pkcs11Signer;
pub use self::tokens::Tokens;
pub use self::uri::{KeyUri, UriError};
