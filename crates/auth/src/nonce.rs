//! Nonces.

use aws_lc_rs::rand;

use crate::Error;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Makes a nonce of 32 random characters of `[0-9A-Za-z]`, good for requests and answers.
///
/// # Errors
/// [`Error::Crypto`] if the system gives no randomness.
pub fn random_nonce() -> Result<String, Error> {
    random_text(32)
}

/// Makes the 12-character nonce of an encrypted resource.
///
/// # Errors
/// [`Error::Crypto`] if the system gives no randomness.
pub fn random_resource_nonce() -> Result<String, Error> {
    random_text(12)
}

fn random_text(length: usize) -> Result<String, Error> {
    let mut text = String::with_capacity(length);
    let mut bytes = [0_u8; 48];
    while text.len() < length {
        rand::fill(&mut bytes).map_err(|_| Error::Crypto)?;
        // Four whole alphabets fit into a byte's range; the rest is thrown away, so that every character is as likely.
        let characters = bytes
            .iter()
            .filter(|byte| **byte < 248)
            .filter_map(|byte| ALPHABET.get(usize::from(*byte % 62)));
        text.extend(
            characters
                .take(length - text.len())
                .map(|character| char::from(*character)),
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_have_their_length_and_alphabet_and_do_not_repeat() {
        let nonces: Vec<_> = (0..100).map(|_| random_nonce().unwrap()).collect();
        for nonce in &nonces {
            assert_eq!(nonce.len(), 32);
            assert!(
                nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{nonce}"
            );
        }
        let distinct: std::collections::HashSet<_> = nonces.iter().collect();
        assert_eq!(distinct.len(), nonces.len());
        assert_eq!(random_resource_nonce().unwrap().len(), 12);
    }
}
