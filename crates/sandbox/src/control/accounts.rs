//! Accounts: credentials, permission, key phase; new ones and their end.

use kabao_models::Family;
use serde_json::{Value, json};

use super::answer::{Problem, account};
use super::asked::Asked;
use super::request::{NewAccount, NewFamily, Standing};
use crate::account::{Account, AccountConfig};
use crate::keys::KeyPhase;
use crate::random;
use crate::sync::lock;
use crate::world::World;

/// Lists all accounts, or those of one family, with their credentials.
pub(super) fn list(world: &World, family: Option<Family>) -> Value {
    let accounts = world.accounts.all();
    let shown: Vec<_> = accounts
        .iter()
        .filter(|account| family.is_none_or(|family| account.family == family))
        .map(|account| show(world, account))
        .collect();
    json!({ "accounts": shown })
}

/// Shows one account: what `account.json` holds, and how it stands.
pub(super) fn show(world: &World, account: &Account) -> Value {
    let certificates = account.pay.as_ref().map(|pay| {
        lock(&pay.keyring)
            .clients()
            .iter()
            .map(|client| json!({ "serial_no": client.certificate.serial().to_string(), "revoked": client.revoked }))
            .collect::<Vec<_>>()
    });
    json!({
        "name": account.name,
        "added": account.added,
        "credentials": account.credentials(&world.base_url),
        "permitted": account.is_permitted(),
        "key_phase": account.key_phase(),
        "certificates": certificates,
    })
}

/// Shows one account with everything that a client of it needs, PEM texts included.
pub(super) fn get(world: &World, name: &str) -> Result<Value, Problem> {
    account(world, name).map(|account| show_whole(world, &account))
}

fn show_whole(world: &World, account: &Account) -> Value {
    let credentials = account.credentials(&world.base_url);
    let mut shown = show(world, account);
    if let Some(members) = shown.as_object_mut() {
        for (name, pem) in [
            ("private_key_pem", credentials.private_key_pem),
            ("certificate_pem", credentials.certificate_pem),
            ("public_key_pem", credentials.public_key_pem),
            ("ca_pem", Some(world.ca_pem.clone())),
        ] {
            members.insert(name.to_owned(), json!(pem));
        }
        let folder = world
            .files
            .as_ref()
            .map(|files| files.folder(&account.name));
        members.insert("directory".to_owned(), json!(folder));
    }
    shown
}

/// `POST /accounts`.
pub(super) fn add(asked: &Asked<'_>, body: NewAccount) -> Result<Value, Problem> {
    let world = asked.world;
    let config = body.into_config()?;
    let account = world.add_account(config).map_err(|error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Problem::new(400, text)
    })?;
    Ok(show_whole(world, &account))
}

impl NewAccount {
    fn into_config(self) -> Result<AccountConfig, Problem> {
        use NewFamily::{Brand, BrandDirect, Merchant, OfficialAccount};
        let family = self.family;
        let is_pay = family != OfficialAccount;
        for (field, given, wanted) in [
            (
                "mchid",
                self.mchid.is_some(),
                matches!(family, Merchant | Brand),
            ),
            (
                "brand_id",
                self.brand_id.is_some(),
                matches!(family, Brand | BrandDirect),
            ),
            ("apiv3_key", self.apiv3_key.is_some(), is_pay),
            ("app_secret", self.app_secret.is_some(), !is_pay),
            ("certificate_pem", self.certificate_pem.is_some(), is_pay),
            ("public_key_pem", self.public_key_pem.is_some(), is_pay),
        ] {
            if given && !wanted {
                return Err(Problem::field(
                    field,
                    format!("{field}: accounts of this family have none"),
                ));
            }
        }
        if self.certificate_pem.is_some() && self.public_key_pem.is_some() {
            let problem = "public_key_pem: give a certificate or a public key, not both";
            return Err(Problem::field("public_key_pem", problem));
        }
        let mchid = number("mchid", self.mchid)?;
        let brand_id = number("brand_id", self.brand_id)?;
        let appid = self.appid.map(check_appid).transpose()?;
        let mut config = match family {
            Merchant => AccountConfig::merchant(&self.name, &mchid),
            Brand => AccountConfig::brand(&self.name, &mchid, &brand_id),
            BrandDirect => AccountConfig::brand_direct(&self.name, &brand_id),
            OfficialAccount => {
                let made = || format!("wx{:016x}", random::bits());
                AccountConfig::official_account(&self.name, &appid.clone().unwrap_or_else(made))
            }
        };
        if let (true, Some(appid)) = (is_pay, &appid) {
            config = config.with_appid(appid);
        }
        if let Some(key) = &self.apiv3_key {
            config = config.with_apiv3_key(key);
        }
        if let Some(secret) = &self.app_secret {
            if secret.is_empty() {
                return Err(Problem::field(
                    "app_secret",
                    "app_secret: must not be empty",
                ));
            }
            config = config.with_app_secret(secret);
        }
        if let Some(pem) = &self.certificate_pem {
            config = config.with_certificate(pem);
        }
        if let Some(pem) = &self.public_key_pem {
            config = config.with_public_key(pem);
        }
        Ok(config)
    }
}

/// Takes a merchant number or brand id, or makes one.
fn number(field: &'static str, given: Option<String>) -> Result<String, Problem> {
    match given {
        None => Ok(format!("1{}", random::digits(9))),
        Some(text) => {
            let digits =
                (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits {
                Ok(text)
            } else {
                Err(Problem::field(
                    field,
                    format!("{field}: must be 1 to 32 digits"),
                ))
            }
        }
    }
}

fn check_appid(appid: String) -> Result<String, Problem> {
    let plain =
        (1..=32).contains(&appid.len()) && appid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain {
        Ok(appid)
    } else {
        let problem = "appid: must be 1 to 32 ASCII letters and digits";
        Err(Problem::field("appid", problem))
    }
}

/// `DELETE /accounts/{account}`.
pub(super) fn remove(world: &World, name: &str) -> Result<Value, Problem> {
    let account = account(world, name)?;
    if !account.added {
        let problem = format!(
            "`{name}` was there at the start and stays; PATCH /accounts/{name} with {{\"permitted\":false}} takes its permission away"
        );
        return Err(Problem::new(409, problem));
    }
    let removed = world
        .remove_account(name)
        .map_err(|error| Problem::new(500, error.to_string()))?;
    Ok(json!({ "name": name, "removed": removed }))
}

/// Changes permission and key phase.
pub(super) fn change(asked: &Asked<'_>, body: Standing) -> Result<Value, Problem> {
    let account = account(asked.world, asked.part)?;
    if body.permitted.is_none() && body.key_phase.is_none() {
        return Err(Problem::new(400, "give permitted, key_phase or both"));
    }
    if let Some(phase) = body.key_phase {
        let pay = account
            .pay
            .as_ref()
            .ok_or_else(|| Problem::field("key_phase", "official accounts have no keys"))?;
        if account.mchid.is_none() && phase != KeyPhase::PublicKey {
            let problem = "brands that call directly have no platform certificates: public_key is their only phase";
            return Err(Problem::field("key_phase", problem));
        }
        lock(&pay.keyring).phase = phase;
    }
    if let Some(permitted) = body.permitted {
        account.set_permitted(permitted);
    }
    Ok(show(asked.world, &account))
}
