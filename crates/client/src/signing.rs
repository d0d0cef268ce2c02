//! The headers of a signed request.

mod job;
mod key;
mod keyring;
mod place;
mod remote;
mod threads;
mod turns;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, USER_AGENT,
};
use http::{HeaderValue, Method};
use kabao_api::{Error, Reason};
use kabao_auth::KeyId;

use crate::origin::Origin;

pub(crate) use self::key::{Key, RequestSigner, Validity};
pub(crate) use self::keyring::Keyring;
pub(crate) use self::place::{Signing, decrypt_fields};
pub(crate) use self::remote::Remote;
pub use self::threads::SigningThreads;

const WECHATPAY_SERIAL: HeaderName = HeaderName::from_static("wechatpay-serial");

/// What is about to be signed.
pub(crate) struct Unsigned<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) method: &'a Method,
    pub(crate) target: &'a str,
    /// What is signed in place of the body: the body itself, or the `meta` part of an upload.
    pub(crate) signed: &'a Bytes,
}

/// Returns the headers that every request has.
pub(crate) fn common_headers(content_type: Option<&str>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("kabao/", env!("CARGO_PKG_VERSION"))),
    );
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    // What is verified must be what was received; a compressed body would be neither.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, text_header(content_type)?);
    }
    Ok(headers)
}

/// Adds what a signed request has besides.
pub(crate) fn add_proof(
    headers: &mut HeaderMap,
    authorization: HeaderValue,
    key: Option<&KeyId>,
) -> Result<(), Error> {
    headers.insert(AUTHORIZATION, authorization);
    if let Some(key) = key {
        headers.insert(WECHATPAY_SERIAL, text_header(&key.to_string())?);
    }
    Ok(())
}

fn text_header(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|error| {
        Error::new(Reason::Internal, "a header cannot be written").with_source(error)
    })
}

/// What cannot be signed, whoever signs.
fn unfit(error: kabao_auth::Error) -> Error {
    Error::new(Reason::Internal, "the request cannot be signed").with_source(error)
}

#[cfg(test)]
mod tests {
    use kabao_models::encode_component;

    use crate::testing::cases;

    #[test]
    fn parameters_are_spelled_as_the_vectors_spell_them() {
        let encoded = |value: &serde_json::Value| {
            let mut text = String::new();
            encode_component(value.as_str().unwrap(), &mut text);
            text
        };
        for case in cases("target_building") {
            let mut target = case["template"].as_str().unwrap().to_owned();
            for (name, value) in case["path"].as_object().unwrap() {
                target = target.replace(&format!("{{{name}}}"), &encoded(value));
            }
            let pairs: Vec<_> = case["query"].as_array().unwrap().iter().collect();
            for (index, pair) in pairs.into_iter().enumerate() {
                target.push(if index == 0 { '?' } else { '&' });
                target.push_str(&format!("{}={}", encoded(&pair[0]), encoded(&pair[1])));
            }
            assert_eq!(target, case["target"], "{}", case["name"]);
        }
    }
}
