//! The signer of a key in this process, and what is done with the signatures of others.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use kabao_auth::conformance::{Fixture, private_key_pem};
use kabao_auth::{
    Identity, Plaintext, PrivateKey, PublicKey, RequestToSign, Scheme, Signer, SignerError,
    authorization, authorization_by,
};

/// A key in this process waits for nobody, so it is done at once.
fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nobody wakes it"),
    }
}

fn key(name: &str) -> PrivateKey {
    PrivateKey::from_pem(&private_key_pem(name)).unwrap()
}

struct InProcess;

#[async_trait]
impl Fixture for InProcess {
    async fn signer(&self, name: &str) -> Arc<dyn Signer> {
        Arc::new(key(name))
    }
}

mod conformance {
    kabao_auth::conformance!([] super::run, super::InProcess);
}

fn identity() -> Identity {
    let serial = "3F2A9C41D07B58E6134CA8F05B6D92E7718034AB".parse().unwrap();
    Identity::new(Scheme::Merchant, "1900000001", serial).unwrap()
}

const REQUEST: RequestToSign<'_> = RequestToSign {
    method: "GET",
    target: "/v3/certificates",
    timestamp: 1_767_225_600,
    nonce: "593BEC0C930BF1AFEB40B4A08C8FB242",
    body: b"",
};

#[test]
fn it_does_not_matter_which_way_a_request_is_signed() {
    let key = key("merchant");
    let signed = run(authorization_by(&identity(), &key, &REQUEST)).unwrap();
    assert_eq!(signed, authorization(&identity(), &key, &REQUEST).unwrap());
}

/// Says that it is one key, and signs with another.
#[derive(Debug)]
struct Mixed(PrivateKey, PrivateKey);

#[async_trait]
impl Signer for Mixed {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<String, SignerError> {
        Signer::sign(&self.1, message).await
    }

    async fn decrypt(&self, ciphertext: &str) -> Result<Plaintext, SignerError> {
        Signer::decrypt(&self.1, ciphertext).await
    }
}

#[test]
fn a_signature_by_another_key_is_not_used() {
    let mixed = Mixed(key("merchant"), key("merchant_other"));
    let refused = run(authorization_by(&identity(), &mixed, &REQUEST)).unwrap_err();
    assert!(
        matches!(refused, SignerError::WrongSignature),
        "{refused:?}"
    );
    let unfit = RequestToSign {
        method: "get",
        ..REQUEST
    };
    let refused = run(authorization_by(&identity(), &mixed, &unfit)).unwrap_err();
    assert!(matches!(refused, SignerError::Request(_)), "{refused:?}");
}

#[test]
fn a_key_of_modulus_and_exponent_is_the_same_key() {
    // The components of the key `merchant`, as a token gives them: with or without a leading zero.
    let key = key("merchant");
    let modulus = modulus(key.public_key());
    for modulus in [modulus.clone(), [&[0][..], &modulus].concat()] {
        let made = PublicKey::from_components(&modulus, &[1, 0, 1]).unwrap();
        assert_eq!(made, *key.public_key());
    }
    for (modulus, exponent) in [
        (&modulus[..128], &[1, 0, 1][..]),
        (&[], &[1, 0, 1]),
        (&modulus, &[]),
    ] {
        assert!(PublicKey::from_components(modulus, exponent).is_err());
    }
}

/// The modulus in a SubjectPublicKeyInfo of 2048 bits: what stands before the exponent (5 bytes).
fn modulus(key: &PublicKey) -> Vec<u8> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let pem = key.to_pem();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).unwrap();
    der[der.len() - 5 - 256..der.len() - 5].to_vec()
}

#[test]
fn only_what_is_as_long_as_the_key_can_be_ciphertext_for_it() {
    let key = key("merchant");
    let public = key.public_key();
    let ciphertext = public.encrypt(b"13800138000").unwrap();
    for (text, expected) in [
        (ciphertext.as_str(), true),
        ("", false),
        ("13800138000", false),
        (&ciphertext[4..], false),
        (&ciphertext[1..], false),
    ] {
        assert_eq!(public.may_have_encrypted(text), expected, "{text}");
    }
}
