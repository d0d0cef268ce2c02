//! Who may ask: nobody whom a page of a stranger has sent.
//!
//! A page on the web can let a browser ask here, also under a name of its own that leads to this address (DNS
//! rebinding). The browser says so: in `host` stands that name, in `origin` where the page is from. An address in `host` is
//! no such name, but a page may be from any address.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, header};

/// Tells what is wrong with the visitor; `names` are those by which the listener is reached besides addresses and the
/// names of loopback.
pub(super) fn refusal(headers: &HeaderMap, names: &[String]) -> Option<&'static str> {
    let all = |name| headers.get_all(name).iter();
    let host = |value: &HeaderValue| value.to_str().ok().and_then(Host::read);
    let is_own = |host: Host| host.is_named(names) || host.address().is_some();
    if !all(header::HOST).all(|value| host(value).is_some_and(is_own)) {
        return Some(
            "the host of the request is none of this listener: use an address, localhost, or a name in admin.hosts\n",
        );
    }
    let own = headers.get(header::HOST).and_then(host);
    let is_near = |origin: Host| {
        let is_loopback = origin
            .address()
            .is_some_and(|address| address.is_loopback());
        is_loopback || origin.is_named(names) || own.as_ref() == Some(&origin)
    };
    if !all(header::ORIGIN).all(|value| authority(value).is_some_and(is_near)) {
        return Some(
            "pages of other origins may not ask here; their host may stand in admin.hosts\n",
        );
    }
    None
}

/// The host of an origin; `null` has none.
fn authority(origin: &HeaderValue) -> Option<Host> {
    let (_, rest) = origin.to_str().ok()?.split_once("://")?;
    Host::read(rest)
}

/// A host without its port, in lower case.
#[derive(Debug, PartialEq, Eq)]
struct Host(String);

impl Host {
    fn read(text: &str) -> Option<Self> {
        let authority: http::uri::Authority = text.parse().ok()?;
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        Some(Self(host))
    }

    fn address(&self) -> Option<IpAddr> {
        let Self(host) = self;
        host.trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .ok()
    }

    fn is_named(&self, names: &[String]) -> bool {
        let Self(host) = self;
        host == "localhost" || host.ends_with(".localhost") || names.contains(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: Option<&str>, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
            if let Some(value) = value {
                headers.append(name, value.parse().unwrap());
            }
        }
        refusal(&headers, &["metrics.acme.example".to_owned()]).is_some()
    }

    #[test]
    fn loopback_addresses_and_names_of_the_settings_pass_and_nothing_else() {
        for own in [
            "localhost",
            "localhost:9464",
            "LOCALHOST.",
            "kabao.localhost:9464",
            "127.0.0.1:9464",
            "[::1]:9464",
            "metrics.acme.example:9464",
        ] {
            assert!(!refused(Some(own), None), "{own}");
            let origin = format!("https://{own}");
            assert!(!refused(Some("localhost"), Some(&origin)), "{origin}");
        }
        for foreign in [
            "evil.example",
            "evil.example:9464",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "metrics.acme.example.evil.example",
            "a b",
            "",
        ] {
            assert!(refused(Some(foreign), None), "{foreign}");
            let origin = format!("https://{foreign}");
            assert!(refused(Some("localhost"), Some(&origin)), "{origin}");
        }
        assert!(refused(Some("localhost"), Some("null")));
        for address in ["10.1.2.3:9464", "203.0.113.7", "[2001:db8::1]:9464"] {
            assert!(!refused(Some(address), None), "{address}");
            let origin = format!("http://{address}");
            assert!(!refused(Some(address), Some(&origin)), "its own page");
            for host in ["localhost:9464", "127.0.0.1:9464", "10.1.2.4"] {
                assert!(refused(Some(host), Some(&origin)), "{origin} at {host}");
            }
        }
        assert!(!refused(None, None), "a probe of HTTP/1.0");
    }

    #[test]
    fn a_second_host_does_not_hide_behind_the_first() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        headers.append(header::HOST, HeaderValue::from_static("evil.example"));
        assert!(refusal(&headers, &[]).is_some());
    }
}
