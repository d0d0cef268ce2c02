//! What signs the requests of merchants and brands, and verifies WeChat Pay's answers.

use kabao_client::{PayCredential, WeChatPayKey, WechatpaySerial};

use crate::config::material::Material;
use crate::config::own_keys::OwnKeys;

/// The credential, the serial numbers of its certificates, and when the last of them ends.
pub(super) fn pay(
    material: &mut Material<'_, '_>,
    number: String,
) -> (PayCredential, Vec<String>, Option<i64>) {
    let keys = OwnKeys::read(material, &number);
    let (serials, ends) = keys.certificates();
    let OwnKeys { first, further } = keys;
    let (key_file, key_id) = ("public_key_file", "public_key_id");
    let public_key = material.file(key_file);
    let id = material.text(key_id);
    let wechat_pay_key = match (material.has(key_file), material.has(key_id)) {
        (false, false) => None,
        (has_file, has_id) => {
            if !has_id {
                material.mistake(key_id, "is required beside `public_key_file`");
            }
            if !has_file {
                material.mistake(key_file, "is required beside `public_key_id`");
            }
            Some(WeChatPayKey {
                id: id.unwrap_or_default(),
                public_key: public_key.unwrap_or_default(),
            })
        }
    };
    let credential = PayCredential {
        number,
        private_key: first.private_key,
        signer: first.signer,
        certificate: first.certificate,
        serial_no: first.serial_no,
        further_keys: further,
        apiv3_key: material.secret("apiv3_key_file", "apiv3_key_env", false),
        wechat_pay_key,
        wechatpay_serial: material.word(
            "wechatpay_serial",
            &[
                ("public_key", WechatpaySerial::PublicKey),
                ("certificate", WechatpaySerial::Certificate),
            ],
        ),
        platform_ca: material.file("platform_ca_file"),
    };
    (credential, serials, ends)
}

/// What people may see of a credential.
pub(super) fn describe(credential: &PayCredential, serials: &[String], number: &str) -> String {
    let mut about = format!("{number} {}", credential.number);
    if let Some((first, others)) = serials.split_first() {
        about.push_str(&format!(", certificate {first}"));
        for other in others {
            about.push_str(&format!(" and {other}"));
        }
    }
    match &credential.wechat_pay_key {
        Some(key) => about.push_str(&format!(", verifies with {}", key.id)),
        None => about.push_str(", verifies with platform certificates"),
    }
    about
}
