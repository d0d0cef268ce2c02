//! Where a key is, as RFC 7512 writes it: `pkcs11:token=...;object=...?module-path=...&pin-source=...`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The place of one private key.
///
/// `token` or `serial` says in which token it is, `object` (its label) or `id` which key of the token, `module-path`
/// which library speaks to the token, and `pin-source` in which file the user's PIN is; without that nobody logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUri {
    pub(crate) module: PathBuf,
    pub(crate) token: TokenName,
    pub(crate) object: ObjectName,
    pub(crate) pin_file: Option<PathBuf>,
}

/// What tells a token from others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TokenName {
    pub(crate) label: Option<String>,
    pub(crate) serial: Option<String>,
}

/// What tells a key from others of its token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ObjectName {
    pub(crate) label: Option<String>,
    pub(crate) id: Option<Vec<u8>>,
}

/// Why a text is no place of a private key. It never repeats a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// It does not begin as it should.
    #[error("must begin with `pkcs11:`")]
    Scheme,
    /// An attribute has no value, a broken escape, or bytes that are no text.
    #[error("attribute `{0}` has no readable value")]
    Value(String),
    /// An attribute that nothing here looks at, so that it would promise what is not kept.
    #[error(
        "attribute `{0}` is not supported; known are token, serial, object, id, type=private, module-path and pin-source"
    )]
    Attribute(String),
    /// An attribute stands there twice.
    #[error("attribute `{0}` stands there twice")]
    Twice(&'static str),
    /// The PIN itself is in the text.
    #[error("the PIN does not stand in the URI itself; use `pin-source=file:/path`")]
    PinValue,
    /// Something is missing.
    #[error("needs `{0}`")]
    Missing(&'static str),
}

impl KeyUri {
    /// Makes paths that are relative start from this folder.
    #[must_use]
    pub fn relative_to(mut self, folder: &Path) -> Self {
        self.module = folder.join(&self.module);
        self.pin_file = self.pin_file.map(|file| folder.join(file));
        self
    }

    /// Returns the library that speaks to the token.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// Returns the file with the user's PIN.
    pub fn pin_file(&self) -> Option<&Path> {
        self.pin_file.as_deref()
    }
}

impl FromStr for KeyUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let rest = text.strip_prefix("pkcs11:").ok_or(UriError::Scheme)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut parts = Parts::default();
        for attribute in path.split(';').filter(|part| !part.is_empty()) {
            parts.path(attribute)?;
        }
        for attribute in query.split('&').filter(|part| !part.is_empty()) {
            parts.query(attribute)?;
        }
        if parts.token == TokenName::default() {
            return Err(UriError::Missing("token"));
        }
        if parts.object == ObjectName::default() {
            return Err(UriError::Missing("object"));
        }
        Ok(Self {
            module: parts.module.ok_or(UriError::Missing("module-path"))?,
            token: parts.token,
            object: parts.object,
            pin_file: parts.pin_file,
        })
    }
}

#[derive(Default)]
struct Parts {
    module: Option<PathBuf>,
    token: TokenName,
    object: ObjectName,
    pin_file: Option<PathBuf>,
}

impl Parts {
    fn path(&mut self, attribute: &str) -> Result<(), UriError> {
        let (name, value) = pair(attribute)?;
        match name {
            "token" => once("token", &mut self.token.label, text(name, value)?),
            "serial" => once("serial", &mut self.token.serial, text(name, value)?),
            "object" => once("object", &mut self.object.label, text(name, value)?),
            "id" => once("id", &mut self.object.id, bytes(name, value)?),
            "type" if value == "private" => Ok(()),
            _ => Err(UriError::Attribute(name.to_owned())),
        }
    }

    fn query(&mut self, attribute: &str) -> Result<(), UriError> {
        let (name, value) = pair(attribute)?;
        match name {
            "module-path" => once("module-path", &mut self.module, text(name, value)?.into()),
            "pin-source" => {
                let text = text(name, value)?;
                let path = text.strip_prefix("file:").unwrap_or(&text);
                // As in `file:///run/secrets/pin`.
                let path = path.strip_prefix("//").unwrap_or(path);
                once("pin-source", &mut self.pin_file, path.into())
            }
            "pin-value" => Err(UriError::PinValue),
            _ => Err(UriError::Attribute(name.to_owned())),
        }
    }
}

