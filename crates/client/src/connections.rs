//! What the connections of several clients have in common.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::ClientConfig;

use crate::origin::Hosts;
use crate::proxy::Proxy;
use crate::settings::Settings;
use crate::transport::{GraceResolver, HttpsTransport, Roots};

/// What clients share to connect cheaply: resolved names, and per set of trusted roots one TLS configuration
/// with its sessions, so that a connection of one client resumes the session of another's.
///
/// A process hands the same value to the builders of all its accounts; clones are the same value. The
/// connections themselves are each client's own: where hosts speak HTTP/2, calls of an account that hangs
/// would else fill the streams that the others need.
#[derive(Clone, Default)]
pub struct Connections(Arc<Shared>);

#[derive(Default)]
struct Shared {
    resolver: GraceResolver,
    tls: Mutex<Vec<Trust>>,
}

/// The TLS configuration of those who trust the same roots, while there is one of them.
struct Trust {
    extra_roots: Vec<String>,
    config: Weak<ClientConfig>,
}

impl Connections {
    /// Makes the transport of a client; `extra_roots` are what `roots` holds besides the public ones, in
    /// PEM. The proxy is the client's own.
    pub(crate) fn open(
        &self,
        hosts: &Hosts,
        extra_roots: &[String],
        roots: Roots,
        proxy: Option<Proxy>,
        settings: &Settings,
    ) -> Result<Arc<HttpsTransport>, rustls::Error> {
        let tls = self.tls(extra_roots, roots)?;
        let resolver = self.0.resolver.clone();
        Ok(Arc::new(HttpsTransport::new(
            hosts, tls, resolver, proxy, settings,
        )))
    }

    /// Finds the TLS configuration, or makes it.
    fn tls(
        &self,
        extra_roots: &[String],
        roots: Roots,
    ) -> Result<Arc<ClientConfig>, rustls::Error> {
        let mut all = self.0.tls.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|trust| trust.config.strong_count() > 0);
        let shared = all
            .iter()
            .find(|trust| trust.extra_roots == extra_roots)
            .and_then(|trust| trust.config.upgrade());
        if let Some(config) = shared {
            return Ok(config);
        }
        let config = Arc::new(roots.into_config()?);
        all.push(Trust {
            extra_roots: extra_roots.to_vec(),
            config: Arc::downgrade(&config),
        });
        Ok(config)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(connections: &Connections, extra_roots: &[String]) -> Arc<ClientConfig> {
        connections.tls(extra_roots, Roots::public()).unwrap()
    }

    #[test]
    fn who_trusts_the_same_roots_shares_tls_while_there_is_one_of_them() {
        let connections = Connections::default();
        let first = tls(&connections, &[]);
        let clone = connections.clone();
        assert!(Arc::ptr_eq(&first, &tls(&clone, &[])));
        let other = tls(&connections, &["a root".to_owned()]);
        assert!(!Arc::ptr_eq(&first, &other));
        assert!(!Arc::ptr_eq(&first, &tls(&Connections::default(), &[])));

        drop(first);
        let _again = tls(&connections, &["a root".to_owned()]);
        let left = connections.0.tls.lock().unwrap();
        assert_eq!(left.len(), 1, "those of no client are gone");
    }
}
