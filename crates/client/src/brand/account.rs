//! What an account of the brand family can do.

use async_trait::async_trait;
use kabao_api::{
    AccountApi, CallContext, Capability, Check, CredentialKind, CredentialState, Error, Method,
};
use kabao_models::Endpoint;
use kabao_models::brand::cards::ListCards;
use kabao_models::brand::direct_cards::ListDirectCards;

use super::{Brand, Route};

type Limit = (Method, bool, &'static str);

const LIMITS: &[Limit] = &[
    (
        Method::CreateTemplate,
        true,
        "without description, logo_url, brand_name and stock",
    ),
    (
        Method::UpdateTemplate,
        true,
        "title, service_phone and background_picture_url",
    ),
    (
        Method::DeleteTemplate,
        true,
        "invalidates the template, which can still be read",
    ),
    (Method::GetMember, true, "needs openid"),
    (Method::BatchGetMembers, true, "needs openid"),
    (
        Method::UpdateMember,
        true,
        "level and background_picture_url; needs openid",
    ),
    (
        Method::AdjustBalance,
        false,
        "WeChat has no operation for stored value in this family",
    ),
    (
        Method::AdjustPoints,
        true,
        "set_to only, since WeChat never returns the points; without remark and notify; needs openid",
    ),
    (
        Method::ActivateMember,
        true,
        "with level and background_picture_url as initial values; needs openid",
    ),
    (Method::InvalidateMember, true, "needs openid"),
    (
        Method::ImportMember,
        true,
        "needs code; with level and background_picture_url as initial values; by phone number it needs pickup_time and validity too, and WeChat has not opened it",
    ),
    (
        Method::UploadImage,
        true,
        "JPEG, BMP or PNG of at most 2 MiB",
    ),
];

/// What is different without a service provider.
const DIRECT: Limit = (
    Method::ImportMember,
    true,
    "by openid only; needs code; with level and background_picture_url as initial values",
);

#[async_trait]
impl AccountApi for Brand {
    fn capabilities(&self) -> Vec<Capability> {
        let mut limits = LIMITS.to_vec();
        if matches!(self.route, Route::Direct) {
            limits.retain(|(method, ..)| *method != DIRECT.0);
            limits.push(DIRECT);
        }
        Capability::table(&limits)
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
