//! The private keys of one credential.

use std::sync::Arc;

use kabao_auth::Identity;

use super::key::{Key, RequestSigner};
use super::remote::Remote;
use crate::origin::Hosts;

/// The keys of one credential: whichever is valid signs, and all decrypt.
pub(crate) struct Keyring {
    first: Arc<RequestSigner>,
    others: Vec<Arc<RequestSigner>>,
}

impl Keyring {
    pub(crate) fn new(
        first: RequestSigner,
        others: impl IntoIterator<Item = RequestSigner>,
    ) -> Self {
        Self {
            first: Arc::new(first),
            others: others.into_iter().map(Arc::new).collect(),
        }
    }

    /// All of them, in the order of the configuration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<RequestSigner>> {
        [&self.first].into_iter().chain(&self.others)
    }

    /// The one that signs at a moment in Unix seconds: the first that is valid. If none is, it is for WeChat to say so.
    pub(crate) fn signing(&self, now: i64) -> &Arc<RequestSigner> {
        let valid = |signer: &&Arc<RequestSigner>| {
            let validity = signer.validity();
            validity.is_none_or(|validity| validity.contains(now))
        };
        self.iter().find(valid).unwrap_or(&self.first)
    }

    /// The keys that an answer may be encrypted for, that which signs first.
    pub(crate) fn decrypting(&self, now: i64) -> impl Iterator<Item = &Key> {
        let signing = self.signing(now);
        let others = self
            .iter()
            .filter(move |other| !Arc::ptr_eq(other, signing));
        [signing]
            .into_iter()
            .chain(others)
            .map(|signer| signer.key())
    }

    /// Scheme and number, which all have in common; the serial number is that of the first.
    pub(crate) fn identity(&self) -> &Identity {
        self.first.identity()
    }

    /// What all of them are signed for.
    pub(crate) fn hosts(&self) -> &Hosts {
        self.first.hosts()
    }

    /// Until when a request can be signed, in Unix seconds; `None` if the end of a certificate is not known.
    pub(crate) fn ends(&self) -> Option<i64> {
        let ends = self.iter().map(|signer| Some(signer.validity()?.until));
        ends.reduce(|last, end| Some(last?.max(end?))).flatten()
    }

    /// The keys that lie elsewhere.
    pub(crate) fn remotes(&self) -> impl Iterator<Item = &Remote> {
        self.iter().filter_map(|signer| match signer.key() {
            Key::Here(_) => None,
            Key::Elsewhere(remote) => Some(remote.as_ref()),
        })
    }
}

#[cfg(test)]
mod tests {
    use kabao_auth::{PrivateKey, Scheme};

    use super::super::key::Validity;
    use super::*;
    use crate::testing::{hosts, key};

    /// A ring of keys with these validities, whose serial numbers count from 1.
    fn ring(validities: &[Option<(i64, i64)>]) -> Keyring {
        let mut signers = validities.iter().zip(1..).map(|(validity, number)| {
            let serial = format!("{number:040X}").parse().unwrap();
            let identity = Identity::new(Scheme::Merchant, "1900000001", serial).unwrap();
            let private_key = PrivateKey::from_pem(key("merchant", "private_key_pem")).unwrap();
            let validity = validity.map(|(from, until)| Validity { from, until });
            RequestSigner::new(identity, Key::Here(private_key), validity, hosts())
        });
        Keyring::new(signers.next().unwrap(), signers)
    }

    fn number(signer: &RequestSigner) -> usize {
        let serial = signer.identity().serial().to_string();
        usize::from_str_radix(&serial, 16).unwrap()
    }

    #[test]
    fn the_first_key_that_is_valid_signs_and_requests_can_be_signed_until_the_last_one_ends() {
        type Row<'r> = (&'r [Option<(i64, i64)>], i64, usize, Option<i64>);
        let rows: [Row<'_>; 9] = [
            (&[Some((0, 9))], 5, 1, Some(9)),
            (&[Some((0, 9))], 10, 1, Some(9)),
            (&[None], 5, 1, None),
            // The new one is configured ahead of its time, and the other way round.
            (&[Some((5, 20)), Some((0, 9))], 4, 2, Some(20)),
            (&[Some((5, 20)), Some((0, 9))], 5, 1, Some(20)),
            (&[Some((0, 9)), Some((5, 20))], 9, 1, Some(20)),
            (&[Some((0, 9)), Some((5, 20))], 10, 2, Some(20)),
            (&[Some((0, 9)), Some((5, 20))], 21, 1, Some(20)),
            (&[Some((0, 9)), None], 10, 2, None),
        ];
        for (validities, now, signs, ends) in rows {
            let ring = ring(validities);
            assert_eq!(number(ring.signing(now)), signs, "{validities:?} at {now}");
            assert_eq!(ring.ends(), ends, "{validities:?}");
            assert_eq!(ring.decrypting(now).count(), validities.len());
        }
    }
}
