//! Forms of JSON that other people's SDKs send, brought to the one that the catalogue describes.
//!
//! Serialisers of other languages write absent members as `null` and whole numbers as `2900.0`, and
//! SDKs disagree about which identifiers are numbers. The service is PHP-like about all of that.
//! Everything happens on the text, never through floating point: identifiers have more digits than
//! a double keeps.

use std::fmt;

use bytes::Bytes;
use kabao_models::Endpoint;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;
use serde_json::value::RawValue;

use crate::settings::OfficialAccount;

/// More digits than any integer of the service has; what is longer stays as it is.
const DIGITS: usize = 40;

/// Does to a body what needs no types: members that are `null` go, whole numbers lose their
/// fraction. What is not JSON stays as it is.
pub(super) fn tidied(rules: &OfficialAccount, body: &Bytes) -> Bytes {
    let mut out = String::with_capacity(body.len());
    let written = serde_json::from_slice(body)
        .ok()
        .and_then(|value| write(rules, value, &mut out));
    match written {
        Some(()) => Bytes::from(out),
        None => body.clone(),
    }
}

/// Gives the members of a tidied request of `E` the types that the catalogue has for them. What
/// cannot be brought to them stays as it is, for the reader to refuse.
pub(super) fn typed<E: Endpoint>(rules: &OfficialAccount, body: Bytes) -> Bytes {
    if !rules.accept_number_forms {
        return body;
    }
    serde_json::from_slice(&body)
        .and_then(|raw| E::deserialize(Lenient(raw)))
        .and_then(|request| serde_json::to_vec(&request))
        .map_or(body, Bytes::from)
}

/// Reads a value that a request kept as its text, in the same forms.
pub(super) fn read<T: DeserializeOwned>(rules: &OfficialAccount, json: &str) -> Result<T, Error> {
    if rules.accept_number_forms {
        serde_json::from_str(json).and_then(|raw| T::deserialize(Lenient(raw)))
    } else {
        serde_json::from_str(json)
    }
}

fn write(rules: &OfficialAccount, value: &RawValue, out: &mut String) -> Option<()> {
    let text = value.get();
    match text.as_bytes().first()? {
        b'{' => {
            out.push('{');
            let mut first = true;
            for (name, member) in members(value).ok()? {
                if rules.ignore_null_members && member.get() == "null" {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(&name).ok()?);
                out.push(':');
                write(rules, member, out)?;
            }
            out.push('}');
        }
        b'[' => {
            out.push('[');
            for (index, entry) in entries(value).ok()?.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(rules, entry, out)?;
            }
            out.push(']');
        }
        b'-' | b'0'..=b'9' if rules.accept_number_forms => match integral(text) {
            Some(integer) => out.push_str(&integer),
            None => out.push_str(text),
        },
        _ => out.push_str(text),
    }
    Some(())
}

/// Returns the integer that a number with a fraction or an exponent is, if it is one.
fn integral(number: &str) -> Option<String> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => (true, mantissa),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let point = usize::try_from(point.max(0))
        .ok()
        .filter(|p| *p <= DIGITS)?;
    let rest = digits.get(point..).unwrap_or_default();
    if rest.bytes().any(|digit| digit != b'0') {
        return None;
    }
    digits.truncate(point);
    let missing = point.saturating_sub(digits.len());
    digits.push_str(&"0".repeat(missing));
    Some(match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits if negative => format!("-{digits}"),
        digits => digits.to_owned(),
    })
}

/// The members of an object in their order, repeated ones included.
fn members(object: &RawValue) -> Result<Vec<(String, &RawValue)>, Error> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    object.deserialize_map(Members)
}

fn entries(list: &RawValue) -> Result<Vec<&RawValue>, Error> {
    serde_json::from_str(list.get())
}

/// A value whose reader says what it wants: texts are given to who wants an integer, and numbers to
/// who wants a text, where nothing is lost.
struct Lenient<'de>(&'de RawValue);

impl<'de> Lenient<'de> {
    fn is_number(&self) -> bool {
        self.0
            .get()
            .starts_with(|c: char| c == '-' || c.is_ascii_digit())
    }

