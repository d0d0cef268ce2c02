//! Keys: rotation, revocation.

use kabao_auth::{Certificate, SerialNumber};
use serde_json::{Value, json};

use super::accounts::show;
use super::answer::{Problem, account};
use super::asked::Asked;
use super::request::{Revoke, Rotate, RotatedKey};
use crate::account::{Account, Pay};
use crate::error::StartError;
use crate::keys::{generate_key, public_key_id};
use crate::sync::lock;
use crate::world::World;

/// `POST /keys/rotate`.
pub(super) fn rotate(asked: &Asked<'_>, body: Rotate) -> Result<Value, Problem> {
    let world = asked.world;
    let account = account(world, &body.account)?;
    let pay = keys_of(&account)?;
    if body.signs.is_some() && body.key != RotatedKey::PlatformCertificate {
        let problem = "signs: only a new platform_certificate signs at once or later";
        return Err(Problem::field("signs", problem));
    }
    let of_platform = matches!(
        body.key,
        RotatedKey::PlatformCertificate | RotatedKey::SignWithNewest
    );
    if of_platform && account.mchid.is_none() {
        let problem = "key: brands that call directly have no platform certificates";
        return Err(Problem::field("key", problem));
    }
    let id = make(world, &account, pay, &body).map_err(internal)?;
    if let Some(files) = &world.files {
        files
            .write_account(&account.credentials(&world.base_url))
            .map_err(internal)?;
    }
    Ok(json!({ "id": id, "account": show(world, &account) }))
}

fn make(
    world: &World,
    account: &Account,
    pay: &Pay,
    body: &Rotate,
) -> Result<Option<String>, StartError> {
    let owner = account
        .mchid
        .as_deref()
        .or(account.brand_id.as_deref())
        .unwrap_or_default();
    let now = world.time.base();
    let id = match body.key {
        RotatedKey::SignWithNewest => {
            lock(&pay.keyring).sign_with_newest();
            return Ok(None);
        }
        RotatedKey::PlatformCertificate => {
            let key = generate_key()?;
            let certificate = world
                .api_authority
                .issue_api("Tenpay.com sign", &key, now)?;
            keep(world, account, "platform_key.pem", &key)?;
            keep(world, account, "platform_cert.pem", &certificate)?;
            lock(&pay.keyring)
                .add_platform(&certificate, &key, body.signs.unwrap_or(true))?
                .to_string()
        }
        RotatedKey::PublicKey => {
            let key = generate_key()?;
            keep(world, account, "public_key_private.pem", &key)?;
            lock(&pay.keyring)
                .replace_public_key(&public_key_id(owner), &key)?
                .to_string()
        }
        RotatedKey::ClientCertificate => {
            let key = generate_key()?;
            let pem = world.api_authority.issue_api(owner, &key, now)?;
            let certificate = Certificate::from_pem(&pem)
                .map_err(|source| StartError::key("the new certificate", source))?;
            let serial_no = certificate.serial().to_string();
            lock(&pay.keyring).add_client(certificate);
            let mut client = lock(&pay.client);
            client.private_key_pem = Some(key);
            client.certificate_pem = pem;
            client.serial_no.clone_from(&serial_no);
            serial_no
        }
    };
    Ok(Some(id))
}

/// Keeps a key of the platform for the next run; the newest wins.
fn keep(world: &World, account: &Account, name: &str, content: &str) -> Result<(), StartError> {
    match &world.files {
        Some(files) => files.write_own(&format!("{}/{name}", account.name), content),
        None => Ok(()),
    }
}

/// `POST /keys/revoke`.
pub(super) fn revoke(asked: &Asked<'_>, body: Revoke) -> Result<Value, Problem> {
    set_revoked(asked.world, &body, true)
}

/// `POST /keys/restore`.
pub(super) fn restore(asked: &Asked<'_>, body: Revoke) -> Result<Value, Problem> {
    set_revoked(asked.world, &body, false)
}

fn set_revoked(world: &World, body: &Revoke, revoked: bool) -> Result<Value, Problem> {
    let account = account(world, &body.account)?;
    let serial = body
        .serial_no
        .as_deref()
        .map(|text| text.parse::<SerialNumber>())
        .transpose()
        .map_err(|error| Problem::field("serial_no", error.to_string()))?;
    let found = lock(&keys_of(&account)?.keyring).set_revoked(serial.as_ref(), revoked);
    if found == 0 {
        return Err(Problem::field(
            "serial_no",
            "the account has no such certificate",
        ));
    }
    Ok(show(world, &account))
}

fn keys_of(account: &Account) -> Result<&Pay, Problem> {
    account
        .pay
        .as_deref()
        .ok_or_else(|| Problem::field("account", "official accounts have no keys"))
}

fn internal(error: StartError) -> Problem {
    Problem::new(500, error.to_string())
}
