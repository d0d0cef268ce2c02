//! Payloads that lie in a store: sealed with keys of a file, and compared by keyed digests.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{Error, Plaintext};

/// The first byte of what is sealed in the way of this file.
const VERSION: u8 = 1;
const KEY_LENGTH: usize = 32;
const TAG_LENGTH: usize = 16;
const ID_LENGTH: usize = 4;
const SALT: &[u8] = b"kabao store";

/// The keys of a store: the first one seals, every one opens.
///
/// To change keys, the new one is put in front and the old ones stay until nothing is left that they have sealed.
/// Nonces are random, so a key should seal no more than 2^32 payloads.
#[derive(Clone)]
pub struct SealingKeys(Arc<[SealingKey]>);

struct SealingKey {
    id: [u8; ID_LENGTH],
    key: LessSafeKey,
}

/// A key for digests by which values are compared and found, and from which nobody can guess them without the key.
#[derive(Clone)]
pub struct DigestKey(hmac::Key);

impl SealingKeys {
    /// Reads the text of a key file: a key a line, 32 bytes in base64 or in hexadecimal digits; lines that start with
    /// `#` are comments.
    ///
    /// # Errors
    /// [`Error::InvalidSealingKey`] with the number of the line, or 0 if there is no key at all.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let keys = lines(text)?;
        let keys = keys.iter().map(|key| SealingKey::new(key));
        Ok(Self(keys.collect::<Result<_, _>>()?))
    }

    /// Makes a line of a key file with a new random key.
    ///
    /// # Errors
    /// [`Error::Crypto`] if the system gives no randomness.
    pub fn generate_line() -> Result<Plaintext, Error> {
        let line = STANDARD.encode(random::<KEY_LENGTH>()?);
        Ok(Plaintext::new(Zeroizing::new(line.into_bytes())))
    }

    /// Seals a payload with the first key. It opens only with the same `place`, so that payloads cannot change places.
    ///
    /// # Errors
    /// [`Error::Crypto`] if the system gives no randomness.
    pub fn seal(&self, place: &[&str], payload: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.0.first().ok_or(Error::Crypto)?;
        key.seal(*random()?, place, payload)
    }

    /// Opens what was sealed with any of the keys.
    ///
    /// # Errors
    /// [`Error::AeadInput`], [`Error::UnknownSealingKey`] or [`Error::AeadTagMismatch`].
    pub fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Plaintext, Error> {
        let (id, rest) = id(sealed)?;
        let key = self.0.iter().find(|key| key.id == id);
        let key = key.ok_or(Error::UnknownSealingKey)?;
        let (nonce, ciphertext) = rest.split_first_chunk().ok_or(Error::AeadInput)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let place = Aad::from(framed(place));
        let opened = key.key.open_in_place(nonce, place, &mut buffer);
        let length = opened.map_err(|_| Error::AeadTagMismatch)?.len();
        buffer.truncate(length);
        Ok(Plaintext::new(buffer))
    }

    /// Tells whether something was sealed with the key that seals now.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        let current = self.0.first().map(|key| key.id);
        id(sealed).is_ok_and(|(id, _)| Some(id) == current)
    }
}

impl SealingKey {
    fn new(key: &[u8; KEY_LENGTH]) -> Result<Self, Error> {
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(key);
        let mut sealing = Zeroizing::new([0; KEY_LENGTH]);
        expand(&derived, b"sealing", sealing.as_mut())?;
        let mut id = [0; ID_LENGTH];
        expand(&derived, b"id", &mut id)?;
        let key = UnboundKey::new(&AES_256_GCM, sealing.as_ref()).map_err(|_| Error::Crypto)?;
        let key = LessSafeKey::new(key);
        Ok(Self { id, key })
    }

