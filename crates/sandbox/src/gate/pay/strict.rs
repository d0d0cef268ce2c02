//! JSON to the letter of the conventions: what a lenient parser would let pass.

use serde_json::Value;

/// What is wrong with a document, and where: a JSON pointer.
pub(super) struct Flaw {
    pub(super) pointer: String,
    pub(super) kind: FlawKind,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlawKind {
    /// `null` is not one of the JSON types of the service.
    Null,
    /// A character beyond three bytes of UTF-8, such as an emoji.
    Supplementary,
}

/// Finds the first flaw of a document.
pub(super) fn first_flaw(document: &Value) -> Option<Flaw> {
    walk(document, &mut String::new())
}

fn walk(value: &Value, pointer: &mut String) -> Option<Flaw> {
    let flaw = |kind, pointer: &String| {
        Some(Flaw {
            pointer: pointer.clone(),
            kind,
        })
    };
    match value {
        Value::Null => flaw(FlawKind::Null, pointer),
        Value::String(text) if text.chars().any(|c| c.len_utf8() > 3) => {
            flaw(FlawKind::Supplementary, pointer)
        }
        Value::Object(members) => members
            .iter()
            .find_map(|(name, member)| below(pointer, name, |pointer| walk(member, pointer))),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            below(pointer, &index.to_string(), |pointer| walk(item, pointer))
        }),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn below<T>(pointer: &mut String, name: &str, look: impl FnOnce(&mut String) -> T) -> T {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(name);
    let found = look(pointer);
    pointer.truncate(length);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_and_emoji_are_found_with_their_place() {
        for (document, expected) in [
            (
                json!({"a": {"b": [1, null]}}),
                Some(("/a/b/1", FlawKind::Null)),
            ),
            (
                json!({"level": "金卡🎉"}),
                Some(("/level", FlawKind::Supplementary)),
            ),
            (json!({"level": "金卡", "n": [true, "é"]}), None),
        ] {
            let found = first_flaw(&document);
            assert_eq!(
                found
                    .as_ref()
                    .map(|flaw| (flaw.pointer.as_str(), flaw.kind)),
                expected
            );
        }
    }
}
