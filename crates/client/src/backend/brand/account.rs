//! What an account of the brand family can do.

use async_trait::async_trait;
use kabao_api::{
    AccountApi, CallContext, Capability, Check, CredentialKind, CredentialState, Error, Support,
};
use kabao_models::Endpoint;
use kabao_models::brand::cards::ListCards;
use kabao_models::brand::direct_cards::ListDirectCards;

use super::Brand;

#[async_trait]
impl AccountApi for Brand {
    fn capabilities(&self) -> Vec<Capability> {
        Support::capabilities(|method| self.support(method))
    }

    fn credentials(&self) -> Vec<CredentialState> {
        self.ground.credential_states()
    }

    async fn check(&self, context: &CallContext) -> Result<Vec<Check>, Error> {
        let check = |operation, credential| Check {
            operation,
            credential,
            signature_verified: true,
        };
        let mut checks = Vec::new();
        let credentials = &self.ground.credentials;
        if credentials.merchant.is_some() {
            let list = ListCards::new(self.brand_id.as_str(), 0, 1);
            self.ground.call(context, list).await?;
            checks.push(check(ListCards::OPERATION.id, CredentialKind::Merchant));
        }
        if credentials.brand.is_some() {
            self.ground
                .call(context, ListDirectCards::new(0, 1))
                .await?;
            checks.push(check(ListDirectCards::OPERATION.id, CredentialKind::Brand));
        }
        Ok(checks)
    }
}