    /// Version, id, nonce, ciphertext, tag.
    fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        place: &[&str],
        payload: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let head = 1 + ID_LENGTH + NONCE_LEN;
        let mut sealed = Vec::with_capacity(head + payload.len() + TAG_LENGTH);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(payload);
        let place = Aad::from(framed(place));
        let unique = Nonce::assume_unique_for_key(nonce);
        let (_, text) = sealed.split_at_mut(head);
        match self.key.seal_in_place_separate_tag(unique, place, text) {
            Ok(tag) => {
                sealed.extend_from_slice(tag.as_ref());
                Ok(sealed)
            }
            Err(_) => {
                // It may be in clear.
                sealed.zeroize();
                Err(Error::Crypto)
            }
        }
    }
}

impl DigestKey {
    /// Makes the bytes of a new random key.
    ///
    /// # Errors
    /// [`Error::Crypto`] if the system gives no randomness.
    pub fn generate() -> Result<Plaintext, Error> {
        let bytes = random::<KEY_LENGTH>()?;
        Ok(Plaintext::new(Zeroizing::new(bytes.to_vec())))
    }

    /// Reads the text of a key file, which looks like that of [`SealingKeys`].
    ///
    /// # Errors
    /// As for [`SealingKeys::parse`].
    pub fn parse(text: &str) -> Result<Vec<Self>, Error> {
        lines(text)?
            .iter()
            .map(|key| Self::new(key.as_ref()))
            .collect()
    }

