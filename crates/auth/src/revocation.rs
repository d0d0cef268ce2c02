//! X.509 certificate revocation lists, as far as an operator is told of them.

use std::fmt;

use crate::Error;
use crate::der::{self, Reader};

/// A certificate revocation list in DER (RFC 5280).
///
/// Reading it proves nothing: [`signed`](Self::signed) and [`signature`](Self::signature) are for whoever knows the issuer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RevocationList<'a> {
    issuer: &'a [u8],
    this_update: i64,
    next_update: i64,
    signed: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> RevocationList<'a> {
    /// Reads a list that says until when it holds.
    ///
    /// # Errors
    /// [`Error::InvalidCertificate`].
    pub fn from_der(der: &'a [u8]) -> Result<Self, Error> {
        Self::read(der).ok_or(Error::InvalidCertificate)
    }

    fn read(der: &'a [u8]) -> Option<Self> {
        let mut input = Reader::new(der);
        let mut list = Reader::new(input.expect(der::SEQUENCE)?.contents);
        let signed = list.expect(der::SEQUENCE)?;
        let algorithm = list.expect(der::SEQUENCE)?.contents;
        let (unused_bits, signature) = list.expect(der::BIT_STRING)?.contents.split_first()?;
        let mut body = Reader::new(signed.contents);
        body.optional(der::INTEGER);
        let _signature_algorithm = body.expect(der::SEQUENCE)?;
        let issuer = body.expect(der::SEQUENCE)?.contents;
        let this_update = der::unix_seconds(&body.any()?)?;
        let next_update = der::unix_seconds(&body.any()?)?;
        let is_complete = input.is_empty() && list.is_empty() && *unused_bits == 0;
        is_complete.then_some(Self {
            issuer,
            this_update,
            next_update,
            signed: signed.encoding,
            algorithm,
            signature,
        })
    }

    /// Returns whose certificates it is about: the contents of a DER `Name`, without its outer tag and length.
    pub fn issuer(&self) -> &'a [u8] {
        self.issuer
    }

    /// Returns when it was made, in Unix seconds.
    pub fn this_update(&self) -> i64 {
        self.this_update
    }

    /// Returns by when the next one is promised, in Unix seconds.
    pub fn next_update(&self) -> i64 {
        self.next_update
    }

    /// Returns the bytes that the issuer signed.
    pub fn signed(&self) -> &'a [u8] {
        self.signed
    }

    /// Returns how: the contents of a DER `AlgorithmIdentifier`.
    pub fn algorithm(&self) -> &'a [u8] {
        self.algorithm
    }

    /// Returns the signature.
    pub fn signature(&self) -> &'a [u8] {
        self.signature
    }
}

impl fmt::Debug for RevocationList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("this_update", &self.this_update)
            .field("next_update", &self.next_update)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
        let contents = contents.concat();
        let length = u8::try_from(contents.len()).unwrap();
        [&[tag, length][..], &contents].concat()
    }

    /// A list with these times after its issuer.
    fn list(times: &[&[u8]]) -> Vec<u8> {
        let algorithm = element(der::SEQUENCE, &[b"\x06\x01\x2a"]);
        let issuer = element(der::SEQUENCE, &[b"\x31\x00"]);
        let version = element(der::INTEGER, &[b"\x01"]);
        let body = [
            &[&version[..], &algorithm, &issuer],
            times,
            &[&element(der::SEQUENCE, &[])],
        ];
        let body = element(der::SEQUENCE, &body.concat());
        let signature = element(der::BIT_STRING, &[b"\x00\x07\x08"]);
        element(der::SEQUENCE, &[&body, &algorithm, &signature])
    }

    #[test]
    fn a_list_tells_its_issuer_its_times_and_what_was_signed() {
        let times = [
            element(der::UTC_TIME, &[b"260101000000Z"]),
            element(der::GENERALIZED_TIME, &[b"20500101000000Z"]),
        ];
        let der = list(&[&times[0], &times[1]]);
        let read = RevocationList::from_der(&der).unwrap();
        assert_eq!(read.issuer(), b"\x31\x00");
        assert_eq!(read.this_update(), 1_767_225_600);
        assert_eq!(read.next_update(), 2_524_608_000);
        assert_eq!(read.algorithm(), b"\x06\x01\x2a");
        assert_eq!(read.signature(), b"\x07\x08");
        assert!(der[2..].starts_with(read.signed()));
    }

    #[test]
    fn what_is_cut_or_has_no_end_is_no_list() {
        let times = [
            element(der::UTC_TIME, &[b"260101000000Z"]),
            element(der::UTC_TIME, &[b"260201000000Z"]),
        ];
        let whole = list(&[&times[0], &times[1]]);
        for length in 0..whole.len() {
            assert!(
                RevocationList::from_der(&whole[..length]).is_err(),
                "{length}"
            );
        }
        let longer = [&whole[..], b"\x00"].concat();
        let endless = list(&[&times[0]]);
        for der in [longer, endless] {
            assert_eq!(
                RevocationList::from_der(&der),
                Err(Error::InvalidCertificate)
            );
        }
    }
}
