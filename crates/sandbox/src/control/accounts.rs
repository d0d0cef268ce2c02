//! Accounts: credentials, permission, key phase.

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Problem, account};
use crate::account::Account;
use crate::keys::KeyPhase;
use crate::sync::lock;
use crate::world::World;

/// Lists all accounts with their credentials.
pub(super) fn list(world: &World) -> Value {
    let accounts: Vec<_> = world
        .accounts
        .iter()
        .map(|account| show(world, account))
        .collect();
    json!({ "accounts": accounts })
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
        "credentials": account.credentials(&world.base_url),
        "permitted": account.is_permitted(),
        "key_phase": account.key_phase(),
        "certificates": certificates,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Standing {
    permitted: Option<bool>,
    key_phase: Option<KeyPhase>,
}

/// Changes permission and key phase.
pub(super) fn change(world: &World, name: &str, body: Standing) -> Result<Value, Problem> {
    let account = account(world, name)?;
    if let Some(phase) = body.key_phase {
        let pay = account
            .pay
            .as_ref()
            .ok_or_else(|| Problem::field("key_phase", "official accounts have no keys"))?;
        lock(&pay.keyring).phase = phase;
    }
    if let Some(permitted) = body.permitted {
        account.set_permitted(permitted);
    }
    Ok(show(world, account))
}
