//! `GET /state`: templates and members of all families.

use kabao_models::Family;
use serde_json::{Map, Value};

use super::families;
use crate::clock;
use crate::world::World;

/// Returns what one family holds, or all of them. It shows personal data in clear: the control API
/// is for the machine of a developer.
pub(crate) fn state(world: &World, family: Option<Family>) -> Value {
    let mut shown = Map::new();
    shown.insert("now".to_owned(), clock::rfc3339(world.now()).into());
    for one in families::ALL {
        if family.is_none_or(|family| family == one) {
            shown.insert(one.as_str().to_owned(), families::of(one).state(world));
        }
    }
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::demo::{BRAND_CARD, BRAND_CODE};
    use crate::official_account::testing::Site;

    #[test]
    fn each_family_shows_what_it_describes_and_sensitive_members_in_clear() {
        let site = Site::new();
        let shown = state(&site.world, None);
        for one in families::ALL {
            let parts = families::of(one).parts();
            let members = shown[one.as_str()].as_object().unwrap();
            assert_eq!(members.len(), parts.len(), "{one}");
            for (name, _) in parts {
                assert!(members.contains_key(name), "{one}: {name}");
            }
        }
        let brand = &state(&site.world, Some(Family::Brand))["brand"];
        assert_eq!(brand["templates"][0]["card"]["card_id"], BRAND_CARD);
        let card = &brand["members"][0]["card"];
        assert_eq!(card["user_card_code"], BRAND_CODE);
        assert_eq!(card["phone_number"], json!("13800000000"));
    }
}
