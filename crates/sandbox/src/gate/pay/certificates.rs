//! `GET /v3/certificates`: the download of platform certificates.

use bytes::Bytes;
use jiff::Timestamp;
use kabao_auth::{ApiV3Key, random_resource_nonce};
use kabao_models::Answer as _;
use kabao_models::protocol::{Certificate, Certificates, EncryptCertificate};

use super::Inbound;
use crate::clock::rfc3339;
use crate::refusal::Refusal;
use crate::sync::lock;

const ASSOCIATED_DATA: &str = "certificate";

/// Serves every account of the WeChat Pay families, whichever it is.
pub(super) fn serve(inbound: &Inbound<'_>) -> Result<Bytes, Refusal> {
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
            Ok(Certificate {
                serial_no: Some(platform.certificate.serial().to_string()),
                effective_time: Some(moment(platform.certificate.not_before())),
                expire_time: Some(moment(platform.certificate.not_after())),
                encrypt_certificate: Some(EncryptCertificate {
                    algorithm: Some("AEAD_AES_256_GCM".to_owned()),
                    nonce: Some(nonce),
                    associated_data: Some(ASSOCIATED_DATA.to_owned()),
                    ciphertext: Some(ciphertext),
                    ..Default::default()
                }),
                ..Default::default()
            })
        })
        .collect::<Result<Vec<_>, kabao_auth::Error>>()
        .map_err(failed)?;
    let certificates = Certificates {
        data: Some(data),
        ..Default::default()
    };
    certificates
        .into_body()
        .map_err(|_| Refusal::system_error())
}
