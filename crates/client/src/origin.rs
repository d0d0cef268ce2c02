//! The hosts an account may talk to.

use std::fmt;

use http::Uri;
use http::uri::{Authority, Scheme};

/// `https://` and a host, with or without a port: where requests of an account go.
///
/// Requests are built from an origin and a path; there is no way to name another host.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin(Authority);

impl Origin {
    /// Reads a base URL such as `https://api.mch.weixin.qq.com`.
    ///
    /// # Errors
    ///
    /// Says in a few words what is wrong with the URL.
    pub(crate) fn parse(base_url: &str) -> Result<Self, &'static str> {
        let uri: Uri = base_url
            .parse()
            .map_err(|_| "must be a URL such as https://api.mch.weixin.qq.com")?;
        let authority = uri.authority().ok_or("must be a URL with a host")?;
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Err("must begin with https://: credentials never travel in clear");
        }
        if authority.as_str().contains('@') {
            return Err("must not hold a user name");
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err("must not hold a path or a query");
        }
        Ok(Self(authority.clone()))
    }

    /// Host, and port where it is not the usual one.
    pub(crate) fn name(&self) -> &str {
        self.0.as_str()
    }

    /// Joins the origin with a path that was built from an operation.
    ///
    /// `None` if the target is not a path, which could lead to another host.
    pub(crate) fn join(&self, target: &str) -> Option<Uri> {
        if !target.starts_with('/') || target.starts_with("//") {
            return None;
        }
        Uri::builder()
            .scheme(Scheme::HTTPS)
            .authority(self.0.clone())
            .path_and_query(target)
            .build()
            .ok()
    }
}

/// The hosts that requests of an account go to: all of them, and no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hosts {
    pub(crate) main: Origin,
    /// What is used while the main host does not work.
    pub(crate) backup: Option<Origin>,
}

impl Hosts {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Origin> {
        [&self.main].into_iter().chain(&self.backup)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_origins_are_taken() {
        let rows = [
            ("https://api.mch.weixin.qq.com", true),
            ("https://api.mch.weixin.qq.com/", true),
            ("https://127.0.0.1:8443", true),
            ("https://[::1]:8443", true),
            ("http://api.mch.weixin.qq.com", false),
            ("https://user:pass@api.mch.weixin.qq.com", false),
            ("https://api.mch.weixin.qq.com/v3", false),
            ("https://api.mch.weixin.qq.com?x=1", false),
            ("api.mch.weixin.qq.com", false),
            ("/v3", false),
            ("", false),
        ];
        for (text, good) in rows {
            assert_eq!(Origin::parse(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn a_target_cannot_lead_to_another_host() {
        let origin = Origin::parse("https://127.0.0.1:8443").unwrap();
        for target in ["//evil.example/v3", "https://evil.example/", "evil", ""] {
            assert!(origin.join(target).is_none(), "{target}");
        }
        let uri = origin.join("/v3/x?a=%2F").unwrap();
        assert_eq!(uri.to_string(), "https://127.0.0.1:8443/v3/x?a=%2F");
        assert_eq!(
            origin.join("/@evil.example/").unwrap().host(),
            Some("127.0.0.1")
        );
    }
}
