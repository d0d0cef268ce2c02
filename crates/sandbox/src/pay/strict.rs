//! JSON to the letter of the conventions: what a lenient parser would let pass.

use serde_json::Value;

/// What is wrong with a document, and where: a JSON pointer.
pub(crate) struct Flaw {
    pub(crate) pointer: String,
    pub(crate) kind: FlawKind,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlawKind {
    /// `null` is not one of the JSON types of the service.
    Null,
    /// A character beyond three bytes of UTF-8, such as an emoji.
    Supplementary,
}

/// Finds the first flaw of a document.
pub(crate) fn first_flaw(document: &Value) -> Option<Flaw> {
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

/// Returns the pointer of the value in which the JSON text reaches `line` and `column` (both from
/// 1): the member with the wrong type, as far as a parser's position tells.
pub(crate) fn pointer_at(text: &[u8], line: usize, column: usize) -> String {
    let start = text
        .split(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(|line| line.len() + 1)
        .sum::<usize>();
    let end = start.saturating_add(column.saturating_sub(1));
    let mut path: Vec<Level> = Vec::new();
    let mut rest = text.get(..end).unwrap_or(text);
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'{' => path.push(Level::Object {
                name: String::new(),
                in_value: false,
            }),
            b'[' => path.push(Level::Array(0)),
            b'}' | b']' => {
                path.pop();
            }
            b':' => {
                if let Some(Level::Object { in_value, .. }) = path.last_mut() {
                    *in_value = true;
                }
            }
            b',' => match path.last_mut() {
                Some(Level::Object { in_value, .. }) => *in_value = false,
                Some(Level::Array(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let (content, after) = string(rest);
                rest = after;
                if let Some(Level::Object {
                    name,
                    in_value: false,
                }) = path.last_mut()
                {
                    *name = String::from_utf8_lossy(content).into_owned();
                }
            }
            _ => {}
        }
    }
    path.iter()
        .filter_map(|level| match level {
            Level::Object { name, .. } if name.is_empty() => None,
            Level::Object { name, .. } => Some(format!("/{name}")),
            Level::Array(index) => Some(format!("/{index}")),
        })
        .collect()
}

enum Level {
    Object { name: String, in_value: bool },
    Array(usize),
}

/// Splits the rest of a text behind an opening quote at its closing one.
fn string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'"' if !escaped => {
                let (content, rest) = text.split_at_checked(index).unwrap_or((text, b""));
                return (content, rest.get(1..).unwrap_or_default());
            }
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    (text, b"")
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

    #[test]
    fn a_parser_position_leads_to_its_member() {
        let text = "{\"a\": 1,\n \"list\": [\"x,\\\"y\", {\"inner\": tr]}";
        assert_eq!(pointer_at(text.as_bytes(), 2, 32), "/list/1/inner");
        assert_eq!(pointer_at(b"{\"level\":5}", 1, 11), "/level");
        assert_eq!(pointer_at(b"nonsense", 1, 3), "");
    }
}
