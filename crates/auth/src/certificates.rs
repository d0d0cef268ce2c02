//! Accepting a download of platform certificates.

use crate::freshness::Freshness;
use crate::{
    ApiV3Key, Certificate, ChainError, Error, KeyId, KeySet, PlatformAuthorities, Sealed,
    SerialNumber, SignatureHeaders, TrustedKey, VerificationError, Verified, verify,
};

/// One entry of `GET /v3/certificates`.
#[derive(Clone, Copy, Debug)]
pub struct EncryptedCertificate<'a> {
    /// `serial_no`.
    pub serial: &'a str,
    /// `encrypt_certificate`.
    pub sealed: Sealed<'a>,
}

/// What a download of certificates is judged by.
#[derive(Clone, Copy, Debug)]
pub struct CertificateTrust<'a> {
    /// The APIv3 key of the merchant.
    pub key: &'a ApiV3Key,
    /// The keys that are trusted already.
    pub trusted: &'a KeySet,
    /// Who must have issued the certificates; anybody, if there are none.
    pub authorities: Option<&'a PlatformAuthorities>,
}

/// What an accepted download gives.
#[derive(Clone, Debug)]
pub struct AcceptedCertificates<B> {
    /// The new set: the certificates of the download and the public keys that were trusted before.
    pub keys: KeySet,
    /// The certificates as PEM, in the order of the download; they can be restored.
    pub certificates: Vec<String>,
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
    /// An entry was not issued by one of the configured authorities.
    #[error("the certificate {id} was not issued by a configured authority")]
    Chain {
        /// The certificate.
        id: KeyId,
        /// What is wrong with it.
        #[source]
        source: ChainError,
    },
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
/// `entries` must have been read from `body`. Without authorities the chain of the certificates is not checked: as in
/// the vendor's SDKs, trust comes from the APIv3 key and the signature.
///
/// # Errors
/// [`CertificatesError`]; no key is returned then.
pub fn accept_certificates<B: AsRef<[u8]>>(
    headers: &SignatureHeaders<'_>,
    body: B,
    entries: &[EncryptedCertificate<'_>],
    trust: &CertificateTrust<'_>,
    freshness: impl Into<Freshness>,
) -> Result<AcceptedCertificates<B>, CertificatesError> {
    let freshness = freshness.into();
    if entries.is_empty() {
        return Err(CertificatesError::Empty);
    }
    let trusted = trust.trusted;
    let mut certificates = Vec::with_capacity(entries.len());
    let mut downloaded = Vec::with_capacity(entries.len());
    for entry in entries {
        let (certificate, pem) = read(entry, trust.key)?;
        check_chain(&certificate, &pem, trust.authorities, freshness.now)?;
        downloaded.push(TrustedKey::Certificate(certificate));
        certificates.push(pem);
    }
    let own = *trusted.own_serial();
    let keys = KeySet::new(own, downloaded.into_iter().chain(public_keys(trusted)))
        .map_err(CertificatesError::Entry)?;

    let still_trusted = trusted.iter().filter(|key| keys.get(&key.id()).is_none());
    let candidates = KeySet::new(own, keys.iter().chain(still_trusted).cloned())
        .map_err(CertificatesError::Entry)?;
    let body =
        verify(headers, body, &candidates, freshness).map_err(CertificatesError::Verification)?;
    Ok(AcceptedCertificates {
        keys,
        certificates,
        body,
    })
}

/// Reads certificates that were accepted before, and kept where nobody else writes; returns them with the public keys
/// of `trusted`. What `authorities` have not issued, as an operator may have said since, is left out, and so is what is
/// outside its validity at `now` in Unix seconds.
///
/// # Errors
/// [`CertificatesError::Empty`] if nothing is left, [`CertificatesError::Entry`] if something cannot be read.
pub fn restore_certificates<'a>(
    certificates: impl IntoIterator<Item = &'a str>,
    trusted: &KeySet,
    authorities: Option<&PlatformAuthorities>,
    now: i64,
) -> Result<KeySet, CertificatesError> {
    let mut restored = Vec::new();
    for pem in certificates {
        let certificate = Certificate::from_pem(pem).map_err(CertificatesError::Entry)?;
        let is_issued = check_chain(&certificate, pem, authorities, now).is_ok();
        if is_issued && certificate.is_valid_at(now) {
            restored.push(TrustedKey::Certificate(certificate));
        }
    }
    if restored.is_empty() {
        return Err(CertificatesError::Empty);
    }
    let keys = restored.into_iter().chain(public_keys(trusted));
    KeySet::new(*trusted.own_serial(), keys).map_err(CertificatesError::Entry)
}

fn public_keys(trusted: &KeySet) -> impl Iterator<Item = TrustedKey> {
    let is_public_key = |key: &&TrustedKey| matches!(key, TrustedKey::PublicKey { .. });
    trusted.iter().filter(is_public_key).cloned()
}

fn check_chain(
    certificate: &Certificate,
    pem: &str,
    authorities: Option<&PlatformAuthorities>,
    now: i64,
) -> Result<(), CertificatesError> {
    let Some(authorities) = authorities else {
        return Ok(());
    };
    let checked = authorities.check(pem, now);
    checked.map_err(|source| CertificatesError::Chain {
        id: certificate.key_id(),
        source,
    })
}

fn read(
    entry: &EncryptedCertificate<'_>,
    key: &ApiV3Key,
) -> Result<(Certificate, String), CertificatesError> {
    let plaintext = key.open_unverified(&entry.sealed);
    let plaintext = plaintext.map_err(CertificatesError::Entry)?;
    let pem = plaintext.to_str().map_err(CertificatesError::Entry)?;
    let certificate = Certificate::from_pem(pem).map_err(CertificatesError::Entry)?;
    let named: Result<SerialNumber, _> = entry.serial.parse();
    if named.as_ref() != Ok(certificate.serial()) {
        return Err(CertificatesError::SerialMismatch);
    }
    Ok((certificate, pem.to_owned()))
}
