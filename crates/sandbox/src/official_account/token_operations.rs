//! The two operations that issue access tokens.

use bytes::Bytes;
use kabao_models::official_account::AccessToken;
use kabao_models::official_account::stable_token::GetStableToken;
use kabao_models::official_account::token::GetToken;
use kabao_models::{Answer as _, Endpoint, Secret};

use super::route::Route;
use super::{Inbound, Refused, parameters};
use crate::sync::lock;

/// Returns the operations.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(GetToken::OPERATION, token), Route::new(GetStableToken::OPERATION, stable_token)]
}

fn token(inbound: &Inbound<'_>) -> Result<Bytes, Refused> {
    let request: GetToken = parameters::decode(inbound.received)?;
    let account = authenticate(inbound, &request.appid, &request.secret)?;
    let world = inbound.world;
    let rules = &world.settings().official_account;
    answer(lock(&world.tokens).issue(&account, world.now(), rules)?)
}

fn stable_token(inbound: &Inbound<'_>) -> Result<Bytes, Refused> {
    let request: GetStableToken = parameters::decode(inbound.received)?;
    let account = authenticate(inbound, &request.appid, &request.secret)?;
    let world = inbound.world;
    let rules = &world.settings().official_account;
    let force = request.force_refresh == Some(true);
    answer(lock(&world.tokens).stable(&account, force, world.now(), rules)?)
}

fn authenticate(inbound: &Inbound<'_>, appid: &Option<String>, secret: &Option<Secret>) -> Result<String, Refused> {
    let appid = appid.as_deref().ok_or(Refused::AppidMissing)?;
    let secret = secret.as_ref().ok_or(Refused::SecretMissing)?;
    let account = inbound.world.account_of_appid(appid).ok_or(Refused::AppidInvalid)?;
    if account.app_secret.as_deref() != Some(secret.expose()) {
        return Err(Refused::SecretInvalid);
    }
    Ok(account.name.clone())
}

/// A success has no `errcode` at all.
fn answer((token, lifetime): (String, i64)) -> Result<Bytes, Refused> {
    let answer = AccessToken {
        access_token: Some(token.as_str().into()),
        expires_in: Some(lifetime),
        ..AccessToken::default()
    };
    answer.into_body().map_err(|_| Refused::Busy)
}