fn pair(attribute: &str) -> Result<(&str, &str), UriError> {
    match attribute.split_once('=') {
        Some((name, value)) if !value.is_empty() => Ok((name, value)),
        Some((name, _)) => Err(UriError::Value(name.to_owned())),
        // What is no pair may be a value that lost its name.
        None => Err(UriError::Value("?".to_owned())),
    }
}

fn once<T>(name: &'static str, place: &mut Option<T>, value: T) -> Result<(), UriError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(UriError::Twice(name)),
    }
}

fn text(name: &str, value: &str) -> Result<String, UriError> {
    String::from_utf8(bytes(name, value)?).map_err(|_| UriError::Value(name.to_owned()))
}

/// Undoes the percent encoding.
fn bytes(name: &str, value: &str) -> Result<Vec<u8>, UriError> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let byte = match (digit(), digit()) {
            (Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        decoded.push(byte.ok_or_else(|| UriError::Value(name.to_owned()))?);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<KeyUri, UriError> {
        text.parse()
    }

    #[test]
    fn what_rfc_7512_writes_is_read() {
        let uri = parse(
            "pkcs11:token=Shop%20%E5%BA%97;serial=0a1b;type=private;object=wechat-2026;id=%01%ff?module-path=lib/p11.so&pin-source=file:/run/pin",
        )
        .unwrap();
        assert_eq!(uri.token.label.as_deref(), Some("Shop 店"));
        assert_eq!(uri.token.serial.as_deref(), Some("0a1b"));
        assert_eq!(uri.object.label.as_deref(), Some("wechat-2026"));
        assert_eq!(uri.object.id, Some(vec![1, 255]));
        assert_eq!(uri.pin_file(), Some(Path::new("/run/pin")));
        let uri = uri.relative_to(Path::new("/etc/kabao"));
        assert_eq!(uri.module(), Path::new("/etc/kabao/lib/p11.so"));
        assert_eq!(uri.pin_file(), Some(Path::new("/run/pin")));

        for source in ["pin", "file:pin", "file://pin"] {
            let text = format!("pkcs11:token=t;object=o?module-path=m&pin-source={source}");
            assert_eq!(parse(&text).unwrap().pin_file(), Some(Path::new("pin")));
        }
        let without = parse("pkcs11:serial=1;id=%00?module-path=m").unwrap();
        assert_eq!(without.pin_file(), None);
    }

    #[test]
    fn what_cannot_be_kept_is_refused_by_name_and_without_a_value() {
        let rows = [
            ("token=t;object=o", UriError::Scheme),
            ("pkcs11:object=o?module-path=m", UriError::Missing("token")),
            ("pkcs11:token=t?module-path=m", UriError::Missing("object")),
            ("pkcs11:token=t;object=o", UriError::Missing("module-path")),
            (
                "pkcs11:token=t;object=o?module-path=m&pin-value=1234",
                UriError::PinValue,
            ),
            (
                "pkcs11:token=t;token=u;object=o?module-path=m",
                UriError::Twice("token"),
            ),
            (
                "pkcs11:token=t;object=?module-path=m",
                UriError::Value("object".to_owned()),
            ),
            (
                "pkcs11:token=t;object=o;1234?module-path=m",
                UriError::Value("?".to_owned()),
            ),
            (
                "pkcs11:token=%4;object=o?module-path=m",
                UriError::Value("token".to_owned()),
            ),
            (
                "pkcs11:token=%ff;object=o?module-path=m",
                UriError::Value("token".to_owned()),
            ),
            (
                "pkcs11:token=t;object=o;type=public?module-path=m",
                UriError::Attribute("type".to_owned()),
            ),
            (
                "pkcs11:token=t;object=o;slot-id=3?module-path=m",
                UriError::Attribute("slot-id".to_owned()),
            ),
            (
                "pkcs11:token=t;object=o?module-name=m",
                UriError::Attribute("module-name".to_owned()),
            ),
        ];
        for (text, expected) in rows {
            let error = parse(text).unwrap_err();
            assert!(!error.to_string().contains("1234"), "{error}");
            assert_eq!(error, expected, "{text}");
        }
    }
}
