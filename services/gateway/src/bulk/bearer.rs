//! The bearer token that the commands show.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// Longer ones are no tokens.
const LIMIT: usize = 8192;

/// Puts a token into each call, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    /// Reads the token that is alone in a file, with or without the end of its line.
    ///
    /// # Errors
    /// If the file has none, with what to do.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let token = text.trim_end_matches(['\r', '\n']);
        let is_plain = |byte: u8| byte.is_ascii_graphic();
        if token.is_empty() || token.len() > LIMIT || !token.bytes().all(is_plain) {
            return Err(format!(
                "--token-file {} must hold one token and nothing else: 1 to {LIMIT} printable characters of ASCII \
                 without spaces",
                path.display()
            ));
        }
        let mut value = MetadataValue::try_from(format!("Bearer {token}"))
            .map_err(|_| format!("--token-file {} holds no token", path.display()))?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", token.clone());
        }
        Ok(request)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.as_ref().map(|_| "[redacted]");
        f.debug_tuple("Bearer").field(&shown).finish()
    }
}

/// Tells whether what goes to `host:port` stays on this machine.
pub(crate) fn is_local(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, content: &str) -> Result<Bearer, String> {
        let name = format!("kabao-token-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, content).unwrap();
        let bearer = Bearer::read(&path);
        fs::remove_file(&path).unwrap();
        bearer
    }

    #[test]
    fn a_token_is_shown_in_each_call_and_in_no_log() {
        let mut bearer = read("one", "s3cret\n").unwrap();
        let request = bearer.call(Request::new(())).unwrap();
        let shown = request.metadata().get("authorization").unwrap();
        assert_eq!(shown.to_str().unwrap(), "Bearer s3cret");
        assert!(!format!("{bearer:?} {request:?}").contains("s3cret"));
        let request = Bearer::default().call(Request::new(())).unwrap();
        assert!(request.metadata().get("authorization").is_none());
    }

    #[test]
    fn a_file_without_exactly_one_token_is_refused_by_its_name() {
        for content in ["", "\n", "a b", "a\nb\n", "Bearer a", "\u{5361}"] {
            let error = read("none", content).unwrap_err();
            assert!(error.contains("--token-file"), "{content:?}: {error}");
        }
    }

    #[test]
    fn only_loopback_is_local() {
        for address in [
            "127.0.0.1:50051",
            "[::1]:50051",
            "localhost:1",
            "127.9.9.9:1",
        ] {
            assert!(is_local(address), "{address}");
        }
        for address in [
            "10.0.0.1:50051",
            "[fe80::1]:1",
            "localhost.example:1",
            "kabao:1",
        ] {
            assert!(!is_local(address), "{address}");
        }
    }
}
