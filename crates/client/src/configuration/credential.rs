//! The key material of WeChat Pay APIv3, as an operator has it in files.

use std::sync::Arc;

use kabao_auth::{
    ApiV3Key, Certificate, Identity, KeyKind, KeySet, PlatformAuthorities, PrivateKey, PublicKey,
    PublicKeyId, Scheme, SerialNumber, TrustedKey,
};
use kabao_models::Secret;

use super::{Common, Faults, Parts};
use crate::keys::{CertificateSource, KeyStore, Trust};
use crate::pipeline::credentials::SignedCredential;
use crate::signing::RequestSigner;

/// The key material of one merchant number, or of one brand that calls directly.
///
/// Either `certificate` or `serial_no` names the certificate that belongs to the private key, and
/// at least one of `wechat_pay_key` and `apiv3_key` gives the trust in WeChat Pay's answers.
/// (A brand that calls directly needs `wechat_pay_key`: it has no platform certificates.)
#[derive(Clone, Debug, Default)]
pub struct PayCredential {
    /// The merchant number (`mchid`); for a brand that calls directly, the brand id.
    pub number: String,
    /// `apiclient_key.pem`: the private key that signs requests and decrypts fields.
    pub private_key: Secret,
    /// `apiclient_cert.pem`: the certificate that belongs to the key.
    pub certificate: Option<String>,
    /// The certificate's serial number, 40 hexadecimal digits.
    pub serial_no: Option<String>,
    /// The APIv3 key, 32 characters: downloads platform certificates.
    pub apiv3_key: Option<Secret>,
    /// The WeChat Pay public key.
    pub wechat_pay_key: Option<WeChatPayKey>,
    /// Which key of WeChat Pay requests name, where the account has both kinds; the public key unless set.
    pub wechatpay_serial: Option<WechatpaySerial>,
    /// The certificates of who issues platform certificates (`CertTrustChain.p7b`, as PEM). If there are any, no other
    /// platform certificates are taken.
    pub platform_ca: Option<String>,
}

/// Which key of WeChat Pay a request names in `Wechatpay-Serial`. Its fields are encrypted with that key, and while a
/// merchant number changes from one kind of key to the other, WeChat Pay signs the answer with it.
///
/// Answers are verified with whatever key they name, of both kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WechatpaySerial {
    /// The public key: once the change to it has been started on the merchant platform.
    PublicKey,
    /// The newest platform certificate: before that, and again before the change is taken back. While there is none, the
    /// public key.
    Certificate,
}

/// The WeChat Pay public key, from the merchant platform.
#[derive(Clone, Debug, Default)]
pub struct WeChatPayKey {
    /// Its id: `PUB_KEY_ID_` and digits.
    pub id: String,
    /// `pub_key.pem`.
    pub public_key: String,
}

