//! Accepting a download of platform certificates.

use crate::freshness::Freshness;
use crate::{
    ApiV3Key, Certificate, Error, KeySet, Plaintext, Sealed, SerialNumber, SignatureHeaders,
    TrustedKey, VerificationError, Verified, verify,
};

/// One entry of `GET /v3/certificates`.
#[derive(Clone, Copy, Debug)]
pub struct EncryptedCertificate<'a> {
    /// `serial_no`.
    pub serial: &'a str,
    /// `encrypt_certificate`.
    pub sealed: Sealed<'a>,
}

/// What an accepted download gives.
#[derive(Clone, Debug)]
pub struct AcceptedCertificates<B> {
    /// The new set: the certificates of the download and the public keys that were trusted before.
    pub keys: KeySet,
    /// The verified body of the download.
    pub body: Verified<B>,
}

/// Why a download of certificates is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificatesError {
    /// The download holds no certificate; the keys trusted so far stay what they are.
    #[error("the download holds no certificate")]
    Empty,
    /// An entry cannot be decrypted or read, or is the account's own certificate.
    #[error("an entry cannot be read")]
    Entry(#[source] Error),
    /// An entry holds another certificate than its `serial_no` says.
    #[error("an entry does not hold the certificate it names")]
    SerialMismatch,
    /// The answer is signed neither by a certificate that it holds nor by a key trusted before.
    #[error("the answer does not verify")]
    Verification(#[source] VerificationError),
}

/// Accepts an answer of `GET /v3/certificates` and returns the new key set.
///
/// This is the one place where something is decrypted before it is verified: at the first download no key is held,
/// and later the answer may be signed by a certificate that only it contains. The entries are decrypted with the
/// APIv3 key first, then the very same answer must verify with one of them or with a key of `trusted`.
/// Certificates of `trusted` that the answer no longer lists are left out of the new set.
///
/// `entries` must have been read from `body`. The chain of the certificates is not checked: as in the vendor's SDKs,
/// trust comes from the APIv3 key and the signature.
///
/// # Errors
/// [`CertificatesError`]; no key is returned then.
pub fn accept_certificates<B: AsRef<[u8]>>(
    headers: &SignatureHeaders<'_>,
    body: B,
    entries: &[EncryptedCertificate<'_>],
    key: &ApiV3Key,
    trusted: &KeySet,
    freshness: impl Into<Freshness>,
) -> Result<AcceptedCertificates<B>, CertificatesError> {
    if entries.is_empty() {
        return Err(CertificatesError::Empty);
    }
    let downloaded = entries
        .iter()
        .map(|entry| read(entry, key))
        .collect::<Result<Vec<_>, _>>()?;
    let public_keys = trusted
        .iter()
        .filter(|key| matches!(key, TrustedKey::PublicKey { .. }))
        .cloned();
    let own = *trusted.own_serial();
    let keys = KeySet::new(own, downloaded.into_iter().chain(public_keys))
        .map_err(CertificatesError::Entry)?;

    let still_trusted = trusted.iter().filter(|key| keys.get(&key.id()).is_none());
    let candidates = KeySet::new(own, keys.iter().chain(still_trusted).cloned())
        .map_err(CertificatesError::Entry)?;
    let body =
        verify(headers, body, &candidates, freshness).map_err(CertificatesError::Verification)?;
    Ok(AcceptedCertificates { keys, body })
}

fn read(entry: &EncryptedCertificate<'_>, key: &ApiV3Key) -> Result<TrustedKey, CertificatesError> {
    let certificate = key
        .open_unverified(&entry.sealed)
        .and_then(|plaintext: Plaintext| Certificate::from_pem(plaintext.to_str()?))
        .map_err(CertificatesError::Entry)?;
    let named: Result<SerialNumber, _> = entry.serial.parse();
    if named.as_ref() != Ok(certificate.serial()) {
        return Err(CertificatesError::SerialMismatch);
    }
    Ok(TrustedKey::Certificate(certificate))
}
