//! The proxy through which an account reaches WeChat.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use kabao_models::Secret;

use crate::faults::{ConfigurationError, Faults};

/// What a user name or a password may have in bytes.
const MAX_BYTES: usize = 1024;

/// An HTTP proxy that makes tunnels (`CONNECT`, RFC 9110, 9.3.6), and who asks for them.
///
/// TLS goes from end to end through a tunnel: the proxy resolves the host's name, and learns besides it the port, and when
/// and how much is sent. The user and the password go to the proxy in clear.
#[derive(Clone)]
pub struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

/// One thing that is wrong with a proxy: the option and its fault.
type Fault = (&'static str, &'static str);

impl Proxy {
    /// Takes `http://host:port` or `http://user@host:port`; the password of the user stands apart.
    ///
    /// # Errors
    ///
    /// Says what is wrong with `proxy_url` or `proxy_password`.
    pub fn new(url: &str, password: Option<&Secret>) -> Result<Self, ConfigurationError> {
        Self::parse(url, password).map_err(|(field, fault)| {
            let mut faults = Faults::default();
            faults.add(field, fault);
            faults.finish()
        })
    }

    fn parse(url: &str, password: Option<&Secret>) -> Result<Self, Fault> {
        let of_url = |fault| ("proxy_url", fault);
        let uri: Uri = url
            .parse()
            .map_err(|_| of_url("must be a URL such as http://proxy.internal:3128"))?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(of_url(
                "must begin with http://: the proxy is asked in clear for a tunnel, and TLS goes through it",
            ));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(of_url("must not hold a path or a query"));
        }
        let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err(of_url("must not hold a password, which stands apart"));
        }
        let host: Authority = host.parse().map_err(|_| of_url("must name a host"))?;
        if host.host().is_empty() || host.port_u16().is_none_or(|port| port == 0) {
            return Err(of_url(
                "must name a host and a port, such as http://proxy.internal:3128",
            ));
        }
        let authorization = match (user, password) {
            (None, None) => None,
            (None, Some(_)) => {
                return Err(("proxy_password", "needs a user name in proxy_url"));
            }
            (Some(_), None) => {
                return Err(("proxy_password", "is required for the user in proxy_url"));
            }
            (Some(user), Some(password)) => {
                let user = decode(user)
                    .filter(|user| is_plain(user) && !user.contains(':'))
                    .ok_or(of_url(
                        "has a bad user name: 1 to 1024 bytes without colons and control characters, others as %XX",
                    ))?;
                Some(basic(&user, password.expose()).ok_or((
                    "proxy_password",
                    "must have 1 to 1024 bytes, and no control characters",
                ))?)
            }
        };
        let uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(host)
            .path_and_query("/")
            .build()
            .map_err(|_| of_url("must be a URL such as http://proxy.internal:3128"))?;
        Ok(Self { uri, authorization })
    }

    /// Returns its host and port, without whoever asks.
    pub fn address(&self) -> &str {
        self.uri.authority().map_or("", Authority::as_str)
    }

    /// Where it is.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// What it is shown with each tunnel that is asked for.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

/// Shows where it is, and not who asks.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.uri)
    }
}

fn is_plain(text: &str) -> bool {
    (1..=MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// RFC 7617, in UTF-8.
fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    if !is_plain(password) {
        return None;
    }
    let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        };
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(error: &ConfigurationError) -> &str {
        &error.faults().first().unwrap().field
    }

    #[test]
    fn a_proxy_is_a_host_and_a_port_and_its_password_stands_apart() {
        let secret = Secret::new("hush hush");
        let rows = [
            ("http://proxy.internal:3128", None, None),
            ("http://proxy.internal:3128/", None, None),
            ("http://[::1]:3128", None, None),
            ("http://kabao@10.0.0.1:8080", Some(&secret), None),
            ("https://proxy.internal:3128", None, Some("proxy_url")),
            ("socks5://proxy.internal:3128", None, Some("proxy_url")),
            ("proxy.internal:3128", None, Some("proxy_url")),
            ("http://proxy.internal", None, Some("proxy_url")),
            ("http://proxy.internal:0", None, Some("proxy_url")),
            ("http://proxy.internal:3128/x", None, Some("proxy_url")),
            ("http://proxy.internal:3128?x", None, Some("proxy_url")),
            ("http://:3128", None, Some("proxy_url")),
            ("", None, Some("proxy_url")),
            ("http://kabao:hush@p:3128", Some(&secret), Some("proxy_url")),
            ("http://@p:3128", Some(&secret), Some("proxy_url")),
            ("http://a%3Ab@p:3128", Some(&secret), Some("proxy_url")),
            ("http://a%0Ab@p:3128", Some(&secret), Some("proxy_url")),
            ("http://a%4@p:3128", Some(&secret), Some("proxy_url")),
            ("http://kabao@p:3128", None, Some("proxy_password")),
            ("http://p:3128", Some(&secret), Some("proxy_password")),
        ];
        for (url, password, fault) in rows {
            let read = Proxy::new(url, password);
            let found = read.as_ref().err().map(option);
            assert_eq!(found, fault, "{url}: {read:?}");
            assert!(!format!("{read:?}").contains("hush"), "{read:?}");
        }
        for bad in ["", "two\nlines"] {
            let read = Proxy::new("http://kabao@p:3128", Some(&Secret::new(bad)));
            assert_eq!(option(&read.unwrap_err()), "proxy_password");
        }
    }

    #[test]
    fn credentials_are_said_as_basic_ones_and_shown_to_nobody() {
        let password = Secret::new("open sesame");
        let proxy = Proxy::new("http://Al%61ddin@proxy.internal:3128", Some(&password)).unwrap();
        // The example of RFC 7617.
        let authorization = proxy.authorization().unwrap();
        assert_eq!(authorization, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(proxy.uri(), "http://proxy.internal:3128/");
        assert_eq!(proxy.address(), "proxy.internal:3128");
        let shown = format!("{proxy:?} {authorization:?}");
        assert_eq!(shown, "Proxy(http://proxy.internal:3128/) Sensitive");
    }
}
