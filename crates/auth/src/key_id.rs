//! How WeChat Pay names keys: certificates by serial number, public keys by id.

use std::fmt;
use std::str::FromStr;

use crate::Error;

const PUBLIC_KEY_PREFIX: &str = "PUB_KEY_ID_";

/// A certificate serial number, compared as a number and printed as 40 upper-case hexadecimal digits.
///
/// Some SDKs drop a leading zero or print in lower case; all such spellings are equal here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SerialNumber([u8; 20]);

impl SerialNumber {
    /// Makes a serial number from big-endian bytes, as an X.509 `INTEGER` holds them.
    ///
    /// # Errors
    /// [`Error::InvalidSerialNumber`] for an empty value and for one above 20 bytes.
    pub fn from_be_bytes(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.is_empty() {
            return Err(Error::InvalidSerialNumber);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = bytes.get(zeros..).unwrap_or_default();
        let mut number = [0; 20];
        let start = number
            .len()
            .checked_sub(digits.len())
            .ok_or(Error::InvalidSerialNumber)?;
        if let Some(tail) = number.get_mut(start..) {
            tail.copy_from_slice(digits);
        }
        Ok(Self(number))
    }
}

impl FromStr for SerialNumber {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let significant = text.trim_start_matches('0');
        if text.is_empty() || significant.len() > 40 {
            return Err(Error::InvalidSerialNumber);
        }
        let mut number = [0_u8; 20];
        // Digits are taken from the right, two to a byte.
        let mut digits = significant.bytes().rev();
        for byte in number.iter_mut().rev() {
            let Some(low) = digits.next() else { break };
            let high = digits.next().unwrap_or(b'0');
            *byte = hex_value(high)? << 4 | hex_value(low)?;
        }
        Ok(Self(number))
    }
}

fn hex_value(digit: u8) -> Result<u8, Error> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(Error::InvalidSerialNumber),
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SerialNumber({self})")
    }
}

/// The id of a WeChat Pay public key: `PUB_KEY_ID_` and more, compared as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKeyId(String);

impl PublicKeyId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicKeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.strip_prefix(PUBLIC_KEY_PREFIX) {
            Some(rest) if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Error::InvalidPublicKeyId),
        }
    }
}

impl fmt::Display for PublicKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `Wechatpay-Serial` names: a platform certificate or a WeChat Pay public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyId {
    /// A platform certificate by its serial number.
    Certificate(SerialNumber),
    /// A WeChat Pay public key by its id.
    PublicKey(PublicKeyId),
}

impl FromStr for KeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.starts_with(PUBLIC_KEY_PREFIX) {
            text.parse().map(Self::PublicKey)
        } else {
            text.parse().map(Self::Certificate)
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(serial) => serial.fmt(f),
            Self::PublicKey(id) => id.fmt(f),
        }
    }
}

impl From<SerialNumber> for KeyId {
    fn from(serial: SerialNumber) -> Self {
        Self::Certificate(serial)
    }
}

impl From<PublicKeyId> for KeyId {
    fn from(id: PublicKeyId) -> Self {
        Self::PublicKey(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serial(text: &str) -> SerialNumber {
        text.parse().unwrap()
    }

    #[test]
    fn serial_numbers_compare_as_numbers_and_print_padded() {
        let padded = "0B7D21E69A4F3C8051E7B96D2A40C8F3D5E1760A";
        for spelling in [
            padded,
            &padded[1..],
            &padded.to_lowercase(),
            "000B7D21E69A4F3C8051E7B96D2A40C8F3D5E1760A",
        ] {
            assert_eq!(serial(spelling), serial(padded), "{spelling}");
            assert_eq!(serial(spelling).to_string(), padded, "{spelling}");
        }
        assert!(serial("FF") < serial("0100"));
        assert_eq!(serial("0").to_string(), "0".repeat(40));
        assert_eq!(
            SerialNumber::from_be_bytes(&[0, 1, 0x2a]).unwrap(),
            serial("12A")
        );
        assert_eq!(
            format!("{:?}", serial("1")),
            format!("SerialNumber({}1)", "0".repeat(39))
        );
    }

    #[test]
    fn texts_that_are_no_serial_number_are_refused() {
        for text in ["", " 1", "0x12", "12G4", "会员", "-1", &"1".repeat(41)] {
            assert_eq!(
                text.parse::<SerialNumber>(),
                Err(Error::InvalidSerialNumber),
                "{text:?}"
            );
        }
        assert_eq!(
            SerialNumber::from_be_bytes(&[]),
            Err(Error::InvalidSerialNumber)
        );
        assert_eq!(
            SerialNumber::from_be_bytes(&[1; 21]),
            Err(Error::InvalidSerialNumber)
        );
    }

    #[test]
    fn a_key_id_is_told_by_its_prefix_and_public_key_ids_compare_as_text() {
        let id = |text: &str| text.parse::<KeyId>().unwrap();
        assert_eq!(id("1a"), KeyId::Certificate(serial("1A")));
        assert_ne!(id("PUB_KEY_ID_01"), id("PUB_KEY_ID_1"));
        assert_eq!(id("PUB_KEY_ID_01").to_string(), "PUB_KEY_ID_01");
        for text in ["PUB_KEY_ID_", "PUB_KEY_ID_1 2"] {
            assert_eq!(
                text.parse::<KeyId>(),
                Err(Error::InvalidPublicKeyId),
                "{text}"
            );
        }
    }
}
