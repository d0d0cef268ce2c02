//! What keys and tokens need besides the calls.

use std::sync::Arc;
use std::time::Duration;

use kabao_api::Error;

use super::Pipeline;
use super::credentials::SignedCredential;

/// How soon a failed refresh of certificates is tried again.
const RETRY_REFRESH: Duration = Duration::from_secs(5 * 60);

impl Pipeline {
    /// Fetches what the first call would have to fetch, and fails as that call would.
    pub(crate) async fn warm_up(&self) -> Result<(), Error> {
        let now = self.0.clock.unix_seconds();
        for credential in self.signed() {
            credential.keys.trusted(now).await?;
        }
        if let Some(token) = &self.0.credentials.token {
            token.token().await?;
        }
        Ok(())
    }

    /// Keeps platform certificates fresh for as long as it is polled; tokens are fetched when they
    /// are needed.
    pub(crate) async fn maintain(&self) {
        let mut pause = self.0.settings.certificate_refresh;
        while self.signed().next().is_some() {
            tokio::time::sleep(pause).await;
            pause = self.0.settings.certificate_refresh;
            for credential in self.signed() {
                if let Err(error) = credential.keys.refresh().await {
                    tracing::warn!(
                        reason = error.reason().as_str(),
                        "platform certificates could not be refreshed"
                    );
                    pause = pause.min(RETRY_REFRESH);
                }
            }
        }
    }

    fn signed(&self) -> impl Iterator<Item = &Arc<SignedCredential>> {
        let credentials = &self.0.credentials;
        [&credentials.merchant, &credentials.brand]
            .into_iter()
            .flatten()
    }
}
