//! Key material from the files that operators have. What is wrong is told by the name of the file.

use std::fmt;
use std::fs;
use std::path::Path;

use kabao_auth::{Certificate, PrivateKey, PublicKey};
use kabao_models::Secret;

use super::{PayCredential, WeChatPayKey};
use crate::faults::{ConfigurationError, Faults};

impl PayCredential {
    /// Reads `apiclient_key.pem` and `apiclient_cert.pem` of a merchant number, or of a brand that
    /// calls directly.
    ///
    /// What verifies WeChat's answers comes on top, with
    /// [`with_wechat_pay_key`](Self::with_wechat_pay_key) or
    /// [`with_apiv3_key`](Self::with_apiv3_key).
    ///
    /// # Errors
    ///
    /// Names each file that cannot be read or used, with the reason.
    pub fn from_files(
        number: impl Into<String>,
        private_key: impl AsRef<Path>,
        certificate: impl AsRef<Path>,
    ) -> Result<Self, ConfigurationError> {
        let (key_file, certificate_file) = (private_key.as_ref(), certificate.as_ref());
        let mut faults = Faults::default();
        let private_key = read(key_file, &mut faults, PrivateKey::from_pem);
        let certificate = read(certificate_file, &mut faults, Certificate::from_pem);
        match (private_key, certificate) {
            (Some((private_key, key)), Some((certificate, parsed))) if parsed.matches(&key) => {
                Ok(Self {
                    number: number.into(),
                    private_key: Secret::new(private_key),
                    certificate: Some(certificate),
                    ..Self::default()
                })
            }
            (Some(_), Some(_)) => {
                let other = key_file.display();
                let why = format!("does not belong to the private key in {other}");
                faults.add(certificate_file.display().to_string(), why);
                Err(faults.finish())
            }
            _ => Err(faults.finish()),
        }
    }

    /// Trusts the WeChat Pay public key.
    #[must_use]
    pub fn with_wechat_pay_key(mut self, wechat_pay_key: WeChatPayKey) -> Self {
        self.wechat_pay_key = Some(wechat_pay_key);
        self
    }

    /// Downloads platform certificates with the APIv3 key, and trusts them; and opens notifications with it.
    #[must_use]
    pub fn with_apiv3_key(mut self, apiv3_key: impl Into<Secret>) -> Self {
        self.apiv3_key = Some(apiv3_key.into());
        self
    }
}

impl WeChatPayKey {
    /// Reads `pub_key.pem`, whose id the merchant platform shows beside it.
    ///
    /// # Errors
    ///
    /// Names the file if it cannot be read or used, with the reason.
    pub fn from_file(
        id: impl Into<String>,
        public_key: impl AsRef<Path>,
    ) -> Result<Self, ConfigurationError> {
        let mut faults = Faults::default();
        match read(public_key.as_ref(), &mut faults, PublicKey::from_pem) {
            Some((public_key, _)) => Ok(Self {
                id: id.into(),
                public_key,
            }),
            None => Err(faults.finish()),
        }
    }
}

/// Reads a file of PEM text; what is wrong with it becomes a fault.
fn read<T, E: fmt::Display>(
    file: &Path,
    faults: &mut Faults,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Option<(String, T)> {
    let field = file.display().to_string();
    match fs::read_to_string(file) {
        Err(error) => {
            faults.add(field, format_args!("cannot be read: {error}"));
            None
        }
        Ok(pem) => match parse(&pem) {
            Err(error) => {
                faults.add(field, format_args!("cannot be used: {error}"));
                None
            }
            Ok(parsed) => Some((pem, parsed)),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::testing::key;

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = format!("kabao-client-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(folder);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn write(&self, name: &str, content: &str) -> PathBuf {
            let file = self.0.join(name);
            fs::write(&file, content).unwrap();
            file
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_files_of_the_merchant_platform_are_taken_and_nothing_of_a_key_is_shown() {
        let folder = Folder::new("good");
        let private_key = key("merchant", "private_key_pem");
        let public_key = key("wechatpay_public_key", "public_key_pem");
        let credential = PayCredential::from_files(
            "1900000001",
            folder.write("apiclient_key.pem", private_key),
            folder.write("apiclient_cert.pem", key("merchant", "certificate_pem")),
        )
        .unwrap()
        .with_apiv3_key("k7Qm2ZxV9aT4rLp8WsD1eYh6NbUc3JfG")
        .with_wechat_pay_key(
            WeChatPayKey::from_file("PUB_KEY_ID_01", folder.write("pub_key.pem", public_key))
                .unwrap(),
        );
        assert_eq!(credential.number, "1900000001");
        assert_eq!(credential.private_key.expose(), private_key);
        assert!(credential.certificate.is_some());
        assert_eq!(
            credential.wechat_pay_key.as_ref().unwrap().public_key,
            public_key
        );
        let shown = format!("{credential:?}");
        assert!(!shown.contains("PRIVATE KEY") && !shown.contains("k7Qm2"));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_the_reason() {
        let folder = Folder::new("bad");
        let certificate = folder.write("cert.pem", key("merchant", "certificate_pem"));
        let other = folder.write("other.pem", key("merchant_other", "private_key_pem"));
        let missing = folder.0.join("missing.pem");
        let told = |private_key: &Path, certificate: &Path| {
            let error = PayCredential::from_files("1900000001", private_key, certificate);
            let text = error.unwrap_err().to_string();
            text.replace(&format!("{}/", folder.0.display()), "")
        };
        let both = told(&certificate, &missing);
        assert!(
            both.starts_with("the configuration is not usable: cert.pem cannot be used: a certificate was given where a key is expected; missing.pem cannot be read: "),
            "{both}"
        );
        assert_eq!(
            told(&other, &certificate),
            "the configuration is not usable: cert.pem does not belong to the private key in other.pem"
        );
        let key = WeChatPayKey::from_file("PUB_KEY_ID_01", &missing).unwrap_err();
        assert!(key.to_string().contains("missing.pem cannot be read"));
        assert_eq!(key.faults().len(), 1);
    }
}
