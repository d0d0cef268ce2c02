//! Path and query parameters in both directions.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::endpoint::{DecodeError, EncodeError};
use crate::sensitive::Sensitive;

/// Appends `text` to `out`, everything but `A-Z a-z 0-9 - . _ ~` as upper-case `%XX`.
///
/// WeChat signs the bytes of the request line, so one spelling is used everywhere; a blank is
/// `%20`, never `+`.
pub fn encode_component(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// Decodes `%XX`; a malformed escape stands for itself, as servers commonly do.
fn decode_component(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => match tail {
                [high, low, after @ ..] => match (hex(*high), hex(*low)) {
                    (Some(high), Some(low)) => {
                        bytes.push(high << 4 | low);
                        rest = after;
                    }
                    _ => bytes.push(b'%'),
                },
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Tells whether a path parameter holds the segment `.` or `..` once somebody on the way has
/// decoded it, which proxies do before they route.
pub(crate) fn has_dot_segment(text: &str) -> bool {
    let mut text = Cow::Borrowed(text);
    // Whoever decodes twice is already strange; thrice is beyond reason.
    for _ in 0..3 {
        if text
            .split(['/', '\\'])
            .any(|segment| matches!(segment, "." | ".."))
        {
            return true;
        }
        match decode_component(&text) {
            Some(decoded) if decoded != text => text = Cow::Owned(decoded.into_owned()),
            _ => return false,
        }
    }
    false
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Builds a request target from a path template.
#[derive(Debug)]
pub struct Params {
    rest: &'static str,
    target: String,
    has_query: bool,
    has_plain: bool,
}

impl Params {
    /// Starts at the beginning of `template`.
    pub fn new(template: &'static str) -> Self {
        Self {
            rest: template,
            target: String::with_capacity(128),
            has_query: false,
            has_plain: false,
        }
    }

    /// Fills the next `{...}` of the template.
    pub fn path(&mut self, value: impl AsRef<str>) {
        if let Some((literal, tail)) = self.rest.split_once('{') {
            self.target.push_str(literal);
            encode_component(value.as_ref(), &mut self.target);
            self.rest = tail.split_once('}').map_or("", |(_, after)| after);
        }
    }

    /// Adds a query parameter if it is present.
    pub fn query(&mut self, name: &str, value: &Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.separator();
            encode_component(name, &mut self.target);
            self.target.push('=');
            encode_component(value.as_ref(), &mut self.target);
        }
    }

    /// Adds an integer query parameter if it is present.
    pub fn query_integer(&mut self, name: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.query(name, &Some(value.to_string()));
        }
    }

    /// Adds an encrypted query parameter if it is present.
    pub fn query_sensitive(&mut self, name: &str, value: &Option<Sensitive>) {
        match value {
            Some(Sensitive::Encrypted(text)) => self.query(name, &Some(text)),
            Some(Sensitive::Plain(_)) => self.has_plain = true,
            None => {}
        }
    }

    /// Returns path and query.
    ///
    /// # Errors
    ///
    /// Fails if a sensitive parameter was still plain.
    pub fn finish(mut self) -> Result<String, EncodeError> {
        if self.has_plain {
            return Err(EncodeError::plain());
        }
        self.target.push_str(self.rest);
        Ok(self.target)
    }

    fn separator(&mut self) {
        if self.has_query {
            self.target.push('&');
        } else {
            self.target.push_str(self.rest);
            self.rest = "";
            self.target.push('?');
            self.has_query = true;
        }
    }
}

/// A request as a server received it, already matched against an operation's path.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The path, percent-encoded as received.
    pub path: &'a str,
    /// The query without `?`, percent-encoded as received.
    pub query: &'a str,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Decoded path and query parameters.
#[derive(Debug)]
pub struct ParamsIn<'a> {
    path: std::vec::IntoIter<&'a str>,
    query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> ParamsIn<'a> {
    /// Decodes the parameters of a request whose path matched.
    ///
    /// # Errors
    ///
    /// Fails if a query parameter is not UTF-8.
    pub fn new(path_values: Vec<&'a str>, query: &'a str) -> Result<Self, DecodeError> {
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode_component(name).ok_or_else(|| DecodeError::query(pair))?;
            // A raw `+` is kept: base64 values travel unescaped in WeChat's own samples.
            let value = decode_component(value).ok_or_else(|| DecodeError::query(&name))?;
            pairs.push((name, value));
        }
        Ok(Self {
            path: path_values.into_iter(),
            query: pairs,
        })
    }

    /// Returns the next path parameter.
    ///
    /// # Errors
    ///
    /// Fails if it is not UTF-8.
    pub fn path<T: From<String>>(&mut self, name: &'static str) -> Result<T, DecodeError> {
        let value = self.path.next().unwrap_or_default();
        decode_component(value)
            .map(|value| T::from(value.into_owned()))
            .ok_or_else(|| DecodeError::path(name))
    }

    /// Returns the next path parameter, an integer.
    ///
    /// # Errors
    ///
    /// Fails if it is not an integer.
    pub fn path_integer(&mut self, name: &'static str) -> Result<i64, DecodeError> {
        let text: String = self.path(name)?;
        text.parse().map_err(|_| DecodeError::path_type(name))
    }

    /// Returns a query parameter.
    pub fn query<T: From<String>>(&self, name: &str) -> Option<T> {
        let (_, value) = self.query.iter().find(|(key, _)| key == name)?;
        Some(T::from(value.clone().into_owned()))
    }

    /// Returns an integer query parameter.
    ///
    /// # Errors
    ///
    /// Fails if the value is not an integer.
    pub fn query_integer(&self, name: &'static str) -> Result<Option<i64>, DecodeError> {
        self.query::<String>(name)
            .map(|text| text.parse().map_err(|_| DecodeError::query_type(name)))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_parameter_is_encoded_in_one_spelling() {
        let mut params = Params::new("/cards/{card_id}/codes/{code}");
        params.path("p-1");
        params.path("a/b c+汉");
        params.query("brand_id", &Some("1004"));
        params.query("none", &None::<&str>);
        params.query_integer("limit", Some(20));
        assert_eq!(
            params.finish().unwrap(),
            "/cards/p-1/codes/a%2Fb%20c%2B%E6%B1%89?brand_id=1004&limit=20"
        );
    }

    #[test]
    fn dot_segments_are_found_however_they_are_written() {
        for text in [
            ".",
            "..",
            "%2e",
            "%2E%2e",
            ".%2e",
            "a/../b",
            "a%2F..%2Fb",
            "..\\x",
            "%252e%252E",
        ] {
            assert!(has_dot_segment(text), "{text}");
        }
        for text in [
            "", "a", "a.b", "...", ".a", "a..", "%2ea", "a/b", "%zz", "1.2",
        ] {
            assert!(!has_dot_segment(text), "{text}");
        }
    }

    #[test]
    fn what_was_encoded_decodes_to_itself() {
        let text = "a/b c+汉%zz";
        let mut encoded = String::new();
        encode_component(text, &mut encoded);
        assert_eq!(decode_component(&encoded).unwrap(), text);
    }
}