impl PayCredential {
    /// Reads all of it; what cannot be used becomes faults.
    pub(crate) fn read(
        &self,
        scheme: Scheme,
        common: &Common,
        parts: Option<&Parts>,
        faults: &mut Faults,
    ) -> Option<SignedCredential> {
        let now = common.clock.unix_seconds();
        let number_field = scheme.identity_field();
        let private_key = if self.private_key.is_empty() {
            faults.add("private_key", "is required");
            None
        } else {
            faults.keep(
                "private_key",
                PrivateKey::from_pem(self.private_key.expose()),
            )
        };
        let certificate = self
            .certificate
            .as_deref()
            .and_then(|pem| faults.keep("certificate", Certificate::from_pem(pem)));
        let serial = self
            .serial_no
            .as_deref()
            .and_then(|text| faults.keep("serial_no", text.parse::<SerialNumber>()));
        if let Some(certificate) = &certificate {
            self.check_certificate(certificate, serial, private_key.as_ref(), now, faults);
        }
        if self.certificate.is_none() && self.serial_no.is_none() {
            faults.add("serial_no", "is required if there is no certificate");
        }
        let serial = certificate
            .as_ref()
            .map(|certificate| *certificate.serial())
            .or(serial);

        let api_key = self
            .apiv3_key
            .as_ref()
            .and_then(|key| faults.keep("apiv3_key", ApiV3Key::new(key.expose())));
        let trusted = self
            .wechat_pay_key
            .as_ref()
            .and_then(|key| key.read(faults));
        match scheme {
            Scheme::Merchant if self.wechat_pay_key.is_none() && self.apiv3_key.is_none() => {
                faults.add(
                    "public_key_id",
                    "is required if there is no apiv3_key: answers could not be verified",
                );
            }
            Scheme::Brand if self.wechat_pay_key.is_none() => {
                faults.add(
                    "public_key_id",
                    "is required: a brand has no platform certificates",
                );
            }
            _ => {}
        }

        let named = self.named(scheme, faults);
        let authorities = self.platform_ca.as_deref().and_then(|pem| {
            if self.apiv3_key.is_none() {
                faults.add(
                    "platform_ca",
                    "needs an apiv3_key: nothing else downloads platform certificates",
                );
            }
            faults.keep("platform_ca", PlatformAuthorities::from_pem(pem))
        });

        if self.number.is_empty() {
            faults.add(number_field, "is required");
            return None;
        }
        let (private_key, serial) = (private_key?, serial?);
        let identity = Identity::new(scheme, &self.number, serial, Arc::new(private_key.clone()));
        let identity = faults.keep(number_field, identity)?;
        let keys = faults.keep("public_key", KeySet::new(serial, trusted))?;
        let parts = parts?;
        let Parts {
            hosts, transport, ..
        } = parts;
        let source = match scheme {
            Scheme::Merchant => api_key.map(|api_v3_key| CertificateSource {
                transport: Arc::clone(transport),
                clock: Arc::clone(&common.clock),
                signer: RequestSigner::new(identity.clone(), hosts.clone()),
                api_v3_key,
                authorities,
            }),
            Scheme::Brand => None,
        };
        Some(SignedCredential {
            signer: Arc::new(RequestSigner::new(identity, hosts.clone())),
            signing: common.signing(),
            route: common.route(parts),
            private_key,
            keys: Arc::new(KeyStore::new(Trust {
                configured: keys,
                source,
                named,
                refresh: common.settings.certificate_refresh,
                place: format!(
                    "platform_certificates/{}/{}",
                    hosts.main.name(),
                    self.number
                ),
            })),
            health: crate::health::Health::default(),
            certificate_ends: certificate.as_ref().map(Certificate::not_after),
        })
    }

    /// Which kind of key requests name.
    fn named(&self, scheme: Scheme, faults: &mut Faults) -> KeyKind {
        let field = "wechatpay_serial";
        match self.wechatpay_serial {
            Some(WechatpaySerial::Certificate) if scheme == Scheme::Brand => {
                faults.add(
                    field,
                    "must be public_key: a brand has no platform certificates",
                );
            }
            Some(WechatpaySerial::Certificate) if self.apiv3_key.is_none() => {
                faults.add(
                    field,
                    "certificate needs an apiv3_key, which downloads platform certificates",
                );
            }
            Some(WechatpaySerial::PublicKey) if self.wechat_pay_key.is_none() => {
                faults.add(field, "public_key needs the public key and its id");
            }
            Some(WechatpaySerial::Certificate) => return KeyKind::Certificate,
            Some(WechatpaySerial::PublicKey) => return KeyKind::PublicKey,
            None => {}
        }
        match self.wechat_pay_key {
            Some(_) => KeyKind::PublicKey,
            None => KeyKind::Certificate,
        }
    }

    fn check_certificate(
        &self,
        certificate: &Certificate,
        serial: Option<SerialNumber>,
        private_key: Option<&PrivateKey>,
        now: i64,
        faults: &mut Faults,
    ) {
        if private_key.is_some_and(|key| !certificate.matches(key)) {
            faults.add("certificate", "does not belong to the private key");
        }
        if serial.is_some_and(|serial| serial != *certificate.serial()) {
            faults.add("serial_no", "is not the serial number of the certificate");
        }
        if !certificate.is_valid_at(now) {
            faults.add("certificate", "is outside its validity");
        }
        if let Some(name) = certificate.common_name()
            && name.bytes().all(|byte| byte.is_ascii_digit())
            && name != self.number
        {
            faults.add("certificate", "belongs to another merchant number");
        }
    }
}

impl WeChatPayKey {
    fn read(&self, faults: &mut Faults) -> Option<TrustedKey> {
        let id = faults.keep("public_key_id", self.id.parse::<PublicKeyId>());
        let key = faults.keep("public_key", PublicKey::from_pem(&self.public_key));
        Some(TrustedKey::PublicKey { id: id?, key: key? })
    }
}
