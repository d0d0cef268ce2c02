//! Whether an answer is about what was asked for.

use std::borrow::Cow;

use crate::operation::Operation;
use crate::record::{Record, Ref};

/// Dynamic codes have so many digits.
const DYNAMIC_CODE_DIGITS: usize = 18;

/// Returns the first member by which an answer shows that it is about something else than was asked
/// for; see [`Operation::subject`].
///
/// A valid signature proves who answered, not what the answer is about: one that belongs to another
/// request of the same account verifies just as well.
pub(crate) fn foreign(
    operation: &Operation,
    request: &dyn Record,
    answer: &dyn Record,
) -> Option<&'static str> {
    operation.subject.iter().find_map(|row| {
        let (name, path) = split(row);
        let asked = named(request.named(name))?;
        // A dynamic code, which a card shows, is answered with the fixed one.
        let is_dynamic = operation.dynamic_code && name == "code" && is_dynamic(&asked);
        let differs = |answered: Cow<'_, str>| answered != asked;
        (!is_dynamic && any(Ref::Object(answer), path, &differs)).then_some(name)
    })
}

/// Splits a row into the name of a field of the request and the path of a member of the answer.
fn split(row: &'static str) -> (&'static str, &'static str) {
    row.split_once('=').unwrap_or_else(|| {
        let name = row.rsplit('.').next().unwrap_or(row);
        (name, row)
    })
}

/// Tells whether a member at the end of `path` names something that `holds`. What is left out says
/// nothing.
fn any(value: Ref<'_>, path: &str, holds: &dyn Fn(Cow<'_, str>) -> bool) -> bool {
    match value {
        Ref::List(list) => (0..list.len()).any(|index| any(list.get(index), path, holds)),
        Ref::Object(record) => {
            let (step, rest) = path.split_once('.').unwrap_or((path, ""));
            any(record.named(step.trim_end_matches("[]")), rest, holds)
        }
        value => named(value).is_some_and(holds),
    }
}

/// Returns what a value names.
fn named(value: Ref<'_>) -> Option<Cow<'_, str>> {
    match value {
        Ref::Text(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Ref::Integer(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

fn is_dynamic(code: &str) -> bool {
    code.len() == DYNAMIC_CODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merchant::{activities, user_cards};
    use crate::operations;

    fn foreign_code(asked: &str, answered: Option<&str>) -> Option<&'static str> {
        let request = user_cards::GetUserCard::new("p1", asked);
        let answer = user_cards::UserCard {
            code: answered.map(Into::into),
            ..Default::default()
        };
        foreign(&user_cards::GET_USER_CARD, &request, &answer)
    }

    #[test]
    fn only_two_names_that_differ_are_foreign() {
        let (one, other) = ("478515832665", "722317683772");
        assert_eq!(foreign_code(one, Some(other)), Some("code"));
        assert_eq!(foreign_code(one, Some(one)), None);
        for nothing in [None, Some("")] {
            assert_eq!(foreign_code(one, nothing), None);
        }
        assert_eq!(foreign_code("", Some(one)), None);
    }

    #[test]
    fn a_number_and_a_text_of_the_same_digits_are_the_same() {
        assert_eq!(named(Ref::Integer(1004)), named(Ref::Text("1004")));
    }

    #[test]
    fn a_dynamic_code_is_answered_with_the_fixed_one() {
        let answered = Some("478515832665");
        assert_eq!(foreign_code("134567890123456789", answered), None);
        for other in ["13456789012345678", "13456789012345678x", "722317683772"] {
            assert_eq!(foreign_code(other, answered), Some("code"), "{other}");
        }
    }

    #[test]
    fn entries_of_lists_are_looked_at() {
        let request = activities::ListActivities {
            card_id: Some("p1".into()),
            ..Default::default()
        };
        let answer = |cards: &[&str]| activities::ListActivitiesResponse {
            data: Some(
                cards
                    .iter()
                    .map(|card_id| activities::Activity {
                        card_id: Some((*card_id).to_owned()),
                        ..Default::default()
                    })
                    .collect(),
            ),
            ..Default::default()
        };
        let compare = |cards| foreign(&activities::LIST_ACTIVITIES, &request, &answer(cards));
        assert_eq!(compare(&[]), None);
        assert_eq!(compare(&["p1", "p1"]), None);
        assert_eq!(compare(&["p1", "p2"]), Some("card_id"));
    }

    #[test]
    fn every_row_of_the_catalogue_leads_to_fields() {
        for operation in operations() {
            for row in operation.subject {
                let (name, path) = split(row);
                assert!(operation.request.field(name).is_some(), "{row}");
                let mut shape = Some(operation.answer);
                for step in path.split('.') {
                    let inside = shape.expect(row);
                    let index = inside.field(step.trim_end_matches("[]")).expect(row);
                    shape = match inside.fields[index].kind {
                        crate::Kind::Object(inner) => Some(inner),
                        _ => None,
                    };
                }
            }
        }
    }
}
