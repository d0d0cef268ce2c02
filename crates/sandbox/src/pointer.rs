//! JSON pointers, in which complaints name members.

/// Turns `values[2].name` into `/values/2/name`.
pub(crate) fn of_field(field: &str) -> String {
    let mut pointer = String::with_capacity(field.len() + 1);
    pointer.push('/');
    for character in field.chars() {
        match character {
            '.' | '[' => pointer.push('/'),
            ']' => {}
            other => pointer.push(other),
        }
    }
    pointer
}

/// Returns the pointer of the value in which the JSON text reaches `line` and `column` (both from
/// 1): the member with the wrong type, as far as a parser's position tells.
pub(crate) fn at(text: &[u8], line: usize, column: usize) -> String {
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
    use super::*;

    #[test]
    fn field_paths_become_pointers() {
        assert_eq!(of_field("level"), "/level");
        assert_eq!(
            of_field("user_information.custom_field_list[0].values[2]"),
            "/user_information/custom_field_list/0/values/2"
        );
    }

    #[test]
    fn a_parser_position_leads_to_its_member() {
        let text = "{\"a\": 1,\n \"list\": [\"x,\\\"y\", {\"inner\": tr]}";
        assert_eq!(at(text.as_bytes(), 2, 32), "/list/1/inner");
        assert_eq!(at(b"{\"level\":5}", 1, 11), "/level");
        assert_eq!(at(b"nonsense", 1, 3), "");
    }
}
