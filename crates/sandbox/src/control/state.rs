//! `GET /state`: templates and members of all families.

use serde_json::{Value, json};

use super::{brand, merchant, official_account};
use crate::clock;
use crate::world::World;

/// Returns everything that the families hold. It shows personal data in clear: the control API is
/// for the machine of a developer.
pub(crate) fn state(world: &World) -> Value {
    json!({
        "now": clock::rfc3339(world.now()),
        "merchant": merchant::state(world),
        "brand": brand::state(world),
        "official_account": official_account::state(world),
    })
}
