//! Every answer to a change tells under which id the change is remembered, and every answer out of a cache how old it is.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use kabao_api::RequestId;
use tonic::body::Body;

use super::{Answer, Inner, Layer, age};

const HEADER: HeaderName = HeaderName::from_static("x-kabao-request-id");

/// The id of the change that a call intends, once a service has settled it.
///
/// Clones share it: the layer sends it back also when the service is stopped or panics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settled(Arc<OnceLock<RequestId>>);

impl Settled {
    /// Settles the id; the first one stays.
    pub(crate) fn settle(&self, id: &RequestId) {
        self.0.get_or_init(|| id.clone());
    }

    /// Sends it back.
    pub(crate) fn tell(&self, answer: &mut HeaderMap) {
        let id = self.0.get();
        if let Some(id) = id.and_then(|id| HeaderValue::from_str(id.as_str()).ok()) {
            answer.insert(HEADER, id);
        }
    }
}

/// Sends `x-kabao-request-id`, and `x-kabao-age` if answers are kept, with the headers of an answer, which are the metadata
/// of a status too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestIds {
    pub(crate) has_cache: bool,
}

impl Layer for RequestIds {
    fn serve<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answer {
        let settled = Settled::default();
        request.extensions_mut().insert(settled.clone());
        let freshness = self.has_cache.then(|| age::begin(&mut request));
        let answer = inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            settled.tell(response.headers_mut());
            if let Some(freshness) = &freshness {
                age::tell(freshness, &mut response);
            }
            Ok(response)
        })
    }
}
