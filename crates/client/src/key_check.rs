//! What an operator should know of the keys of WeChat Pay before callers find out.

use std::sync::Arc;

use kabao_api::Error;
use kabao_auth::KeyKind;

use crate::client::Client;
use crate::keys::KeyStore;
use crate::pipeline::Pipeline;

const NAMES_PUBLIC_KEY: &str = "requests name the WeChat Pay public key, and WeChat Pay signs with platform certificates: the change to public \
     keys is not started or was stopped; before it is started, encrypted fields are refused: name the certificates \
     (wechatpay_serial = \"certificate\")";
const NAMES_CERTIFICATE: &str = "requests name a platform certificate, and WeChat Pay signs with the public key: the change to public keys is \
     confirmed; name the public key (wechatpay_serial = \"public_key\")";
const NONE_ISSUED: &str = "there is an APIv3 key, and WeChat Pay has no platform certificates for the merchant: the public key alone \
     verifies answers";

impl Client {
    /// Asks WeChat for everything that the keys of the account depend on, whatever is kept, and returns what does not
    /// fit together though calls succeed. It is for after a call: that shows which key WeChat Pay signs with.
    ///
    /// # Errors
    ///
    /// `CREDENTIAL_REJECTED` or `KEY_UNAVAILABLE` with a remedy, or why WeChat cannot be reached.
    pub async fn check_keys(&self) -> Result<Vec<&'static str>, Error> {
        self.pipeline().check_keys().await
    }
}

impl Pipeline {
    async fn check_keys(&self) -> Result<Vec<&'static str>, Error> {
        let credentials = self.credentials();
        let mut notes = Vec::new();
        for signed in [&credentials.merchant, &credentials.brand]
            .into_iter()
            .flatten()
        {
            notes.extend(notes_of(&signed.keys, self.clock().unix_seconds()).await?);
        }
        Ok(notes)
    }
}

async fn notes_of(keys: &Arc<KeyStore>, now: i64) -> Result<Vec<&'static str>, Error> {
    let mut notes = Vec::new();
    if keys.downloads() {
        let downloaded = keys.download_now(now).await?;
        if !downloaded.has(KeyKind::Certificate, now) {
            notes.push(NONE_ISSUED);
        }
    }
    let signed = keys.signed();
    match keys.named() {
        KeyKind::PublicKey if signed.by_certificate > 0 => notes.push(NAMES_PUBLIC_KEY),
        KeyKind::Certificate if signed.by_public_key > 0 => notes.push(NAMES_CERTIFICATE),
        _ => {}
    }
    Ok(notes)
}
