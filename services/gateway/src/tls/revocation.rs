//! Judges revocation lists before they are used.
//!
//! What the handshake makes of a bad list is to refuse every caller, or to overlook the second list of an authority. So
//! all that can be known of a list without a caller is known here.

use kabao_auth::RevocationList;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use webpki::BorrowedCertRevocationList;

use super::files::{CRLS, ExpiredCrl};
use crate::files::{Contents, Faults};

/// Between when and when a list holds, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    pub(crate) made: i64,
    pub(crate) ends: i64,
}

/// What a list is about: the certificates of an issuer, or a part of them.
type Scope = (Vec<u8>, Option<Vec<u8>>);

/// The lists of all files.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) lists: Vec<CertificateRevocationListDer<'static>>,
    pub(super) lifetimes: Vec<Lifetime>,
}

/// What lists are judged by.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    /// The certificates of the authorities, and the same as roots, in the same order.
    pub(super) certificates: &'a [CertificateDer<'static>],
    pub(super) roots: &'a RootCertStore,
    pub(super) expired: ExpiredCrl,
    pub(super) provider: &'a CryptoProvider,
    pub(super) now: i64,
}

impl Lists {
    /// Reads the lists of files in PEM or DER, and says what is wrong with any.
    pub(super) fn read<'c>(
        files: impl Iterator<Item = &'c Contents>,
        judge: &Judge<'_>,
        faults: &mut Faults,
    ) -> Self {
        let mut all = Self::default();
        let mut scopes: Vec<Scope> = Vec::new();
        let mut is_good = faults.iter().all(|fault| fault.key != CRLS);
        for file in files {
            let mut fault = |what: &str| {
                faults.add(CRLS, format!("{} {what}", file.path.display()));
                is_good = false;
            };
            let lists = parts(&file.bytes);
            if lists.is_empty() {
                fault("holds no revocation list in PEM or DER");
            }
            for der in lists {
                match judge.look(&der) {
                    Ok((lifetime, scope)) if !scopes.contains(&scope) => {
                        all.lifetimes.push(lifetime);
                        all.lists.push(der);
                        scopes.push(scope);
                    }
                    Ok(_) => fault(
                        "holds a second revocation list of the same authority, which would be overlooked; keep the newer one",
                    ),
                    Err(what) => fault(&what),
                }
            }
        }
        for root in judge.roots.roots.iter().filter(|_| is_good) {
            let subject = root.subject.as_ref();
            if !scopes.iter().any(|(issuer, _)| issuer == subject) {
                let name = kabao_auth::common_name(subject).unwrap_or("without a common name");
                faults.add(
                    CRLS,
                    format!(
                        "no file holds the revocation list of the authority {name:?} in client_ca_file, so all its callers would be refused; add it"
                    ),
                );
            }
        }
        all
    }
}

impl Judge<'_> {
    /// Returns how long a list holds, and for what.
    fn look(&self, der: &CertificateRevocationListDer<'_>) -> Result<(Lifetime, Scope), String> {
        let unusable = |error| format!("holds a revocation list that cannot be used: {error}");
        let borrowed = BorrowedCertRevocationList::from_der(der)
            .map_err(|error| unusable(error.to_string()))?;
        let list = RevocationList::from_der(der).map_err(|error| unusable(error.to_string()))?;
        if !self.may_be_signed(&list) {
            return Err(
                "holds a revocation list that names an authority in client_ca_file and is not signed by it"
                    .to_owned(),
            );
        }
        let lifetime = Lifetime {
            made: list.this_update(),
            ends: list.next_update(),
        };
        if lifetime.ends <= self.now && self.expired == ExpiredCrl::Refuse {
            return Err(
                "holds a revocation list that has expired; fetch a new one, or say `expired_crl = \"accept\"`"
                    .to_owned(),
            );
        }
        let part = webpki::CertRevocationList::from(borrowed);
        let part = part.issuing_distribution_point().map(<[u8]>::to_vec);
        Ok((lifetime, (list.issuer().to_vec(), part)))
    }

    /// Whether an authority signed the list that it names. What is said of other authorities, which callers send the
    /// certificates of, shows in the handshake.
    fn may_be_signed(&self, list: &RevocationList<'_>) -> bool {
        let authorities = self.roots.roots.iter().zip(self.certificates);
        let mut named = authorities
            .filter(|(root, _)| root.subject.as_ref() == list.issuer())
            .map(|(_, certificate)| certificate)
            .peekable();
        named.peek().is_none() || named.any(|certificate| self.has_signed(certificate, list))
    }

    fn has_signed(&self, certificate: &CertificateDer<'_>, list: &RevocationList<'_>) -> bool {
        // One of the first version of X.509 cannot be looked into; the handshake can use it all the same.
        let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else {
            return true;
        };
        let algorithms = self.provider.signature_verification_algorithms.all.iter();
        algorithms
            .filter(|algorithm| algorithm.signature_alg_id().as_ref() == list.algorithm())
            .any(|algorithm| {
                let (signed, signature) = (list.signed(), list.signature());
                certificate
                    .verify_signature(*algorithm, signed, signature)
                    .is_ok()
            })
    }
}

/// The lists of a file: one in DER, or any number in PEM.
fn parts(bytes: &[u8]) -> Vec<CertificateRevocationListDer<'static>> {
    const SEQUENCE: u8 = 0x30;
    if bytes.first() == Some(&SEQUENCE) {
        return vec![CertificateRevocationListDer::from(bytes.to_vec())];
    }
    let lists: Result<_, _> = CertificateRevocationListDer::pem_slice_iter(bytes).collect();
    lists.unwrap_or_default()
}
