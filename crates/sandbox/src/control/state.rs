//! `GET /state`: templates and members of all families.

use kabao_models::Family;
use serde_json::{Map, Value};

use super::{brand, merchant, official_account};
use crate::clock;
use crate::world::World;

/// Returns everything that the families hold. It shows personal data in clear: the control API is
/// for the machine of a developer.
pub(crate) fn state(world: &World) -> Value {
    of(world, None)
}

/// Returns what one family holds, or all of them.
pub(super) fn of(world: &World, family: Option<Family>) -> Value {
    let mut shown = Map::new();
    shown.insert("now".to_owned(), clock::rfc3339(world.now()).into());
    type Show = fn(&World) -> Value;
    let families: [(Family, Show); 3] = [
        (Family::Merchant, merchant::state),
        (Family::Brand, brand::state),
        (Family::OfficialAccount, official_account::state),
    ];
    for (one, show) in families {
        if family.is_none_or(|family| family == one) {
            shown.insert(one.as_str().to_owned(), show(world));
        }
    }
    Value::Object(shown)
}
