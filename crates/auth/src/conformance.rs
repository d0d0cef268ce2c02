//! What every [`Signer`] has to pass: one suite, over the keys and the answers of the shared vectors.
//!
//! [`conformance!`](crate::conformance!) makes a test of each of its functions.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a suite of tests, which is published for the tests of other crates"
)]

mod together;
mod vectors;

use std::sync::Arc;

use async_trait::async_trait;

use self::together::{all, leave_early};
pub use self::vectors::{KEYS, private_key_pem};
use self::vectors::{bytes, cases, public_key, text};
use crate::{Signer, SignerError};

/// Signers under test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Gives the signer of one of [`KEYS`].
    async fn signer(&self, name: &str) -> Arc<dyn Signer>;
}

/// Makes a test of each function of the suite, over a fixture that is made anew for each. `$run` runs a future to its
/// end; attributes in brackets before it, such as `[#[ignore]]`, are those of each test.
#[macro_export]
macro_rules! conformance {
    ([$($attributes:tt)*] $run:expr, $fixture:expr) => {
        $crate::conformance! {
            @each [$($attributes)*] $run, $fixture;
            the_public_half_is_that_of_the_key
            signatures_are_those_of_the_vectors
            any_message_can_be_signed
            what_the_vectors_encrypt_is_decrypted_or_is_not
            what_is_encrypted_for_the_key_is_decrypted
            what_is_spoiled_or_for_another_key_is_undecryptable
            each_of_many_at_once_gets_its_own
            whoever_leaves_disturbs_nobody
        }
    };
    (@each $attributes:tt $run:expr, $fixture:expr; $($name:ident)*) => {
        $($crate::conformance! { @one $attributes $run, $fixture; $name })*
    };
    (@one [$($attributes:tt)*] $run:expr, $fixture:expr; $name:ident) => {
        #[test]
        $($attributes)*
        fn $name() {
            $run(async { $crate::conformance::$name(&$fixture).await })
        }
    };
}

/// The key that most of the suite uses, and another one.
const KEY: &str = KEYS[0];
const OTHER: &str = KEYS[1];

/// It does not matter where a key lies: its public half says which one it is.
pub async fn the_public_half_is_that_of_the_key(fixture: &dyn Fixture) {
    for name in KEYS {
        let signer = fixture.signer(name).await;
        assert_eq!(*signer.public_key(), public_key(name), "{name}");
    }
}

/// PKCS#1 v1.5 leaves nothing to chance, so each signature is known beforehand.
pub async fn signatures_are_those_of_the_vectors(fixture: &dyn Fixture) {
    let signer = fixture.signer(KEY).await;
    let mut compared = 0;
    for case in cases("request_signing") {
        if text(&case, "signer") != KEY {
            continue;
        }
        let message = bytes(&case, "message_base64");
        let signature = signer.sign(&message).await.expect("a signature");
        assert_eq!(signature, text(&case, "signature"), "{}", case["name"]);
        compared += 1;
    }
    assert!(compared > 5, "{compared} vectors were compared");
}

/// What is signed may be empty, long, and any bytes at all.
pub async fn any_message_can_be_signed(fixture: &dyn Fixture) {
    let signer = fixture.signer(KEY).await;
    let long = vec![b'a'; 1024 * 1024];
    for message in [&b""[..], b"\0", b"\xff\xfe\n", "会员卡".as_bytes(), &long] {
        let signature = signer.sign(message).await.expect("a signature");
        let verified = signer.public_key().verify(message, &signature);
        assert_eq!(verified, Ok(()), "{} bytes", message.len());
    }
}

