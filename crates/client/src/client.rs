//! What the clients of all families have in common.

use std::convert::Infallible;
use std::time::Duration;

use kabao_api::Error;

use crate::pipeline::Pipeline;

/// How soon a failed refresh of certificates is tried again.
const RETRY_REFRESH: Duration = Duration::from_secs(5 * 60);

impl Pipeline {
    /// Fetches what the first call would have to fetch, and fails as that call would.
    pub(crate) async fn warm_up(&self, now: i64) -> Result<(), Error> {
        let credentials = self.credentials();
        for credential in [&credentials.merchant, &credentials.brand]
            .into_iter()
            .flatten()
        {
            credential.keys.trusted(now).await?;
        }
        if let Some(token) = &credentials.token {
            token.token().await?;
        }
        Ok(())
    }

    /// Keeps platform certificates fresh for as long as it is polled.
    pub(crate) async fn maintain(&self) -> Infallible {
        let mut pause = self.settings().certificate_refresh;
        loop {
            tokio::time::sleep(pause).await;
            pause = self.settings().certificate_refresh;
            for credential in [&self.credentials().merchant, &self.credentials().brand]
                .into_iter()
                .flatten()
            {
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
}

/// The methods that the clients of all families have.
macro_rules! client_methods {
    ($client:ident) => {
        impl $client {
            /// Executes one operation of the family, with types.
            ///
            /// # Errors
            ///
            /// Those of [`kabao_api::Upstream::execute`].
            pub async fn call<E: kabao_models::Endpoint>(
                &self,
                context: &kabao_api::CallContext,
                request: E,
            ) -> Result<E::Answer, kabao_api::Error> {
                kabao_api::call(&self.pipeline, context, request).await
            }

            /// Fetches keys or token now instead of at the first call, and so tells whether WeChat
            /// accepts the credentials as far as that shows.
            ///
            /// # Errors
            ///
            /// `CREDENTIAL_REJECTED`, `KEY_UNAVAILABLE`, or why WeChat cannot be reached.
            pub async fn warm_up(&self) -> Result<(), kabao_api::Error> {
                self.pipeline.warm_up(self.clock.unix_seconds()).await
            }

            /// Keeps platform certificates fresh for as long as it is polled; the caller owns the
            /// task. Without it, a rotation is noticed at the first answer with a new key.
            pub async fn maintain(self) -> std::convert::Infallible {
                self.pipeline.maintain().await
            }

            /// Tells `observer` of what happens from now on; the first one of all clones stays.
            pub fn observe(&self, observer: std::sync::Arc<dyn $crate::Observer>) {
                self.pipeline.observe(observer);
            }

            /// Gives the client a name among the configured accounts.
            pub fn into_account(self, id: kabao_api::AccountId) -> kabao_api::Account {
                kabao_api::Account {
                    id,
                    family: Self::FAMILY,
                    upstream: std::sync::Arc::new(self.pipeline.clone()),
                    templates: std::sync::Arc::new(self.clone()),
                    media: std::sync::Arc::new(self.clone()),
                    card_signer: self.card_signer(),
                    held_credentials: self.held_credentials(),
                    state: std::sync::Arc::new(self.clone()),
                    members: std::sync::Arc::new(self),
                }
            }
        }

        impl std::fmt::Debug for $client {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($client)).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use client_methods;
