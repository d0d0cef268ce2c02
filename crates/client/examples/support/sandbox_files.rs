//! Reads the files that `kabao dev` and `kabao-sandbox` write for clients.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use kabao_client::{PayCredential, WeChatPayKey};
use kabao_models::Secret;
use serde_json::Value;

/// The files of one account of a sandbox.
pub(crate) struct SandboxFiles {
    root: PathBuf,
    folder: PathBuf,
    account: Value,
}

impl SandboxFiles {
    /// Opens `DIR/sandbox/ACCOUNT`; `DIR` follows `--dir` on the command line, `.kabao` unless given.
    pub(crate) fn open(account: &str) -> Result<Self, Box<dyn Error>> {
        let mut arguments = env::args().skip(1);
        let directory = match (arguments.next().as_deref(), arguments.next()) {
            (None, _) => ".kabao".to_owned(),
            (Some("--dir"), Some(directory)) => directory,
            _ => return Err("usage: [--dir DIR], the directory of `kabao dev`".into()),
        };
        let root = PathBuf::from(directory).join("sandbox");
        let folder = root.join(account);
        let file = folder.join("account.json");
        let text = fs::read_to_string(&file)
            .map_err(|error| format!("{}: {error}; is the sandbox running?", file.display()))?;
        Ok(Self {
            root,
            folder,
            account: serde_json::from_str(&text)?,
        })
    }

    /// Returns a member of `account.json`.
    pub(crate) fn text(&self, name: &str) -> Result<String, Box<dyn Error>> {
        let value = self.account.get(name).and_then(Value::as_str);
        Ok(value
            .ok_or_else(|| format!("account.json has no {name}"))?
            .to_owned())
    }

    /// Returns the authority of the sandbox's TLS certificate.
    pub(crate) fn ca(&self) -> Result<String, Box<dyn Error>> {
        Ok(fs::read_to_string(self.root.join("ca.pem"))?)
    }

    /// Returns the key material of a merchant number.
    #[allow(dead_code, reason = "official accounts have none")]
    pub(crate) fn credential(&self) -> Result<PayCredential, Box<dyn Error>> {
        let file = |name: &str| fs::read_to_string(self.folder.join(name));
        Ok(PayCredential {
            number: self.text("mchid")?,
            private_key: Secret::new(file("apiclient_key.pem")?),
            certificate: Some(file("apiclient_cert.pem")?),
            serial_no: Some(self.text("serial_no")?),
            apiv3_key: Some(Secret::new(self.text("apiv3_key")?)),
            wechat_pay_key: Some(WeChatPayKey {
                id: self.text("public_key_id")?,
                public_key: file("pub_key.pem")?,
            }),
        })
    }
}
