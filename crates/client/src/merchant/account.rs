//! What an account of the merchant family can do.

use async_trait::async_trait;
use kabao_api::{
    AccountApi, CallContext, Capability, Check, CredentialKind, CredentialState, Error, Method,
};
use kabao_models::Endpoint;
use kabao_models::merchant::cards::ListCards;

use super::Merchant;

const LIMITS: &[(Method, bool, &str)] = &[
    (
        Method::UpdateMember,
        true,
        "level, membership_number and background_picture_url; points and balance by AdjustPoints and AdjustBalance",
    ),
    (Method::AdjustPoints, true, "without remark"),
    (
        Method::ActivateMember,
        true,
        "outcome ENROLLED, with membership_number as the only initial value",
    ),
    (
        Method::ImportMember,
        true,
        "without initial values, pickup_time and validity",
    ),
    (
        Method::UploadImage,
        true,
        "JPEG, BMP or PNG of at most 2 MiB",
    ),
];

#[async_trait]
impl AccountApi for Merchant {
    fn capabilities(&self) -> Vec<Capability> {
        Capability::table(LIMITS)
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
