//! What an account of the merchant family can do.

use async_trait::async_trait;
use kabao_api::{
    AccountApi, CallContext, Capability, Check, CredentialKind, CredentialState, Error, Support,
};
use kabao_models::Endpoint;
use kabao_models::merchant::cards::ListCards;

use super::Merchant;

#[async_trait]
impl AccountApi for Merchant {
    fn capabilities(&self) -> Vec<Capability> {
        Support::capabilities(|method| self.support(method))
    }

    fn credentials(&self) -> Vec<CredentialState> {
        self.ground.credential_states()
    }

    async fn check(&self, context: &CallContext) -> Result<Vec<Check>, Error> {
        self.ground.call(context, ListCards::new(0, 1)).await?;
        Ok(vec![Check {
            operation: ListCards::OPERATION.id,
            credential: CredentialKind::Merchant,
            signature_verified: true,
        }])
    }
}
