//! Signed tokens of an issuer (JWT, RFC 7519): whom they name, once everything about them is proven.
//!
//! The library that is used reads and verifies signatures. What a token has to say, and when, is judged here, since time
//! is an argument and a claim that is missing is as bad as a wrong one.

mod claims;
mod keys;

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde_json::{Map, Value};

pub use self::keys::{JwksError, JwtKeys};

/// No token is longer, in bytes.
const LONGEST: usize = 8192;
/// What a token may be, for those who say what it is: not one for another purpose by the same issuer (RFC 8725).
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// Clocks may differ by so many seconds.
pub const JWT_LEEWAY: i64 = 30;

/// What a token has to say.
#[derive(Clone, Debug)]
pub struct JwtRules {
    /// `iss`, exactly.
    pub issuer: String,
    /// One of `aud`, exactly: a token for somebody else is none.
    pub audience: String,
    /// The claim that names the one who calls.
    pub claim: String,
}

/// Believes tokens.
#[derive(Clone, Debug)]
pub struct JwtVerifier {
    keys: JwtKeys,
    rules: JwtRules,
}

/// What a token says that was verified.
#[derive(Clone, PartialEq, Eq)]
pub struct JwtClaims {
    /// Whom it names; not empty.
    pub name: String,
    /// Until when it is good, in Unix seconds, without [`JWT_LEEWAY`].
    pub expires: i64,
}

impl fmt::Debug for JwtClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtClaims")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// It is no signed token, or longer than 8 KiB, or one for another purpose.
    #[error("it is no signed token")]
    Malformed,
    /// It names a key that is not known, or none where there are several.
    #[error("its key is not known")]
    UnknownKey,
    /// Its algorithm is not that of its key.
    #[error("its algorithm is not that of its key")]
    Algorithm,
    /// The key has not signed it.
    #[error("its signature is wrong")]
    Signature,
    /// It is over, or says nothing of its end.
    #[error("it has expired")]
    Expired,
    /// It has not begun.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It is of another issuer, such as that of another environment.
    #[error("it is of another issuer")]
    Issuer,
    /// It is for somebody else, such as another environment.
    #[error("it is for another audience")]
    Audience,
    /// It names nobody.
    #[error("it names nobody")]
    Nameless,
}

impl JwtVerifier {
    /// Believes what these keys have signed, if it says what the rules want.
    pub fn new(keys: JwtKeys, rules: JwtRules) -> Self {
        Self { keys, rules }
    }

    /// Verifies a token at a moment in Unix seconds.
    ///
    /// # Errors
    /// The first [`JwtError`]; of claims only if the signature is good.
    pub fn verify(&self, token: &str, now: i64) -> Result<JwtClaims, JwtError> {
        if token.len() > LONGEST {
            return Err(JwtError::Malformed);
        }
        let header = decode_header(token).map_err(|_| JwtError::Malformed)?;
        if !is_for_access(&header) {
            return Err(JwtError::Malformed);
        }
        let key = self.keys.find(header.kid.as_deref())?;
        if header.alg != key.algorithm {
            return Err(JwtError::Algorithm);
        }
        let claims = signed(token, &key.key, key.algorithm)?;
        claims::judge(&claims, &self.rules, now)
    }
}

fn is_for_access(header: &Header) -> bool {
    let is_known = |kind: &String| TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known));
    header.typ.as_ref().is_none_or(is_known)
}

/// The claims of a token that the key has signed; nothing of them is judged.
fn signed(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Result<Map<String, Value>, JwtError> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    use jsonwebtoken::errors::ErrorKind;
    decode(token, key, &validation)
        .map(|token| token.claims)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => JwtError::Signature,
            _ => JwtError::Malformed,
        })
}

#[cfg(test)]
mod tests;
