//! Who may ask: nobody whom a page of a stranger has sent.
//!
//! A page on the web can let a browser ask here, also under a name of its own that leads to this address (DNS
//! rebinding). The browser says so: in `host` stands that name, in `origin` where the page is from.

use http::{HeaderMap, HeaderValue, header};

/// Tells what is wrong with the visitor; `names` are those by which the listener is reached besides addresses and the
/// names of loopback.
pub(super) fn refusal(headers: &HeaderMap, names: &[String]) -> Option<&'static str> {
    let all = |name| headers.get_all(name).iter();
    if !all(header::HOST).all(|host| is_own(host.to_str().ok(), names)) {
        return Some(
            "the host of the request is none of this listener: use an address, localhost, or a name in admin.hosts\n",
        );
    }
    if !all(header::ORIGIN).all(|origin| is_own(authority(origin), names)) {
        return Some(
            "pages of other origins may not ask here; their host may stand in admin.hosts\n",
        );
    }
    None
}

/// The host of an origin; `null` has none.
fn authority(origin: &HeaderValue) -> Option<&str> {
    origin
        .to_str()
        .ok()?
        .split_once("://")
        .map(|(_, rest)| rest)
}

fn is_own(host: Option<&str>, names: &[String]) -> bool {
    let Some(authority) = host.and_then(|host| host.parse::<http::uri::Authority>().ok()) else {
        return false;
    };
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<std::net::IpAddr>().is_ok()
        || host == "localhost"
        || host.ends_with(".localhost")
        || names.contains(&host)
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
            "10.1.2.3",
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
