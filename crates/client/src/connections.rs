//! Connections that several clients share.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::origin::Origin;
use crate::settings::Settings;
use crate::transport::{HttpsTransport, Roots};

/// Pools of connections, one for all clients that go to the same host, trust the same roots and have
/// the same bounds for a request, with one TLS configuration.
///
/// A process hands the same value to the builders of all its accounts; clones are the same value. A
/// pool ends with its last client.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<Vec<Pool>>>);

struct Pool {
    reach: Reach,
    transport: Weak<HttpsTransport>,
}

/// What two clients must have in common to share a pool.
#[derive(PartialEq, Eq)]
struct Reach {
    origin: Origin,
    extra_roots: Vec<String>,
    timeouts: [Duration; 5],
    sizes: [usize; 2],
}

impl Connections {
    /// Finds the pool for what a client needs, or makes it; `extra_roots` are what `roots` holds besides
    /// the public ones, in PEM.
    pub(crate) fn open(
        &self,
        origin: &Origin,
        extra_roots: &[String],
        roots: Roots,
        settings: &Settings,
    ) -> Result<Arc<HttpsTransport>, rustls::Error> {
        let reach = Reach {
            origin: origin.clone(),
            extra_roots: extra_roots.to_vec(),
            timeouts: [
                settings.connect_timeout,
                settings.headers_timeout,
                settings.body_timeout,
                settings.attempt_timeout,
                settings.idle_timeout,
            ],
            sizes: [settings.max_idle_per_host, settings.max_answer_bytes],
        };
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.transport.strong_count() > 0);
        let shared = pools
            .iter()
            .find(|pool| pool.reach == reach)
            .and_then(|pool| pool.transport.upgrade());
        if let Some(transport) = shared {
            return Ok(transport);
        }
        let transport = HttpsTransport::new(vec![origin.clone()], roots, settings)?;
        pools.push(Pool {
            reach,
            transport: Arc::downgrade(&transport),
        });
        Ok(transport)
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

    fn pool(connections: &Connections, url: &str, settings: &Settings) -> Arc<HttpsTransport> {
        let origin = Origin::parse(url).unwrap();
        connections
            .open(&origin, &[], Roots::public(), settings)
            .unwrap()
    }

    #[test]
    fn clients_of_one_host_share_a_pool_while_there_is_one_of_them() {
        let connections = Connections::default();
        let (usual, wechat) = (Settings::default(), "https://api.mch.weixin.qq.com");
        let first = pool(&connections, wechat, &usual);
        assert!(Arc::ptr_eq(&first, &pool(&connections, wechat, &usual)));
        let patient = Settings {
            headers_timeout: Duration::from_secs(60),
            ..Settings::default()
        };
        for other in [
            pool(&connections, "https://api2.mch.weixin.qq.com", &usual),
            pool(&connections, wechat, &patient),
            pool(&Connections::default(), wechat, &usual),
        ] {
            assert!(!Arc::ptr_eq(&first, &other));
        }
        // How often a call is repeated is no matter of connections.
        let stubborn = Settings {
            max_concurrent_calls: 1,
            ..Settings::default()
        };
        assert!(Arc::ptr_eq(&first, &pool(&connections, wechat, &stubborn)));

        drop(first);
        let _other = pool(&connections, "https://api2.mch.weixin.qq.com", &usual);
        let left = connections.0.lock().unwrap();
        assert_eq!(left.len(), 1, "those of no client are gone");
    }
}
