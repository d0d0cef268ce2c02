//! The keys and the cases of the shared vectors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::{PrivateKey, PublicKey};

const VECTORS: &str = include_str!("../../tests/data/auth_vectors.json");

/// The names of the keys that a fixture has signers of.
pub const KEYS: [&str; 2] = ["merchant", "merchant_other"];

/// Returns the private key of one of [`KEYS`] as PEM, for a fixture to bring it to where it is to lie.
pub fn private_key_pem(name: &str) -> String {
    let key = &read()["keys"][name];
    text(key, "private_key_pem").to_owned()
}

/// The public half of one of [`KEYS`].
pub(super) fn public_key(name: &str) -> PublicKey {
    let key = PrivateKey::from_pem(&private_key_pem(name)).expect("a key");
    key.public_key().clone()
}

/// The cases of a section.
pub(super) fn cases(section: &str) -> Vec<Value> {
    let cases = read()[section].take();
    match cases {
        Value::Array(cases) => cases,
        other => unreachable!("{section} is no list: {other}"),
    }
}

pub(super) fn text<'c>(case: &'c Value, member: &str) -> &'c str {
    case[member].as_str().expect("a text")
}

pub(super) fn bytes(case: &Value, member: &str) -> Vec<u8> {
    STANDARD.decode(text(case, member)).expect("base64")
}

fn read() -> Value {
    serde_json::from_str(VECTORS).expect("the vectors are JSON")
}
