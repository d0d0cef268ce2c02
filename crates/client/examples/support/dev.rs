//! What `kabao dev` leaves for clients: the files of its accounts, and orders to its sandbox.

#![allow(dead_code, reason = "no example needs all of it")]

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::{env, fs};

use kabao_client::{Client, PayCredential, WeChatPayKey};
use serde_json::Value;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A card of the demo data, under the same id in the merchant and the brand family.
pub(crate) const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
/// Its member.
pub(crate) const CODE: &str = "478515832665";
/// The user of the member.
pub(crate) const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";

/// The directory of `kabao dev`: what follows `--dir` on the command line, `.kabao` unless given.
pub(crate) fn directory() -> Result<PathBuf> {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(PathBuf::from(".kabao")),
        (Some("--dir"), Some(directory)) => Ok(PathBuf::from(directory)),
        _ => Err("usage: [--dir DIR], the directory of `kabao dev`".into()),
    }
}

/// The files of one account.
pub(crate) struct Files {
    root: PathBuf,
    folder: PathBuf,
    account: Value,
}

impl Files {
    /// Opens the folder of an account.
    pub(crate) fn of(account: &str) -> Result<Self> {
        let root = directory()?.join("sandbox");
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
    pub(crate) fn text(&self, name: &str) -> Result<&str> {
        let value = self.account.get(name).and_then(Value::as_str);
        value.ok_or_else(|| format!("account.json has no {name}").into())
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the authority of the sandbox's TLS certificate. WeChat's own needs no such line.
    pub(crate) fn ca(&self) -> Result<String> {
        Ok(fs::read_to_string(self.root.join("ca.pem"))?)
    }

    /// Returns the key material of a merchant number.
    pub(crate) fn credential(&self) -> Result<PayCredential> {
        let key = WeChatPayKey::from_file(self.text("public_key_id")?, self.path("pub_key.pem"))?;
        let credential = PayCredential::from_files(
            self.text("mchid")?,
            self.path("apiclient_key.pem"),
            self.path("apiclient_cert.pem"),
        )?;
        Ok(credential.with_wechat_pay_key(key))
    }
}

/// The client of the demo merchant.
pub(crate) fn merchant() -> Result<Client> {
    let files = Files::of("demo-merchant")?;
    let builder = Client::merchant("demo-merchant")
        .credential(files.credential()?)
        .base_url(files.text("base_url")?)
        .root_certificates(files.ca()?);
    Ok(builder.build()?)
}

/// The client of the demo brand, through its service provider.
pub(crate) fn brand() -> Result<Client> {
    let files = Files::of("demo-brand")?;
    let builder = Client::brand("demo-brand")
        .brand_id(files.text("brand_id")?)
        .provider(files.credential()?)
        .base_url(files.text("base_url")?)
        .root_certificates(files.ca()?);
    Ok(builder.build()?)
}

/// The client of the demo official account.
pub(crate) fn official_account() -> Result<Client> {
    let files = Files::of("demo-official-account")?;
    let builder = Client::official_account("demo-official-account")
        .appid(files.text("appid")?)
        .app_secret(files.text("app_secret")?)
        .base_url(files.text("base_url")?)
        .root_certificates(files.ca()?);
    Ok(builder.build()?)
}

/// Returns an id for a change that is intended now: an order's number, in a shop.
pub(crate) fn new_id(client: &Client) -> Result<kabao_client::RequestId> {
    Ok(client.context().call_id.as_str().parse()?)
}

/// Has somebody at WeChat or one of its users do something, by the sandbox's control API.
pub(crate) fn order(path: &str, body: &Value) -> Result<Value> {
    let file = directory()?.join("ready.json");
    let addresses: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let control = addresses.get("control").and_then(Value::as_str);
    let control = control.ok_or("ready.json names no control API")?;
    let body = body.to_string();
    let mut stream = TcpStream::connect(control)?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {control}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("{path}: {body}").into());
    }
    Ok(serde_json::from_str(body)?)
}
