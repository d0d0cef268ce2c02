//! What an official account can do.

use async_trait::async_trait;
use kabao_api::{
    AccountApi, CallContext, Capability, Check, CredentialKind, CredentialState, Error, Method,
};
use kabao_models::Endpoint;
use kabao_models::official_account::card::BatchGetCards;

use super::OfficialAccount;

const LIMITS: &[(Method, bool, &str)] = &[
    (
        Method::CreateTemplate,
        true,
        "without appid and brand_id; WeChat has no request numbers, so a repeat makes a second card",
    ),
    (
        Method::UpdateMember,
        true,
        "background_picture_url, points and balance",
    ),
    (
        Method::ActivateMember,
        true,
        "outcome ENROLLED, with membership_number, background_picture_url, points and balance as initial values",
    ),
    (
        Method::ImportMember,
        false,
        "WeChat has no operation for it in this family",
    ),
    (Method::UploadImage, true, "JPEG or PNG of at most 1 MiB"),
];

#[async_trait]
impl AccountApi for OfficialAccount {
    fn capabilities(&self) -> Vec<Capability> {
        Capability::table(LIMITS)
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
