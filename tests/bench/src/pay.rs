//! WeChat Pay's signatures with nothing between us and the crypto library: what any client has to do.

use std::fs;
use std::path::Path;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde_json::Value;

use crate::Result;

/// What a merchant has in its hands: numbers, its own key, and WeChat Pay's.
pub(crate) struct Merchant {
    pub(crate) mchid: String,
    pub(crate) serial_no: String,
    pub(crate) public_key_id: String,
    pub(crate) private_key_pem: String,
    pub(crate) public_key_pem: String,
    pub(crate) keys: Keys,
}

impl Merchant {
    /// Reads the folder that the sandbox writes for an account.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let account: Value = serde_json::from_slice(&fs::read(folder.join("account.json"))?)?;
        let text = |name: &str| {
            let value = account.get(name).and_then(Value::as_str);
            value
                .map(str::to_owned)
                .ok_or_else(|| format!("account.json has no {name}"))
        };
        let private_key_pem = fs::read_to_string(folder.join("apiclient_key.pem"))?;
        let public_key_pem = fs::read_to_string(folder.join("pub_key.pem"))?;
        Ok(Self {
            mchid: text("mchid")?,
            serial_no: text("serial_no")?,
            public_key_id: text("public_key_id")?,
            keys: Keys::read(&private_key_pem, &public_key_pem)?,
            private_key_pem,
            public_key_pem,
        })
    }

    /// Signs a request: the value of its `Authorization`.
    pub(crate) fn authorization(&self, method: &str, target: &str, body: &str) -> Result<String> {
        let timestamp = crate::clock::unix_seconds();
        let nonce = nonce()?;
        let message = format!("{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n");
        let signature = STANDARD.encode(self.keys.sign(message.as_bytes())?);
        let Self {
            mchid, serial_no, ..
        } = self;
        Ok(format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{mchid}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
             timestamp=\"{timestamp}\",serial_no=\"{serial_no}\""
        ))
    }

    /// Verifies an answer: its five headers, by name, and its body.
    pub(crate) fn verify<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> Result<()> {
        let named = |name: &str| header(name).ok_or_else(|| format!("the answer has no {name}"));
        if named("wechatpay-serial")? != self.public_key_id {
            return Err("the answer is signed with another key".into());
        }
        let (timestamp, nonce) = (named("wechatpay-timestamp")?, named("wechatpay-nonce")?);
        let signature = STANDARD.decode(named("wechatpay-signature")?)?;
        let parts = [timestamp.as_bytes(), nonce.as_bytes(), body];
        self.keys.verify(&digest(&parts), &signature)
    }
}

/// A key pair's private half, and the public half of somebody else's.
pub(crate) struct Keys {
    pub(crate) signing: RsaKeyPair,
    pub(crate) verifying: ParsedPublicKey,
}

impl Keys {
    pub(crate) fn read(private_key_pem: &str, public_key_pem: &str) -> Result<Self> {
        let signing = PrivatePkcs8KeyDer::from_pem_slice(private_key_pem.as_bytes())?;
        let verifying = SubjectPublicKeyInfoDer::from_pem_slice(public_key_pem.as_bytes())?;
        Ok(Self {
            signing: RsaKeyPair::from_pkcs8(signing.secret_pkcs8_der())?,
            verifying: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &verifying)?,
        })
    }

    #[cfg(not(kabao_bench_without_rsa))]
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.signing.public_modulus_len()];
        self.signing.sign(
            &aws_lc_rs::signature::RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )?;
        Ok(signature)
    }

    #[cfg(not(kabao_bench_without_rsa))]
    fn verify(&self, digest: &Digest, signature: &[u8]) -> Result<()> {
        Ok(self.verifying.verify_digest_sig(digest, signature)?)
    }

    /// The same stand-in as that of `kabao-auth`: the digest, as long as a signature.
    #[cfg(kabao_bench_without_rsa)]
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = aws_lc_rs::digest::digest(&SHA256, message)
            .as_ref()
            .to_vec();
        signature.resize(self.signing.public_modulus_len(), 0);
        Ok(signature)
    }

    #[cfg(kabao_bench_without_rsa)]
    fn verify(&self, digest: &Digest, signature: &[u8]) -> Result<()> {
        match signature.starts_with(digest.as_ref()) {
            true => Ok(()),
            false => Err("the digest does not match".into()),
        }
    }
}

fn digest(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
        context.update(b"\n");
    }
    context.finish()
}

fn nonce() -> Result<String> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(random)))
}
