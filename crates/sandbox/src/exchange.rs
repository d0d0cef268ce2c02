//! One request and its answer, without sockets.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::account::Account;
use crate::keys::SigningKey;
use crate::trail::Trail;

/// A request as it was received.
pub(crate) struct Received {
    pub(crate) method: Method,
    /// Path and query exactly as in the request line.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What becomes of it.
    pub(crate) trail: Trail,
}

impl Received {
    pub(crate) fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// Returns a header as text; one that is not text counts as absent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer before it is signed.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    /// Who signs; absent for answers that leave unsigned.
    pub(crate) signing: Option<Signing>,
}

/// Who signs an answer.
#[derive(Clone)]
pub(crate) struct Signing {
    pub(crate) key: SigningKey,
    pub(crate) scheme: kabao_auth::Scheme,
    pub(crate) account: Arc<Account>,
}

/// The content type of the WeChat Pay families.
pub(crate) const PAY_JSON: &str = "application/json; charset=utf-8";
/// The content type of the official-account family, with its odd parameter.
pub(crate) const OFFICIAL_ACCOUNT_JSON: &str = "application/json; encoding=utf-8";

impl Reply {
    /// An answer without a body and without a signature.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            content_type: "",
            headers: Vec::new(),
            body: Bytes::new(),
            signing: None,
        }
    }

    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
            signing: None,
        }
    }
}
