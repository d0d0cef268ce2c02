//! Who issued a platform certificate: the check of its chain against authorities that an operator has configured.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};

use crate::der::{self, Reader};
use crate::{Error, pem};

/// The algorithms that a certificate may be signed with, by the contents of their object identifiers: RSA and ECDSA
/// with SHA-2. SHA-1 is none of them.
static ALGORITHMS: [(&[u8], &dyn VerificationAlgorithm); 5] = [
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
        &RSA_PKCS1_2048_8192_SHA256,
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
        &RSA_PKCS1_2048_8192_SHA384,
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
        &RSA_PKCS1_2048_8192_SHA512,
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        &ECDSA_P256_SHA256_ASN1,
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        &ECDSA_P384_SHA384_ASN1,
    ),
];

/// The authorities that platform certificates must come from, such as WeChat Pay's `Tenpay.com Root CA`.
///
/// Each of them is trusted to issue by itself, so a file holds whatever issues platform certificates directly: the root,
/// or the authority between. Clones are the same.
#[derive(Clone)]
pub struct PlatformAuthorities(Arc<[Authority]>);

#[derive(Debug)]
struct Authority {
    subject: Vec<u8>,
    public_key: Vec<u8>,
    not_before: i64,
    not_after: i64,
}

/// Why a certificate does not come from a configured authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// It is no readable X.509 certificate.
    #[error("it is no readable certificate")]
    Unreadable,
    /// None of the authorities has the name of its issuer.
    #[error("no configured authority has the name of its issuer")]
    UnknownIssuer,
    /// The authority's own validity is over, or has not begun.
    #[error("the authority that issued it is outside its validity")]
    AuthorityNotValid,
    /// It is signed with an algorithm that is not taken.
    #[error("its signature is of a kind that is not taken")]
    UnsupportedAlgorithm,
    /// Its signature was not made by the authority that it names.
    #[error("its signature was not made by the authority that it names")]
    SignatureMismatch,
}

impl PlatformAuthorities {
    /// Reads the certificates of authorities, one or more.
    ///
    /// # Errors
    /// [`Error::PemMissing`], [`Error::PemMalformed`] or [`Error::InvalidCertificate`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let blocks = pem::all(text, pem::CERTIFICATE)?;
        let authorities = blocks.iter().map(|block| {
            let der = block.der()?;
            let issued = Issued::read(&der).ok_or(Error::InvalidCertificate)?;
            Ok(Authority {
                subject: issued.subject.to_vec(),
                public_key: issued.public_key.to_vec(),
                not_before: issued.not_before,
                not_after: issued.not_after,
            })
        });
        let authorities: Vec<_> = authorities.collect::<Result<_, Error>>()?;
        match authorities.is_empty() {
            true => Err(Error::PemMissing),
            false => Ok(Self(authorities.into())),
        }
    }

    /// Checks that one of the authorities has issued the first certificate of a PEM text, and is valid at a moment in
    /// Unix seconds. The certificate's own validity is another matter.
    ///
    /// # Errors
    /// [`ChainError`] says what is wrong with the authority whose name fits best.
    pub fn check(&self, pem: &str, now: i64) -> Result<(), ChainError> {
        let der = pem::find(pem, &[pem::CERTIFICATE], pem::CERTIFICATE)
            .and_then(|block| block.der())
            .map_err(|_| ChainError::Unreadable)?;
        let issued = Issued::read(&der).ok_or(ChainError::Unreadable)?;
        let named = self.0.iter();
        let named = named.filter(|authority| authority.subject == issued.issuer);
        // Authorities change their keys and keep their names.
        let mut found = ChainError::UnknownIssuer;
        for authority in named {
            match authority.check(&issued, now) {
                Ok(()) => return Ok(()),
                Err(error) => found = error,
            }
        }
        Err(found)
    }
}

impl Authority {
    fn check(&self, issued: &Issued<'_>, now: i64) -> Result<(), ChainError> {
        let algorithm = ALGORITHMS.iter().find(|(id, _)| *id == issued.algorithm);
        let (_, algorithm) = algorithm.ok_or(ChainError::UnsupportedAlgorithm)?;
        UnparsedPublicKey::new(*algorithm, &self.public_key)
            .verify(issued.signed, issued.signature)
            .map_err(|_| ChainError::SignatureMismatch)?;
        match (self.not_before..=self.not_after).contains(&now) {
            true => Ok(()),
            false => Err(ChainError::AuthorityNotValid),
        }
    }
}

impl fmt::Debug for PlatformAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        f.debug_tuple("PlatformAuthorities").field(&count).finish()
    }
}

/// What of a certificate says who issued it.
struct Issued<'a> {
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    /// The key itself: the contents of its bit string.
    public_key: &'a [u8],
    not_before: i64,
    not_after: i64,
}

impl<'a> Issued<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let mut input = Reader::new(der);
        let mut certificate = Reader::new(input.expect(der::SEQUENCE)?.contents);
        let signed = certificate.expect(der::SEQUENCE)?;
        let outer = certificate.expect(der::SEQUENCE)?;
        let signature = bits(&mut certificate)?;
        let mut body = Reader::new(signed.contents);
        body.optional(der::CONTEXT_0);
        let _serial = body.expect(der::INTEGER)?;
        let inner = body.expect(der::SEQUENCE)?;
        let issuer = body.expect(der::SEQUENCE)?.contents;
        let mut validity = Reader::new(body.expect(der::SEQUENCE)?.contents);
        let not_before = der::unix_seconds(&validity.any()?)?;
        let not_after = der::unix_seconds(&validity.any()?)?;
        let subject = body.expect(der::SEQUENCE)?.contents;
        let mut public_key = Reader::new(body.expect(der::SEQUENCE)?.contents);
        let _algorithm = public_key.expect(der::SEQUENCE)?;
        let public_key = bits(&mut public_key)?;
        let algorithm = Reader::new(outer.contents).expect(der::OBJECT_IDENTIFIER)?;
        // What is not signed must say the same as what is.
        let complete = input.is_empty()
            && certificate.is_empty()
            && validity.is_empty()
            && outer.encoding == inner.encoding;
        complete.then_some(Self {
            signed: signed.encoding,
            algorithm: algorithm.contents,
            signature,
            issuer,
            subject,
            public_key,
            not_before,
            not_after,
        })
    }
}

/// Reads a bit string of whole bytes.
fn bits<'a>(input: &mut Reader<'a>) -> Option<&'a [u8]> {
    let (unused, bytes) = input.expect(der::BIT_STRING)?.contents.split_first()?;
    (*unused == 0).then_some(bytes)
}
