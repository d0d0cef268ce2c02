//! Who may ask where nobody has credentials: nobody whom a page of a stranger has sent.
//!
//! A page on the web can let a browser ask a listener of operators, also under a name of its own that leads to its
//! address (DNS rebinding). The browser says so: in `Host` stands that name, in `Origin` where the page is from. An
//! address in `Host` is no such name, but a page may be from any address.

use std::net::IpAddr;
use std::str::FromStr;

/// A name by which a listener is reached: without port, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

/// Why a text is no [`HostName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a host name without port, such as `kabao.acme.example`")]
pub struct HostNameError;

impl FromStr for HostName {
    type Err = HostNameError;

    /// Refuses whatever no browser would ask for.
    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let Host(name) = Host::new(text);
        match !name.is_empty() && name.bytes().all(is_of_a_name) {
            true => Ok(Self(name)),
            false => Err(HostNameError),
        }
    }
}

/// What shows that a page of a stranger has sent the visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VisitorError {
    /// `Host` names another listener.
    #[error("the host of the request is none of this listener")]
    Host,
    /// `Origin` is elsewhere.
    #[error("the request comes from a page of another origin")]
    Origin,
}

/// Checks all values of the headers `Host` and `Origin` of a request.
///
/// `names` are those by which the listener is reached besides addresses and the names of loopback. A client that sends
/// neither header is no browser.
///
/// # Errors
///
/// Says which of the two a stranger's page has left its mark in.
pub fn check_visitor<'a>(
    hosts: impl IntoIterator<Item = &'a [u8]>,
    origins: impl IntoIterator<Item = &'a [u8]>,
    names: &[HostName],
) -> Result<(), VisitorError> {
    let mut own = None;
    for value in hosts {
        let host = Host::read(value).ok_or(VisitorError::Host)?;
        if !host.is_named(names) && host.address().is_none() {
            return Err(VisitorError::Host);
        }
        own.get_or_insert(host);
    }
    for value in origins {
        let origin = Host::of_origin(value).ok_or(VisitorError::Origin)?;
        let is_loopback = origin.address().is_some_and(|at| at.is_loopback());
        if !is_loopback && !origin.is_named(names) && own.as_ref() != Some(&origin) {
            return Err(VisitorError::Origin);
        }
    }
    Ok(())
}

/// A host without its port, in lower case and without the dot that ends a full name.
#[derive(Debug, PartialEq, Eq)]
struct Host(String);

impl Host {
    fn new(text: &str) -> Self {
        let text = text.strip_suffix('.').unwrap_or(text);
        Self(text.to_ascii_lowercase())
    }

    /// Reads `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`.
    fn read(value: &[u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (text, ""),
        };
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let is_host = match bare {
            Some(bare) => bare
                .bytes()
                .all(|b| b.is_ascii_hexdigit() || b":.".contains(&b)),
            None => host.bytes().all(is_of_a_name),
        };
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        (is_host && is_port && !host.is_empty()).then(|| Self::new(bare.unwrap_or(host)))
    }

    /// The host of an origin; `null` has none.
    fn of_origin(value: &[u8]) -> Option<Self> {
        let (_, rest) = str::from_utf8(value).ok()?.split_once("://")?;
        Self::read(rest.as_bytes())
    }

    fn address(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    fn is_named(&self, names: &[HostName]) -> bool {
        let Self(host) = self;
        host == "localhost"
            || host.ends_with(".localhost")
            || names.iter().any(|HostName(name)| name == host)
    }
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &[&str], origins: &[&str]) -> Result<(), VisitorError> {
        check_visitor(
            hosts.iter().map(|value| value.as_bytes()),
            origins.iter().map(|value| value.as_bytes()),
            &["Kabao.Acme.example.".parse().unwrap()],
        )
    }

    #[test]
    fn loopback_addresses_and_own_names_pass_and_nothing_else() {
        for own in [
            "localhost",
            "localhost:8444",
            "LOCALHOST.",
            "acme.localhost:8444",
            "127.0.0.1:8444",
            "[::1]",
            "[::1]:8444",
            "kabao.acme.example",
            "KABAO.acme.example.:8444",
        ] {
            assert_eq!(check(&[own], &[]), Ok(()), "{own}");
            let origin = format!("https://{own}");
            assert_eq!(check(&["localhost"], &[&origin]), Ok(()), "{origin}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8444",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "kabao.acme.example.evil.example",
            "localhost@evil.example",
            "evil.example@localhost",
            "evil.example#localhost",
            "localhost:80:80",
            "localhost:port",
            "[evil.example]",
            "[::1",
            "::1",
            ":8444",
            "a b",
            "客.localhost",
            "",
        ] {
            assert_eq!(check(&[foreign], &[]), Err(VisitorError::Host), "{foreign}");
            let origin = format!("https://{foreign}");
            let refused = check(&["localhost"], &[&origin]);
            assert_eq!(refused, Err(VisitorError::Origin), "{origin}");
        }
        assert_eq!(check(&["localhost"], &["null"]), Err(VisitorError::Origin));
        assert_eq!(check(&[], &[]), Ok(()), "a client of HTTP/1.0");
    }

    #[test]
    fn a_page_from_an_address_may_ask_only_the_address_that_it_is_from() {
        for address in ["10.1.2.3:8444", "203.0.113.7", "[2001:db8::1]:8444"] {
            assert_eq!(check(&[address], &[]), Ok(()), "{address}");
            let origin = format!("http://{address}");
            assert_eq!(check(&[address], &[&origin]), Ok(()), "its own page");
            for host in ["localhost:8444", "127.0.0.1:8444", "10.1.2.4"] {
                let refused = check(&[host], &[&origin]);
                assert_eq!(refused, Err(VisitorError::Origin), "{origin} at {host}");
            }
        }
    }

    #[test]
    fn a_second_value_does_not_hide_behind_the_first() {
        let (own, foreign) = ("localhost", "evil.example");
        assert_eq!(check(&[own, foreign], &[]), Err(VisitorError::Host));
        let origins = ["http://localhost", "http://evil.example"];
        assert_eq!(check(&[own], &origins), Err(VisitorError::Origin));
    }

    #[test]
    fn a_name_that_no_request_could_have_is_refused() {
        for name in ["", ".", "a:8444", "[::1]", "http://a.example", "a b", "客"] {
            assert_eq!(name.parse::<HostName>(), Err(HostNameError), "{name}");
        }
        assert_eq!(
            "A.example.".parse::<HostName>(),
            Ok(HostName("a.example".to_owned()))
        );
    }
}
