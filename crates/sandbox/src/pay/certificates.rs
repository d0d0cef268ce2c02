//! `GET /v3/certificates`: the download of platform certificates.

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use kabao_auth::{ApiV3Key, random_resource_nonce};
use kabao_models::{Body, Effect, Errcode, Family, Operation, RateLimit, Repeat, Scheme};
use serde::Serialize;

use super::{Inbound, Refusal, Route};
use crate::clock::rfc3339;
use crate::sync::lock;

/// The operation; it belongs to the protocol and not to a card family, so the catalogue has none.
static OPERATION: Operation = Operation {
    id: "certificates.get",
    title: "Download the platform certificates",
    family: Family::Merchant,
    scheme: Scheme::Merchant,
    method: Method::GET,
    path: "/v3/certificates",
    body: Body::Empty,
    success: 200,
    effect: Effect::Read,
    rate_limit: Some(RateLimit {
        per: "merchant",
        per_second: Some(1000),
        per_minute: None,
        per_day: None,
    }),
    request_number: None,
    repeat: Repeat::Harmless,
    errcode: Errcode::None,
    credential: false,
    upload: None,
    encrypts: false,
    errors: &[],
    docs: &["pay.weixin.qq.com/doc/v3/merchant/4012551764"],
};

/// Serves every account of the WeChat Pay families, whichever it is.
pub(super) const ROUTE: Route = Route::new(&OPERATION, serve);

#[derive(Serialize)]
struct Answer {
    data: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    serial_no: String,
    effective_time: String,
    expire_time: String,
    encrypt_certificate: Sealed,
}

#[derive(Serialize)]
struct Sealed {
    algorithm: &'static str,
    nonce: String,
    associated_data: &'static str,
    ciphertext: String,
}

const ASSOCIATED_DATA: &str = "certificate";

fn serve(inbound: &Inbound<'_>) -> Result<Bytes, Refusal> {
    super::rate(inbound)?;
    let account = &inbound.call.account;
    let failed = |_| Refusal::system_error();
    let key = ApiV3Key::new(account.apiv3_key.as_deref().unwrap_or_default()).map_err(failed)?;
    let keyring = lock(&inbound.caller.pay.keyring);
    if keyring.offered().is_empty() {
        return Err(Refusal::new(
            404,
            "RESOURCE_NOT_EXISTS",
            "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。可查看指引https://pay.weixin.qq.com/doc/v3/merchant/4012153196.md",
            "There is no usable platform certificate; use the WeChat Pay public key",
        ));
    }
    let moment = |seconds| {
        Timestamp::from_second(seconds)
            .map(rfc3339)
            .unwrap_or_default()
    };
    let data = keyring
        .offered()
        .iter()
        .map(|platform| {
            let nonce = random_resource_nonce()?;
            let ciphertext = key.seal(&nonce, ASSOCIATED_DATA, platform.pem.as_bytes())?;
            Ok(Entry {
                serial_no: platform.certificate.serial().to_string(),
                effective_time: moment(platform.certificate.not_before()),
                expire_time: moment(platform.certificate.not_after()),
                encrypt_certificate: Sealed {
                    algorithm: "AEAD_AES_256_GCM",
                    nonce,
                    associated_data: ASSOCIATED_DATA,
                    ciphertext,
                },
            })
        })
        .collect::<Result<Vec<_>, kabao_auth::Error>>()
        .map_err(failed)?;
    serde_json::to_vec(&Answer { data })
        .map(Bytes::from)
        .map_err(|_| Refusal::system_error())
}
