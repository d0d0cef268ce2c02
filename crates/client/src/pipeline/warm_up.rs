//! What keys and tokens need ahead of the calls.

use kabao_api::Error;

use super::Pipeline;

impl Pipeline {
    /// Fetches what the first call would have to fetch, and fails as that call would.
    pub(crate) async fn warm_up(&self) -> Result<(), Error> {
        let now = self.0.clock.unix_seconds();
        let credentials = &self.0.credentials;
        for signed in [&credentials.merchant, &credentials.brand]
            .into_iter()
            .flatten()
        {
            signed.keys.trusted(now).await?;
        }
        if let Some(token) = &credentials.token {
            token.token().await?;
        }
        Ok(())
    }

    /// Opens a connection to the main host of each credential.
    pub(crate) async fn connect(&self) {
        let credentials = &self.0.credentials;
        let signed = [&credentials.merchant, &credentials.brand];
        let signed = signed.into_iter().flatten().map(|signed| &signed.route);
        let token = credentials.token.as_ref().map(|token| token.route());
        for route in signed.chain(token) {
            self.0.transport.warm(route.main_origin()).await;
        }
    }
}
