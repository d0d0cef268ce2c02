//! Characters that WeChat does not take.

use serde_json::Value;

use crate::family::Family;

/// Which characters the JSON of a family may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Characters {
    /// Those of one to three bytes of UTF-8 (`pay.weixin.qq.com/doc/v3/merchant/4012081709`), but for
    /// U+0000.
    ThreeBytes,
    /// All but U+0000: no page of the official-account family excludes any other.
    All,
}

impl Characters {
    pub(crate) fn of(family: Family) -> Self {
        match family {
            Family::Merchant | Family::Brand => Self::ThreeBytes,
            Family::OfficialAccount => Self::All,
        }
    }

    /// Returns the first character of a text that is refused.
    pub(crate) fn refused(self, text: &str) -> Option<char> {
        text.chars()
            .find(|c| *c == '\0' || (self == Self::ThreeBytes && c.len_utf8() > 3))
    }
}

/// Calls `visit` with every text in a JSON value and its path, names of members included.
pub(crate) fn visit_texts(path: &str, value: &Value, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(path, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit_texts(&format!("{path}[{index}]"), item, visit);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{path}.{name}");
                visit(&path, name);
                visit_texts(&path, member, visit);
            }
        }
        Value::Number(number) => visit(path, &number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_that_is_refused_is_told() {
        use Characters::{All, ThreeBytes};
        for (text, three, all) in [
            ("", None, None),
            ("会员\u{ffff}é\n", None, None),
            ("金卡😀", Some('😀'), None),
            ("𠮷野家", Some('𠮷'), None),
            ("a\0😀", Some('\0'), Some('\0')),
        ] {
            assert_eq!(ThreeBytes.refused(text), three, "{text:?}");
            assert_eq!(All.refused(text), all, "{text:?}");
        }
    }
}
