//! Laying the members of a change over a record.

use kabao_models::Object;
use serde_json::{Map, Value};

/// Returns `record` with the members that `change` has; what `change` lacks stays, what the record
/// does not know is left out.
///
/// Objects named in `deep` are laid over each other member by member, all others are replaced.
/// `None` means that the two types disagree about a member, which their catalogue rules out.
pub(crate) fn overlay<T: Object, C: Object>(record: &T, change: &C, deep: &[&str]) -> Option<T> {
    let mut known = change.clone();
    *known.extra_mut() = kabao_models::Extra::default();
    let mut target = object(serde_json::to_value(record).ok()?)?;
    for (name, value) in object(serde_json::to_value(known).ok()?)? {
        match (target.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(members))
                if deep.contains(&name.as_str()) =>
            {
                inner.extend(members);
            }
            (_, value) => {
                target.insert(name, value);
            }
        }
    }
    serde_json::from_value(Value::Object(target)).ok()
}

/// Copies the members that two messages share.
pub(crate) fn reduced<T: Object, C: Object>(message: &C) -> Option<T> {
    let mut reduced = overlay(&T::default(), message, &[])?;
    *reduced.extra_mut() = kabao_models::Extra::default();
    Some(reduced)
}

/// Returns the names of the members that a message has.
pub(crate) fn members<C: Object>(message: &C) -> Vec<String> {
    serde_json::to_value(message)
        .ok()
        .and_then(object)
        .map(|members| members.into_iter().map(|(name, _)| name).collect())
        .unwrap_or_default()
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::merchant::cards::{Brand, Card, DateInformation, UpdateCard};

    use super::*;

    #[test]
    fn only_members_of_the_change_change() {
        let card = Card {
            title: Some("茶港会员卡".into()),
            description: Some("旧".into()),
            brand: Some(Brand {
                brand_id: Some("1004".into()),
                ..Brand::default()
            }),
            ..Card::default()
        };
        let change = UpdateCard {
            description: Some("新".into()),
            date_information: Some(DateInformation {
                wait_days_after_receive: Some(3),
                ..DateInformation::default()
            }),
            ..UpdateCard::new("p1")
        };
        let changed = overlay(&card, &change, &[]).unwrap();
        assert_eq!(changed.title, card.title);
        assert_eq!(changed.brand, card.brand);
        assert_eq!(changed.description.as_deref(), Some("新"));
        assert_eq!(
            changed.date_information.unwrap().wait_days_after_receive,
            Some(3)
        );
        assert_eq!(members(&change), ["date_information", "description"]);
    }
}
