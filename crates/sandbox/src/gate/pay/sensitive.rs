//! Fields that travel encrypted: opened on the way in, closed on the way out.

use kabao_auth::SensitiveFieldError;
use kabao_models::{AnyAnswer, AnyEndpoint, Sensitive};

use super::Inbound;
use super::caller::Caller;
use crate::refusal::Refusal;
use crate::settings::SerialRule;
use crate::sync::lock;

/// Checks `Wechatpay-Serial` and decrypts the fields of a request.
pub(super) fn decrypt_request(
    inbound: &Inbound<'_>,
    request: &mut dyn AnyEndpoint,
) -> Result<(), Refusal> {
    let rules = &inbound.call.settings.authentication;
    let serial = inbound.received.header("wechatpay-serial");
    let mut has_fields = false;
    request.visit_sensitive(&mut |_| has_fields = true);
    let required = has_fields
        || inbound.caller.scheme == kabao_auth::Scheme::Brand
        || (inbound.call.operation.encrypts && rules.wechatpay_serial == SerialRule::AsDocumented);
    if !required && (serial.is_none() || !rules.refuse_unknown_serial) {
        return Ok(());
    }
    let keys = lock(&inbound.caller.pay.keyring).decryption_keys();
    let key = keys.pick(serial).map_err(|error| {
        let mut refusal = refusal(error);
        if serial.is_none() {
            let code = &inbound.call.settings.answers.missing_serial_code;
            refusal.code = code.clone().into();
        }
        refusal
    })?;
    let mut result = Ok(());
    request.visit_sensitive(&mut |field| {
        let Sensitive::Encrypted(ciphertext) = &*field else {
            return;
        };
        match key
            .decrypt(ciphertext)
            .ok()
            .and_then(|text| text.to_str().map(str::to_owned).ok())
        {
            Some(text) => *field = Sensitive::Plain(text),
            None => result = Err(refusal(SensitiveFieldError::Undecryptable)),
        }
    });
    result
}

/// Encrypts the fields of an answer to the certificate that signed the request.
pub(super) fn encrypt_answer(caller: &Caller, answer: &mut dyn AnyAnswer) -> Result<(), Refusal> {
    let key = lock(&caller.pay.keyring).client_key(&caller.serial);
    let mut result = Ok(());
    answer.visit_sensitive(&mut |field| {
        let Sensitive::Plain(text) = &*field else {
            return;
        };
        match key
            .as_ref()
            .and_then(|key| key.encrypt(text.as_bytes()).ok())
        {
            Some(ciphertext) => *field = Sensitive::Encrypted(ciphertext),
            None => result = Err(Refusal::system_error()),
        }
    });
    result
}

fn refusal(error: SensitiveFieldError) -> Refusal {
    Refusal::new(
        error.status(),
        error.code(),
        error.message(),
        error.to_string(),
    )
}