    /// Makes a key of its bytes.
    ///
    /// # Errors
    /// [`Error::Crypto`] unless they are 32.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != KEY_LENGTH {
            return Err(Error::Crypto);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// Returns the digest of values for a use: HMAC-SHA256 over the use and the values, each behind its length.
    pub fn digest(&self, used_for: &str, values: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(&used_for.as_bytes()).chain(values) {
            context.update(&length(part));
            context.update(part);
        }
        let mut digest = [0; 32];
        for (to, from) in digest.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        digest
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKeys([redacted])")
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey([redacted])")
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(key: &hkdf::Prk, label: &[u8], into: &mut [u8]) -> Result<(), Error> {
    let label = [label];
    let expanded = key.expand(&label, Length(into.len()));
    let filled = expanded.and_then(|bytes| bytes.fill(into));
    filled.map_err(|_| Error::Crypto)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::fill(bytes.as_mut()).map_err(|_| Error::Crypto)?;
    Ok(bytes)
}

/// The id of the key that sealed something, and what follows it.
fn id(sealed: &[u8]) -> Result<([u8; ID_LENGTH], &[u8]), Error> {
    match sealed.split_first() {
        Some((&VERSION, rest)) => {
            let (id, rest) = rest.split_first_chunk().ok_or(Error::AeadInput)?;
            Ok((*id, rest))
        }
        _ => Err(Error::AeadInput),
    }
}

/// The parts one after the other, each behind its length.
fn framed(parts: &[&str]) -> Vec<u8> {
    let sizes = parts.iter().map(|part| part.len().saturating_add(8));
    let mut bytes = Vec::with_capacity(sizes.fold(0, usize::saturating_add));
    for part in parts {
        bytes.extend_from_slice(&length(part.as_bytes()));
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

fn length(part: &[u8]) -> [u8; 8] {
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

/// The keys of a text, one a line; there is one at least.
fn lines(text: &str) -> Result<Vec<Zeroizing<[u8; KEY_LENGTH]>>, Error> {
    let mut keys = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        keys.push(decode(line).ok_or(Error::InvalidSealingKey { line: number })?);
    }
    if keys.is_empty() {
        return Err(Error::InvalidSealingKey { line: 0 });
    }
    Ok(keys)
}

fn decode(line: &str) -> Option<Zeroizing<[u8; KEY_LENGTH]>> {
    let mut bytes = Zeroizing::new(STANDARD.decode(line).unwrap_or_default());
    if line.len() == 2 * KEY_LENGTH {
        let digits = (0..line.len()).step_by(2).map(|at| line.get(at..at + 2));
        let read = digits.map(|pair| u8::from_str_radix(pair?, 16).ok());
        *bytes = read.collect::<Option<Vec<u8>>>()?;
    }
    let key: [u8; KEY_LENGTH] = bytes.as_slice().try_into().ok()?;
    Some(Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const SECOND: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
    const PLACE: [&str; 4] = ["changes", "main", "4711", "plan"];

    fn keys(text: &str) -> SealingKeys {
        SealingKeys::parse(text).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn what_is_sealed_is_what_another_implementation_of_the_standards_makes() {
        let keys = keys(FIRST);
        let sealed = keys.0[0]
            .seal(*b"nonce of 12!", &PLACE, b"payload")
            .unwrap();
        assert_eq!(
            hex(&sealed),
            "013ea56fee6e6f6e6365206f6620313221c6449aa6dc65e8646674bda86b9e40658dc90bfbf065e5"
        );
        assert_eq!(keys.open(&PLACE, &sealed).unwrap().as_bytes(), b"payload");
    }

    #[test]
    fn digests_are_what_another_implementation_of_the_standard_makes() {
        let key = DigestKey::new(&[7; 32]).unwrap();
        let digest = key.digest("subject", &[b"main", b"13800138000"]);
        assert_eq!(
            hex(&digest),
            "1ce07684836b002a42d91ad417e59beefa6132a4cba823dd059ce6d571727a69"
        );
        let other = key.digest("subject", &[b"main1", b"3800138000"]);
        assert_ne!(digest, other, "values do not run into each other");
        assert!(DigestKey::new(&[7; 31]).is_err());
        assert_eq!(DigestKey::generate().unwrap().as_bytes().len(), 32);
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let old = keys(FIRST).seal(&PLACE, b"payload").unwrap();
        let both = keys(&format!("# new\n{SECOND}\n\n  {FIRST}  \n"));
        assert_eq!(both.open(&PLACE, &old).unwrap().as_bytes(), b"payload");
        assert!(!both.is_current(&old));
        let new = both.seal(&PLACE, b"payload").unwrap();
        assert!(both.is_current(&new));
        let refused = keys(FIRST).open(&PLACE, &new);
        assert_eq!(refused.unwrap_err(), Error::UnknownSealingKey);
    }

    #[test]
    fn a_payload_opens_only_whole_and_in_its_place() {
        let keys = keys(FIRST);
        let sealed = keys.seal(&PLACE, b"payload").unwrap();
        let again = keys.seal(&PLACE, b"payload").unwrap();
        assert_ne!(sealed, again, "each has a nonce of its own");
        for elsewhere in [
            ["changes", "main", "4711", "answer"],
            ["changes", "mai", "n4711", "plan"],
        ] {
            assert_eq!(
                keys.open(&elsewhere, &sealed).unwrap_err(),
                Error::AeadTagMismatch
            );
        }
        for at in 0..sealed.len() {
            let mut spoiled = sealed.clone();
            spoiled[at] ^= 1;
            assert!(keys.open(&PLACE, &spoiled).is_err(), "byte {at}");
            assert!(keys.open(&PLACE, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn key_files_are_refused_by_line_and_keys_are_never_shown() {
        for (text, line) in [
            ("", 0),
            ("# nothing\n", 0),
            ("#\nAAECAwQ=", 2),
            (&SECOND[1..], 1),
            (&SECOND.replace('f', "g"), 1),
        ] {
            assert_eq!(
                SealingKeys::parse(text).unwrap_err(),
                Error::InvalidSealingKey { line }
            );
        }
        let line = SealingKeys::generate_line().unwrap();
        let keys = keys(line.to_str().unwrap());
        assert_eq!(format!("{keys:?}"), "SealingKeys([redacted])");
        let digests = DigestKey::new(&[7; 32]).unwrap();
        assert_eq!(format!("{digests:?}"), "DigestKey([redacted])");
    }
}
