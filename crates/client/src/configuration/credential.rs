//! The key material of WeChat Pay APIv3, as an operator has it in files.

use std::sync::Arc;

use kabao_auth::{
    ApiV3Key, KeyKind, KeySet, PlatformAuthorities, PublicKey, PublicKeyId, Scheme, Signer,
    TrustedKey,
};
use kabao_models::Secret;

use super::merchant_key::{MerchantKey, Read};
use super::{Common, Parts};
use crate::faults::Faults;
use crate::keys::{CertificateSource, KeyStore, Trust};
use crate::pipeline::credentials::SignedCredential;
use crate::replays::Replays;
use crate::signing::Keyring;

/// The key material of one merchant number, or of one brand that calls directly.
///
/// Either `certificate` or `serial_no` names the certificate that belongs to the private key, and
/// at least one of `wechat_pay_key` and `apiv3_key` gives the trust in WeChat Pay's answers.
/// (A brand that calls directly needs `wechat_pay_key`: it has no platform certificates.)
///
/// While a certificate is renewed there are several keys: the first one whose certificate is valid signs, and an
/// answer is decrypted with that one, or else with the others.
#[derive(Clone, Debug, Default)]
pub struct PayCredential {
    /// The merchant number (`mchid`); for a brand that calls directly, the brand id.
    pub number: String,
    /// `apiclient_key.pem`: the private key that signs requests and decrypts fields; empty if there is a `signer`.
    pub private_key: Secret,
    /// Signs and decrypts in place of `private_key`, with a key that lies elsewhere.
    pub signer: Option<Arc<dyn Signer>>,
    /// `apiclient_cert.pem`: the certificate that belongs to the key.
    pub certificate: Option<String>,
    /// The certificate's serial number, 40 hexadecimal digits.
    pub serial_no: Option<String>,
    /// The keys beside this one while a certificate is renewed.
    pub further_keys: Vec<MerchantKey>,
    /// The APIv3 key, 32 characters, or the API key of a brand: opens notifications, and downloads the platform
    /// certificates of a merchant number.
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
    pub(super) fn read(
        &self,
        scheme: Scheme,
        common: &Common,
        parts: Option<&Parts>,
        faults: &mut Faults,
    ) -> Option<SignedCredential> {
        let now = common.clock.unix_seconds();
        let number_field = scheme.identity_field();
        let own = self.read_keys(now, faults);

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
        let (first, others) = own?;
        let keys = faults.keep("public_key", KeySet::new(first.serial, trusted.clone()))?;
        for other in &others {
            faults.keep("public_key", KeySet::new(other.serial, trusted.clone()))?;
        }
        let parts = parts?;
        let mut signers = Vec::new();
        for key in [first].into_iter().chain(others) {
            let signer = key.into_request_signer(scheme, &self.number, common, parts);
            signers.push(faults.keep(number_field, signer)?);
        }
        let mut signers = signers.into_iter();
        let keyring = Arc::new(Keyring::new(signers.next()?, signers));
        let source = match scheme {
            Scheme::Merchant => api_key.clone().map(|api_v3_key| CertificateSource {
                transport: Arc::clone(&parts.transport),
                clock: Arc::clone(&common.clock),
                keyring: Arc::clone(&keyring),
                api_v3_key,
                authorities,
            }),
            Scheme::Brand => None,
        };
        Some(SignedCredential {
            keyring,
            signing: common.signing(),
            route: common.route(parts),
            keys: Arc::new(KeyStore::new(Trust {
                configured: keys,
                source,
                named,
                refresh: common.settings.certificate_refresh,
                place: format!(
                    "platform_certificates/{}/{}",
                    parts.hosts.main.name(),
                    self.number
                ),
            })),
            api_v3_key: api_key,
            replays: Replays::default(),
            health: crate::health::Health::default(),
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

    /// Reads the account's own keys: the first, and the others. One of them must be valid.
    fn read_keys(&self, now: i64, faults: &mut Faults) -> Option<(Read, Vec<Read>)> {
        let first = MerchantKey {
            private_key: self.private_key.clone(),
            signer: self.signer.clone(),
            certificate: self.certificate.clone(),
            serial_no: self.serial_no.clone(),
        };
        let first = first.read(&self.number, faults);
        let mut others: Vec<Read> = Vec::new();
        for (index, key) in self.further_keys.iter().enumerate() {
            let mut own = Faults::default();
            let key = key.read(&self.number, &mut own);
            let before = || first.iter().chain(&others);
            if let Some(key) = &key
                && before().any(|other| other.serial == key.serial)
            {
                own.add("serial_no", "is that of another key of the account");
            }
            others.extend(key);
            faults.extend(&format!("further_keys[{index}]."), own);
        }
        if let Some(first) = &first
            && !first.is_valid_at(now)
            && !others.iter().any(|other| other.is_valid_at(now))
        {
            faults.add("certificate", "is outside its validity");
        }
        Some((first?, others))
    }
}

impl WeChatPayKey {
    fn read(&self, faults: &mut Faults) -> Option<TrustedKey> {
        let id = faults.keep("public_key_id", self.id.parse::<PublicKeyId>());
        let key = faults.keep("public_key", PublicKey::from_pem(&self.public_key));
        Some(TrustedKey::PublicKey { id: id?, key: key? })
    }
}