    /// Returns the integer that a text is made of.
    fn integer_in_text(&self) -> Option<&'de RawValue> {
        let inner = self.0.get().strip_prefix('"')?.strip_suffix('"')?;
        let digits = inner.strip_prefix('-').unwrap_or(inner);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // Leading zeros are not JSON and stay texts.
        plain.then(|| serde_json::from_str(inner).ok()).flatten()
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.integer_in_text().unwrap_or(self.0).$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Lenient<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.get().as_bytes().first() {
            Some(b'{') => {
                let members = members(self.0)?;
                let members = members
                    .into_iter()
                    .map(|(name, member)| (name, Self(member)));
                visitor.visit_map(MapDeserializer::new(members))
            }
            Some(b'[') => {
                let entries = entries(self.0)?;
                visitor.visit_seq(SeqDeserializer::new(entries.into_iter().map(Self)))
            }
            _ => self.0.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.get() == "null" {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_number() {
            visitor.visit_borrowed_str(self.0.get())
        } else {
            self.0.deserialize_str(visitor)
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    /// Texts that are kept as they are ask for a raw value in this way.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_newtype_struct(name, visitor)
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Lenient<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::official_account::card::{CreateCard, UpdateCard};
    use kabao_models::official_account::member::UpdateUser;
    use kabao_models::official_account::pay_gift_member_card::GetPayGiftMemberCard;
    use serde_json::{Value, json};

    use super::*;

    fn settle<E: Endpoint>(rules: &OfficialAccount, body: &str) -> Value {
        let body = tidied(rules, &Bytes::copy_from_slice(body.as_bytes()));
        serde_json::from_slice(&typed::<E>(rules, body)).unwrap()
    }

    #[test]
    fn whole_numbers_lose_their_fraction_and_keep_every_digit() {
        for (number, expected) in [
            ("2900.0", Some("2900")),
            ("-100.0", Some("-100")),
            ("-0.0", Some("0")),
            ("1.0E7", Some("10000000")),
            ("2.9e+3", Some("2900")),
            ("100e-2", Some("1")),
            ("9007199254740993.00", Some("9007199254740993")),
            ("0.5", None),
            ("12.5", None),
            ("1e-2", None),
            ("1e400", None),
            ("1e99999999999", None),
        ] {
            assert_eq!(integral(number).as_deref(), expected, "{number}");
        }
    }

    #[test]
    fn the_reader_of_a_member_decides_between_text_and_number() {
        let rules = OfficialAccount::default();
        assert_eq!(
            settle::<UpdateUser>(
                &rules,
                r#"{"card_id":"p","code":916679873278,"bonus":"2900","balance":-1.0E2,"custom_field_value1":7,
                    "membership_number":"0017","notify_optional":null}"#,
            ),
            json!({"card_id": "p", "code": "916679873278", "bonus": 2900, "balance": -100,
                "custom_field_value1": "7", "membership_number": "0017"}),
        );
        assert_eq!(
            settle::<GetPayGiftMemberCard>(&rules, r#"{"mchid":1900000109.0}"#),
            json!({"mchid": "1900000109"}),
        );
        let issued_for = |id: Value| json!({"card": {"member_card": {"base_info": {"sub_merchant_info": {"merchant_id": id}}}}});
        for id in [json!(12), json!(12.0), json!("12")] {
            assert_eq!(
                settle::<CreateCard>(&rules, &issued_for(id).to_string()),
                issued_for(json!("12"))
            );
        }
        let stores = |ids: Value| json!({"card_id": "p", "member_card": {"base_info": {"location_id_list": ids}}});
        assert_eq!(
            settle::<UpdateCard>(
                &rules,
                &stores(json!(["123", 9_007_199_254_740_993_i64])).to_string()
            ),
            stores(json!([123, 9_007_199_254_740_993_i64])),
        );
    }

    #[test]
    fn what_fits_no_form_stays_for_the_reader_to_refuse() {
        let rules = OfficialAccount::default();
        for body in [
            json!({"card_id": "p", "code": "1", "bonus": "many"}),
            json!({"card_id": "p", "code": "1", "bonus": 12.5}),
            json!({"card_id": "p", "code": ["1"]}),
            json!({"card_id": "p", "code": true}),
        ] {
            assert_eq!(settle::<UpdateUser>(&rules, &body.to_string()), body);
        }
        let broken = Bytes::from_static(b"{\"a\":");
        assert_eq!(tidied(&rules, &broken), broken);
        assert_eq!(typed::<UpdateUser>(&rules, broken.clone()), broken);
    }

    #[test]
    fn unknown_members_lose_nulls_and_fractions_too() {
        let rules = OfficialAccount::default();
        let body = r#"{"card":{"card_type":"MEMBER_CARD","groupon":null,"later":{"a":null,"b":[1.0,null],"c":"1"}}}"#;
        assert_eq!(
            settle::<CreateCard>(&rules, body),
            json!({"card": {"card_type": "MEMBER_CARD", "later": {"b": [1, null], "c": "1"}}}),
        );
    }

    #[test]
    fn the_settings_keep_every_form_as_it_came() {
        let strict = OfficialAccount {
            accept_number_forms: false,
            ignore_null_members: false,
            ..OfficialAccount::default()
        };
        let body = json!({"card_id": "p", "code": 1, "bonus": 2900.0, "balance": null});
        assert_eq!(settle::<UpdateUser>(&strict, &body.to_string()), body);
    }
}
