//! Access tokens of requests.

use std::sync::Arc;

use super::Refused;
use crate::account::Account;
use crate::exchange::Received;
use crate::sync::lock;
use crate::world::World;

fn token(received: &Received) -> Option<&str> {
    received
        .query()
        .split('&')
        .find_map(|pair| pair.strip_prefix("access_token="))
        .filter(|token| !token.is_empty())
}

/// Returns the account whose token the request carries.
pub(super) fn account(world: &World, received: &Received) -> Result<Arc<Account>, Refused> {
    let token = token(received).ok_or(Refused::TokenMissing)?;
    let now = world.now().as_second();
    let name = lock(&world.tokens).owner(token, now)?;
    world.account(&name).cloned().ok_or(Refused::TokenInvalid)
}

/// Returns the account that a request claims to come from, without checking the claim.
pub(crate) fn claimed_account(world: &World, received: &Received) -> Option<String> {
    lock(&world.tokens).any_owner(token(received)?)
}
