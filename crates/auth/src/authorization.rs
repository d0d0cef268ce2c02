//! The `Authorization` header as a server reads it.

use std::fmt;

use crate::freshness::parse_timestamp;
use crate::{AuthenticationError, Scheme, SerialNumber};

/// A well-formed `Authorization` header. Nothing in it is proven yet; see [`authenticate`](crate::authenticate).
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    scheme: Scheme,
    identity: String,
    nonce: String,
    signature: String,
    timestamp: i64,
    timestamp_text: String,
    serial: String,
}

impl Authorization {
    /// Reads the scheme of the header and nothing behind it: what follows means something else in every scheme.
    ///
    /// # Errors
    /// [`AuthenticationError::Malformed`] for an empty header, [`AuthenticationError::UnknownScheme`] for every scheme
    /// that is not WeChat's, such as `Bearer`.
    pub fn scheme_of(header: &str) -> Result<Scheme, AuthenticationError> {
        let token = header.split(' ').next().unwrap_or_default();
        if token.is_empty() {
            return Err(AuthenticationError::Malformed);
        }
        Scheme::from_token(token).ok_or(AuthenticationError::UnknownScheme)
    }

    /// Reads the value of the header: scheme, one blank, five `name="value"` fields in any order, commas between them.
    ///
    /// Fields of other names are passed over.
    ///
    /// # Errors
    /// In the order of the checks: those of [`Authorization::scheme_of`], [`AuthenticationError::Malformed`] for
    /// anything that is not such a list or whose timestamp is not a number, [`AuthenticationError::MissingField`].
    pub fn parse(header: &str) -> Result<Self, AuthenticationError> {
        let scheme = Self::scheme_of(header)?;
        let (_, list) = header
            .split_once(' ')
            .ok_or(AuthenticationError::Malformed)?;
        let fields = read_fields(list).ok_or(AuthenticationError::Malformed)?;
        let field = |name: &'static str| {
            fields
                .iter()
                .find(|(known, value)| *known == name && !value.is_empty())
                .map(|(_, value)| (*value).to_owned())
                .ok_or(AuthenticationError::MissingField(name))
        };
        let identity = field(scheme.identity_field())?;
        let nonce = field("nonce_str")?;
        let signature = field("signature")?;
        let timestamp_text = field("timestamp")?;
        let serial = field("serial_no")?;
        Ok(Self {
            scheme,
            identity,
            nonce,
            signature,
            timestamp: parse_timestamp(&timestamp_text).ok_or(AuthenticationError::Malformed)?,
            timestamp_text,
            serial,
        })
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the merchant number or brand id that the caller claims.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Returns the nonce.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Returns the signature in base64, as sent.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// Returns the time of signing in Unix seconds.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// Returns the timestamp as sent, which is what was signed.
    pub(crate) fn timestamp_text(&self) -> &str {
        &self.timestamp_text
    }

    /// Returns the certificate's serial number; `None` if what was sent cannot be one.
    pub fn serial(&self) -> Option<SerialNumber> {
        self.serial.parse().ok()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("scheme", &self.scheme)
            .field("identity", &self.identity)
            .field("timestamp", &self.timestamp)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

/// Reads `name="value",name="value"`; a repeated name makes the list unreadable.
fn read_fields(list: &str) -> Option<Vec<(&str, &str)>> {
    let mut fields = Vec::new();
    let mut rest = list;
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let repeated = fields.iter().any(|(known, _)| *known == name);
        if name.is_empty() || !name.bytes().all(plain) || repeated {
            return None;
        }
        fields.push((name, value));
        if after.is_empty() {
            return Some(fields);
        }
        rest = after.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 5] = [
        "mchid=\"1900000001\"",
        "nonce_str=\"N\"",
        "signature=\"c2ln\"",
        "timestamp=\"1767225600\"",
        "serial_no=\"1A\"",
    ];

    fn parse(list: &str) -> Result<Authorization, AuthenticationError> {
        Authorization::parse(&format!("WECHATPAY2-SHA256-RSA2048 {list}"))
    }

    #[test]
    fn fields_are_read_in_any_order_and_others_are_passed_over() {
        let mut fields = FIELDS.to_vec();
        fields.reverse();
        fields.push("extra=\"\"");
        let read = parse(&fields.join(",")).unwrap();
        assert_eq!(read, parse(&FIELDS.join(",")).unwrap());
        assert_eq!(
            (read.identity(), read.nonce(), read.signature()),
            ("1900000001", "N", "c2ln")
        );
        assert_eq!(
            (read.scheme(), read.timestamp()),
            (Scheme::Merchant, 1_767_225_600)
        );
        assert_eq!(read.serial(), Some("1A".parse().unwrap()));
    }

    #[test]
    fn every_required_field_is_named_when_it_is_missing() {
        for (missing, name) in ["mchid", "nonce_str", "signature", "timestamp", "serial_no"]
            .iter()
            .enumerate()
        {
            let list: Vec<_> = FIELDS
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != missing)
                .map(|(_, field)| *field)
                .collect();
            assert_eq!(
                parse(&list.join(",")),
                Err(AuthenticationError::MissingField(name)),
                "{name}"
            );
        }
    }

    #[test]
    fn other_texts_are_malformed() {
        let good = FIELDS.join(",");
        for list in [
            String::new(),
            good.replace('"', "'"),
            good.replace(',', ", "),
            good.replace('"', "“"),
            format!("{good},"),
            format!("{good},mchid=\"1\""),
            good.replace("1767225600", "-5"),
            good.replace("mchid", "MCHID"),
            format!(" {good}"),
        ] {
            assert_eq!(parse(&list), Err(AuthenticationError::Malformed), "{list}");
        }
        assert_eq!(
            Authorization::parse(&format!("Bearer {good}")),
            Err(AuthenticationError::UnknownScheme)
        );
        for other in [
            "Bearer abc",
            "Bearer",
            "Basic MTpzZWNyZXQ=",
            "mchid=\"1\"",
            "会员 x",
        ] {
            assert_eq!(
                Authorization::parse(other),
                Err(AuthenticationError::UnknownScheme),
                "{other}"
            );
        }
        for empty in ["", " ", " x", "WECHATPAY2-SHA256-RSA2048"] {
            assert_eq!(
                Authorization::parse(empty),
                Err(AuthenticationError::Malformed),
                "{empty}"
            );
        }
    }

    #[test]
    fn debug_shows_neither_signature_nor_nonce() {
        let text = format!("{:?}", parse(&FIELDS.join(",")).unwrap());
        assert_eq!(
            text,
            "Authorization { scheme: Merchant, identity: \"1900000001\", timestamp: 1767225600, serial: \"1A\", .. }"
        );
    }
}
