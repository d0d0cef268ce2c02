//! Bearer tokens of callers, known by their digests alone.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

/// The SHA-256 of a token.
///
/// Tokens are random and long, so that their plain digest tells nothing. Comparing takes the same time whatever is
/// compared.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Makes the digest of a token.
    pub fn of(token: &[u8]) -> Self {
        let mut bytes = [0; 32];
        for (byte, made) in bytes.iter_mut().zip(digest(&SHA256, token).as_ref()) {
            *byte = *made;
        }
        Self(bytes)
    }

    /// Returns the bytes, for a table of tokens that were believed: whoever looks up a digest has the token.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Reads 64 hexadecimal digits; `None` if the text is anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let mut value: u8 = 0;
            for digit in pair {
                let digit = char::from(*digit).to_digit(16)?;
                value = value.wrapping_mul(16) | u8::try_from(digit).ok()?;
            }
            *byte = value;
        }
        Some(Self(bytes))
    }
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for TokenDigest {}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_token_has_the_digest_that_was_written_down() {
        let read = TokenDigest::from_hex(ABC).unwrap();
        assert_eq!(read, TokenDigest::of(b"abc"));
        assert_eq!(Some(read), TokenDigest::from_hex(&ABC.to_uppercase()));
        assert_ne!(read, TokenDigest::of(b"abd"));
        assert_eq!(format!("{read:?}"), "TokenDigest(..)");
    }

    #[test]
    fn only_64_hexadecimal_digits_are_a_digest() {
        let long = format!("{ABC}0");
        let foreign = ABC.replace('b', "g");
        for text in ["", "abc", &ABC[..62], &long, &foreign] {
            assert_eq!(TokenDigest::from_hex(text), None, "{text}");
        }
    }
}
