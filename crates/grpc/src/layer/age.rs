//! Answers out of a cache tell how old they are.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use kabao_api::Freshness;
use tonic::body::Body;

const HEADER: HeaderName = HeaderName::from_static("x-kabao-age");

/// Lets a call take answers out of a cache, unless its caller sends `cache-control: no-cache`.
pub(super) fn begin(request: &mut Request<Body>) -> Freshness {
    let freshness = wanted(request.headers());
    request.extensions_mut().insert(freshness.clone());
    freshness
}

/// Returns how fresh an answer has to be.
pub(crate) fn wanted(headers: &HeaderMap) -> Freshness {
    match wants_fresh(headers) {
        true => Freshness::required(),
        false => Freshness::default(),
    }
}

/// Sends `x-kabao-age`, in whole seconds, if a part of the answer came out of a cache.
pub(super) fn tell(freshness: &Freshness, response: &mut Response<Body>) {
    if let Some(age) = freshness.age() {
        let age = HeaderValue::from(age.as_secs());
        response.headers_mut().insert(HEADER, age);
    }
}

fn wants_fresh(headers: &HeaderMap) -> bool {
    let directives = headers.get_all(header::CACHE_CONTROL);
    let mut directives = directives
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    directives.any(|directive| {
        let directive = directive.trim();
        ["no-cache", "no-store", "max-age=0"]
            .iter()
            .any(|word| directive.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_says_in_the_words_of_http_that_it_wants_a_fresh_answer() {
        let rows = [
            (vec![], false),
            (vec!["max-stale"], false),
            (vec!["no-cache"], true),
            (vec!["max-stale, No-Cache"], true),
            (vec!["max-stale", "no-cache"], true),
            (vec!["max-age=0"], true),
            (vec!["max-age=05"], false),
        ];
        for (values, expected) in rows {
            let mut request = Request::new(Body::empty());
            for value in &values {
                let value = HeaderValue::from_static(value);
                request.headers_mut().append(header::CACHE_CONTROL, value);
            }
            assert_eq!(wants_fresh(request.headers()), expected, "{values:?}");
        }
    }
}
