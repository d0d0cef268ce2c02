//! The last good platform certificates, in the store.

use std::sync::Arc;
use std::time::Duration;

use kabao_auth::{KeySet, restore_certificates};
use serde::{Deserialize, Serialize};

use super::{CertificateSource, KeyStore};
use crate::shelf::Kept;

/// Certificates as they lie in the store.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptCertificates {
    /// As PEM, in the order of the download.
    pub(super) certificates: Vec<String>,
    /// In Unix seconds, by the clock of the process that downloaded them.
    pub(super) downloaded_at: i64,
}

impl Kept for KeptCertificates {
    const VERSION: u32 = 1;
}

impl KeyStore {
    /// Returns the certificates that were kept and are valid, beside the public keys of `trusted`, and how old they are.
    /// A store that does not work has none.
    pub(super) async fn restore(
        &self,
        source: &CertificateSource,
        trusted: &KeySet,
        now: i64,
    ) -> Option<(KeySet, Duration)> {
        let (kept, _) = self.shelf().find::<KeptCertificates>().await.ok()??;
        let certificates = kept.certificates.iter().map(String::as_str);
        let authorities = source.authorities.as_ref();
        match restore_certificates(certificates, trusted, authorities, now) {
            Ok(keys) => {
                let age = now.saturating_sub(kept.downloaded_at);
                let age = u64::try_from(age).unwrap_or_default();
                Some((keys, Duration::from_secs(age)))
            }
            Err(error) => {
                tracing::info!(%error, "the platform certificates in the store are of no use");
                None
            }
        }
    }

    /// Keeps certificates beside whoever uses them. While another process keeps its own, it does not.
    pub(super) fn keep(self: &Arc<Self>, kept: KeptCertificates) {
        if !self.shelf().is_used() {
            return;
        }
        let store = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(Some(right)) = store.shelf().acquire().await {
                right.keep(kept);
            }
        });
    }
}