/// SHA-1 and MGF1 with SHA-1 are what WeChat encrypts with; ciphertext of other schemes is none.
pub async fn what_the_vectors_encrypt_is_decrypted_or_is_not(fixture: &dyn Fixture) {
    let mut decrypted = 0;
    for case in cases("oaep") {
        let Some(name) = KEYS.iter().find(|name| case["decrypt_with"] == **name) else {
            continue;
        };
        let signer = fixture.signer(name).await;
        let outcome = signer.decrypt(text(&case, "ciphertext")).await;
        match text(&case, "expect") {
            "ok" => {
                let plaintext = outcome.expect("a plaintext");
                assert_eq!(plaintext.to_str(), Ok(text(&case, "plaintext_utf8")));
                decrypted += 1;
            }
            _ => check_undecryptable(outcome, text(&case, "name")),
        }
    }
    assert!(decrypted >= 3, "{decrypted} vectors were decrypted");
}

/// From nothing up to as much as the key can encrypt.
pub async fn what_is_encrypted_for_the_key_is_decrypted(fixture: &dyn Fixture) {
    let signer = fixture.signer(KEY).await;
    let longest = "9".repeat(signer.public_key().max_plaintext());
    for plaintext in ["", "1", "13800138000", "欧阳锋", &longest] {
        let ciphertext = signer.public_key().encrypt(plaintext.as_bytes());
        let decrypted = signer.decrypt(&ciphertext.expect("a ciphertext")).await;
        assert_eq!(decrypted.expect("a plaintext").to_str(), Ok(plaintext));
    }
}

/// All are refused in the same way, and none of them spoils what comes after it.
pub async fn what_is_spoiled_or_for_another_key_is_undecryptable(fixture: &dyn Fixture) {
    let signer = fixture.signer(KEY).await;
    let good = signer.public_key().encrypt(b"13800138000");
    let good = good.expect("a ciphertext");
    let foreign = public_key(OTHER).encrypt(b"13800138000");
    let (head, tail) = good.split_at(8);
    let spoiled = [
        foreign.expect("a ciphertext"),
        String::new(),
        "not base64".to_owned(),
        "AAAA".to_owned(),
        tail.to_owned(),
        format!("{head}{head}{tail}"),
        format!("{}{tail}", "A".repeat(8)),
        format!("{}{tail}", "/".repeat(8)),
        good.trim_end_matches('=').to_owned(),
    ];
    for ciphertext in spoiled {
        check_undecryptable(signer.decrypt(&ciphertext).await, &ciphertext);
        let decrypted = signer.decrypt(&good).await.expect("a plaintext");
        assert_eq!(decrypted.as_bytes(), b"13800138000");
    }
}

/// Nobody gets the signature or the plaintext of somebody else.
pub async fn each_of_many_at_once_gets_its_own(fixture: &dyn Fixture) {
    let signer = fixture.signer(KEY).await;
    let one = |number: usize| {
        let signer = Arc::clone(&signer);
        async move {
            let text = format!("call {number}");
            if number.is_multiple_of(4) {
                let ciphertext = signer.public_key().encrypt(text.as_bytes());
                let plaintext = signer.decrypt(&ciphertext.expect("a ciphertext")).await;
                assert_eq!(plaintext.expect("a plaintext").to_str(), Ok(text.as_str()));
            } else {
                let signature = signer.sign(text.as_bytes()).await.expect("a signature");
                let verified = signer.public_key().verify(text.as_bytes(), &signature);
                assert_eq!(verified, Ok(()), "{text}");
            }
        }
    };
    all((0..64).map(one)).await;
}

/// A future that is dropped leaves nothing behind that others would get, or wait for.
pub async fn whoever_leaves_disturbs_nobody(fixture: &dyn Fixture) {
    let signer = fixture.signer(KEY).await;
    for number in 0..64 {
        let gone = format!("gone {number}");
        leave_early(signer.sign(gone.as_bytes())).await;
        leave_early(signer.decrypt(&gone)).await;
        let message = format!("stays {number}");
        let signature = signer.sign(message.as_bytes()).await.expect("a signature");
        let verified = signer.public_key().verify(message.as_bytes(), &signature);
        assert_eq!(verified, Ok(()), "{message}");
    }
}

#[track_caller]
fn check_undecryptable(outcome: Result<crate::Plaintext, SignerError>, what: &str) {
    assert!(
        matches!(outcome, Err(SignerError::Undecryptable)),
        "{what}: {outcome:?}"
    );
}
