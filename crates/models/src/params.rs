//! Path and query parameters in both directions.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{DecodeError, EncodeError};
use crate::record::{Kind, Place, Record, Ref, Value};
use crate::sensitive::Sensitive;

/// What is written as itself.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Appends `text` to `out`, everything but `A-Z a-z 0-9 - . _ ~` as upper-case `%XX`.
///
/// WeChat signs the bytes of the request line, so one spelling is used everywhere; a blank is
/// `%20`, never `+`.
pub fn encode_component(text: &str, out: &mut String) {
    out.extend(utf8_percent_encode(text, UNRESERVED));
}

/// Decodes `%XX`; a malformed escape stands for itself, as servers commonly do.
fn decode_component(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
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

/// Builds a request target from a path template.
#[derive(Debug)]
pub(crate) struct Params {
    rest: &'static str,
    target: String,
    has_query: bool,
    has_plain: bool,
}

impl Params {
    /// Starts at the beginning of `template`.
    pub(crate) fn new(template: &'static str) -> Self {
        Self {
            rest: template,
            target: String::with_capacity(128),
            has_query: false,
            has_plain: false,
        }
    }

    /// Writes all parameters of a request.
    pub(crate) fn write(&mut self, request: &dyn Record) {
        for (index, field) in request.shape().fields.iter().enumerate() {
            match (field.place, request.get(index)) {
                (Place::Path, Ref::Integer(number)) => self.path(&number.to_string()),
                (Place::Path, value) => self.path(value.text().unwrap_or_default()),
                (Place::Query, Ref::Integer(number)) => self.query(field.name, &number.to_string()),
                (Place::Query, Ref::Sensitive(Sensitive::Encrypted(text))) => {
                    self.query(field.name, text);
                }
                (Place::Query, Ref::Sensitive(Sensitive::Plain(_))) => self.has_plain = true,
                (Place::Query, value) => {
                    if let Some(text) = value.text() {
                        self.query(field.name, text);
                    }
                }
                (Place::Body | Place::Part | Place::Filename, _) => {}
            }
        }
    }

    /// Fills the next `{...}` of the template.
    fn path(&mut self, value: &str) {
        if let Some((literal, tail)) = self.rest.split_once('{') {
            self.target.push_str(literal);
            encode_component(value, &mut self.target);
            self.rest = tail.split_once('}').map_or("", |(_, after)| after);
        }
    }

    /// Adds a query parameter.
    fn query(&mut self, name: &str, value: &str) {
        self.separator();
        encode_component(name, &mut self.target);
        self.target.push('=');
        encode_component(value, &mut self.target);
    }

    /// Returns path and query.
    ///
    /// # Errors
    ///
    /// Fails if a sensitive parameter was still plain.
    pub(crate) fn finish(mut self) -> Result<String, EncodeError> {
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

    /// Reads all parameters of a request.
    ///
    /// # Errors
    ///
    /// Fails if one is not UTF-8, or no integer where one is expected.
    pub(crate) fn read(&mut self, request: &mut dyn Record) -> Result<(), DecodeError> {
        for (index, field) in request.shape().fields.iter().enumerate() {
            let text = match field.place {
                Place::Path => {
                    let value = self.path.next().unwrap_or_default();
                    decode_component(value).ok_or_else(|| DecodeError::path(field.name))?
                }
                Place::Query => match self.find(field.name) {
                    Some(text) => Cow::Borrowed(text),
                    None => continue,
                },
                Place::Body | Place::Part | Place::Filename => continue,
            };
            let value = match field.kind {
                Kind::Integer => match (text.parse(), field.place) {
                    (Ok(number), _) => Value::Integer(number),
                    (Err(_), Place::Path) => return Err(DecodeError::path_type(field.name)),
                    (Err(_), _) => return Err(DecodeError::query_type(field.name)),
                },
                Kind::Sensitive => Value::Sensitive(Sensitive::Encrypted(text.into_owned())),
                _ => Value::Text(text),
            };
            if let Some(slot) = request.slot(index) {
                slot.set(value);
            }
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&str> {
        let (_, value) = self.query.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    /// Returns a query parameter.
    pub fn query<T: From<String>>(&self, name: &str) -> Option<T> {
        Some(T::from(self.find(name)?.to_owned()))
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
        params.query("brand_id", "1004");
        params.query("limit", "20");
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
