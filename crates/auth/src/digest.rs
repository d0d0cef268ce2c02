//! Digests: of files, as image uploads name them, and of values, as pages of official accounts pass
//! them on.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

/// Returns the SHA-256 of `bytes` in lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&SHA256, bytes)
}

/// Returns the `DigestInfo` of the SHA-256 of `message` (RFC 8017, 9.2), which is what RSASSA-PKCS1-v1_5 pads: for signers
/// that make no digest themselves.
pub fn sha256_digest_info(message: &[u8]) -> [u8; 51] {
    const HEAD: [u8; 19] = [
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0x04, 0x20,
    ];
    let digest = digest(&SHA256, message);
    let mut info = [0; 51];
    for (place, byte) in info.iter_mut().zip(HEAD.iter().chain(digest.as_ref())) {
        *place = *byte;
    }
    info
}

/// Returns the signature of `wx.addCard` and `wx.chooseCard`: the values, among them the ticket, sorted
/// as bytes and joined, under SHA-1, in lower-case hexadecimal digits.
///
/// The order of `values` does not matter, and empty ones add nothing. SHA-1 is WeChat's choice.
pub fn card_signature(values: &[&str]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    hex(&SHA1_FOR_LEGACY_USE_ONLY, sorted.concat().as_bytes())
}

fn hex(algorithm: &'static Algorithm, bytes: &[u8]) -> String {
    let digest = digest(algorithm, bytes);
    let mut text = String::with_capacity(64);
    for byte in digest.as_ref() {
        let digits = [byte >> 4, byte & 0xf].map(|half| char::from_digit(u32::from(half), 16));
        text.extend(digits.into_iter().flatten());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_standard() {
        for (bytes, expected) in [
            (
                b"".as_slice(),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                b"abc".as_slice(),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ] {
            assert_eq!(sha256_hex(bytes), expected);
        }
    }
}
