//! `POST /reload`: reads the configuration again.
//!
//! No page in an operator's browser may have that done. Browsers say where a request comes from (`Origin`,
//! `Sec-Fetch-Site`), and a name that was made to point here (DNS rebinding) stands in `Host`. So whoever sends one of
//! the first, or a name other than `localhost`, is refused.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::json;
use tokio::time::timeout;

use super::page::{text, with_type};
use crate::reload::{Reloader, Trigger};

pub(super) const PATH: &str = "/reload";

/// Shorter than a connection lives. What takes longer goes on.
const PATIENCE: Duration = Duration::from_secs(8);

/// Answers a request for [`PATH`] with what came of it.
pub(super) async fn answer<B>(
    request: &Request<B>,
    reloader: Option<&Reloader>,
) -> Response<Full<Bytes>> {
    if *request.method() != Method::POST {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "POST\n");
        let allowed = HeaderValue::from_static("POST");
        response.headers_mut().insert(header::ALLOW, allowed);
        return response;
    }
    if is_foreign(request.headers()) {
        return text(
            StatusCode::FORBIDDEN,
            "Not from a browser, and only by an IP address or `localhost` in `Host`.\n",
        );
    }
    let Some(reloader) = reloader else {
        return text(
            StatusCode::CONFLICT,
            "This process has no configuration file to read.\n",
        );
    };
    let (status, body) = match timeout(PATIENCE, reloader.reload(Trigger::Request)).await {
        Ok(report) if report.is_served() => (StatusCode::OK, report.to_json()),
        Ok(report) => (StatusCode::UNPROCESSABLE_ENTITY, report.to_json()),
        Err(_) => (StatusCode::ACCEPTED, json!({ "outcome": "running" })),
    };
    with_type(status, format!("{body:#}\n"), "application/json")
}

/// Whether a request could be a web page's.
fn is_foreign(headers: &HeaderMap) -> bool {
    if headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
        return true;
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return true;
    };
    let host = host.to_str().ok().filter(|host| !host.contains('@'));
    let Some(host) = host.and_then(|host| host.parse::<Authority>().ok()) else {
        return true;
    };
    let name = host.host().trim_start_matches('[').trim_end_matches(']');
    !name.eq_ignore_ascii_case("localhost") && name.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, headers: &[(&str, &str)]) -> Request<()> {
        let request = Request::builder().method(method).uri(PATH);
        let with = |request: http::request::Builder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        headers.iter().fold(request, with).body(()).unwrap()
    }

    #[tokio::test]
    async fn no_page_in_a_browser_has_the_configuration_read() {
        const HERE: (&str, &str) = ("host", "127.0.0.1:9464");
        for (method, headers, status) in [
            // A process without a file, which is past the checks.
            ("POST", &[HERE][..], 409),
            ("POST", &[("host", "[::1]:9464")], 409),
            ("POST", &[("host", "LocalHost")], 409),
            ("GET", &[HERE], 405),
            ("HEAD", &[HERE], 405),
            ("OPTIONS", &[HERE], 405),
            ("POST", &[], 403),
            ("POST", &[("host", "evil.example:9464")], 403),
            ("POST", &[("host", "127.0.0.1.evil.example")], 403),
            ("POST", &[("host", "localhost.evil.example")], 403),
            ("POST", &[("host", "evil.example@127.0.0.1")], 403),
            ("POST", &[HERE, ("host", "evil.example")], 403),
            ("POST", &[HERE, ("origin", "https://evil.example")], 403),
            ("POST", &[HERE, ("origin", "null")], 403),
            ("POST", &[HERE, ("origin", "http://127.0.0.1:9464")], 403),
            ("POST", &[HERE, ("sec-fetch-site", "cross-site")], 403),
        ] {
            let answer = answer(&request(method, headers), None).await;
            assert_eq!(answer.status().as_u16(), status, "{method} {headers:?}");
        }
    }
}
