//! The headers of a signed request.

mod job;
mod threads;
mod turns;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, USER_AGENT,
};
use http::{HeaderValue, Method};
use kabao_api::{Error, Reason};
use kabao_auth::{Identity, KeyId, RequestToSign, authorization};

use crate::clock::Clock;
use crate::origin::{Hosts, Origin};

pub(crate) use self::threads::Signing;
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

/// Signs for one account, and only requests to its own hosts.
pub(crate) struct RequestSigner {
    identity: Identity,
    hosts: Hosts,
}

impl RequestSigner {
    pub(crate) fn new(identity: Identity, hosts: Hosts) -> Self {
        Self { identity, hosts }
    }

    /// Makes the `Authorization` header with a fresh time and nonce.
    pub(crate) fn authorize(
        &self,
        clock: &dyn Clock,
        request: &Unsigned<'_>,
    ) -> Result<HeaderValue, Error> {
        if !self.hosts.iter().any(|host| host == request.origin) {
            return Err(Error::new(
                Reason::Internal,
                "refused to sign for a host that is not the account's",
            ));
        }
        let nonce = clock
            .nonce()
            .ok_or_else(|| Error::new(Reason::Internal, "the system gives no randomness"))?;
        let header = authorization(
            &self.identity,
            &RequestToSign {
                method: request.method.as_str(),
                target: request.target,
                timestamp: clock.unix_seconds(),
                nonce: &nonce,
                body: request.signed,
            },
        )
        .map_err(|error| {
            Error::new(Reason::Internal, "the request cannot be signed").with_source(error)
        })?;
        let mut value = text_header(&header)?;
        value.set_sensitive(true);
        Ok(value)
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }
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
