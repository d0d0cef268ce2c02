//! What an official account can do.

use async_trait::async_trait;
use kabao_api::{
    AccountApi, CallContext, Capability, Check, CredentialKind, CredentialState, Error, Support,
};
use kabao_models::Endpoint;
use kabao_models::official_account::card::BatchGetCards;

use super::OfficialAccount;

#[async_trait]
impl AccountApi for OfficialAccount {
    fn capabilities(&self) -> Vec<Capability> {
        Support::capabilities(|method| self.support(method))
    }

    fn credentials(&self) -> Vec<CredentialState> {
        self.ground.credential_states()
    }

    async fn check(&self, context: &CallContext) -> Result<Vec<Check>, Error> {
        self.ground.call(context, BatchGetCards::new(0, 1)).await?;
        Ok(vec![Check {
            operation: BatchGetCards::OPERATION.id,
            credential: CredentialKind::AccessToken,
            signature_verified: false,
        }])
    }
}
