//! Worked requests: a complete command for each method, against the accounts of `kabao dev`.

use serde_json::{Map, Value};

use crate::catalogue::{Catalogue, Field, Kind, Operation, Place};
use crate::text::{enum_value, service_name};

/// The smallest PNG there is, in base64.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// A command to copy, as a fenced block.
pub(crate) fn command(method: &str, request: &str) -> String {
    // A quote would end the argument of the shell.
    let request = request.replace('\'', "\\u0027");
    format!("```sh\ngrpcurl -plaintext -d '{request}' \\\n  localhost:50051 {method}\n```\n")
}

/// The command that calls an operation with the example of its catalogue entry.
pub(crate) fn of_operation(catalogue: &Catalogue, operation: &Operation) -> String {
    let method = format!(
        "kabao.{}.v1.{}/{}",
        catalogue.package(),
        service_name(&operation.resource),
        operation.rpc
    );
    let demo = Demo::of(catalogue, operation);
    let mut members = vec![member(
        "account",
        &text(&format!("accounts/{}", demo.account)),
    )];
    if operation.is_upload() {
        members.push(member("filename", "\"face.png\""));
        members.push(member("content", &text(PICTURE)));
    } else {
        let places = [
            ("path", Place::Path),
            ("query", Place::Query),
            ("body", Place::Body),
        ];
        for (name, place) in places {
            let fields = operation
                .proto_fields()
                .filter(|field| field.place == place);
            if let Some(given) = operation.example(name) {
                let mut given = given.clone();
                // The credentials of an account are the gateway's.
                given.retain(|name, _| !operation.is_credential(name));
                members.extend(demo.members(fields, &given));
            }
        }
    }
    command(&method, &object(&members))
}

/// What the demo data of `kabao dev` calls the things that examples speak of.
struct Demo<'a> {
    catalogue: &'a Catalogue,
    account: &'static str,
    card: &'static str,
    code: &'static str,
}

impl<'a> Demo<'a> {
    fn of(catalogue: &'a Catalogue, operation: &Operation) -> Self {
        let (account, card, code) = match catalogue.family.as_str() {
            "official_account" => (
                "demo-official-account",
                "ph_gmt7cUVrlRk8swPwx7aDyF-pg",
                "916679873278",
            ),
            family => {
                let account = match family {
                    "merchant" => "demo-merchant",
                    _ if operation.id.starts_with("brand_direct.") => "demo-brand-direct",
                    _ => "demo-brand",
                };
                (account, "pbLatjvWOibDc5-TBnbUk1pD12o0", "478515832665")
            }
        };
        Self {
            catalogue,
            account,
            card,
            code,
        }
    }

    /// The members of a message in proto's JSON, in the order of its fields; what has no field goes to `extra`.
    fn members<'f>(
        &self,
        fields: impl Iterator<Item = &'f Field>,
        given: &Map<String, Value>,
    ) -> Vec<String> {
        let mut rest = given.clone();
        let mut members = Vec::new();
        for field in fields {
            let Some(value) = rest.remove(field.wire()) else {
                continue;
            };
            match self.value(field, &value) {
                Some(json) => members.push(member(&field.name, &json)),
                None => {
                    rest.insert(field.wire().to_owned(), value);
                }
            }
        }
        let extra: Vec<String> = rest
            .iter()
            .map(|(name, value)| member(name, &text(&value.to_string())))
            .collect();
        if !extra.is_empty() {
            members.push(member("extra", &object(&extra)));
        }
        members
    }

    /// The value in proto's JSON; `None` if the field cannot hold it.
    fn value(&self, field: &Field, value: &Value) -> Option<String> {
        match value {
            Value::Array(values) if field.is_list() && !values.is_empty() => {
                let values: Option<Vec<String>> = values
                    .iter()
                    .map(|value| self.single(field, value))
                    .collect();
                Some(format!("[{}]", values?.join(", ")))
            }
            _ if field.is_list() => None,
            value => self.single(field, value),
        }
    }

    fn single(&self, field: &Field, value: &Value) -> Option<String> {
        match field.kind() {
            Kind::Enumeration(name) => {
                let wire = value.as_str()?;
                let (_, known) = self.catalogue.enums.0.iter().find(|(key, _)| key == name)?;
                let known = known.values.iter().find(|known| known.wire == wire)?;
                Some(text(&enum_value(name, &known.wire)))
            }
            Kind::Message(name) => {
                let message = self.catalogue.message(name)?;
                Some(object(
                    &self.members(message.fields.iter(), value.as_object()?),
                ))
            }
            Kind::Integer => match value {
                Value::String(digits) => {
                    digits.parse::<i64>().ok().map(|number| number.to_string())
                }
                value => value.as_i64().map(|number| number.to_string()),
            },
            Kind::Boolean => value.as_bool().map(|truth| truth.to_string()),
            // Plain text here; the catalogue has what travels.
            Kind::Sensitive if field.name.contains("phone") => Some(text("13800138000")),
            Kind::Sensitive => Some(text("茶港")),
            Kind::Bytes => None,
            Kind::String | Kind::Personal | Kind::Secret => {
                let given = match value {
                    Value::String(given) => given.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => return None,
                };
                Some(text(self.name(field).unwrap_or(&given)))
            }
        }
    }

    /// Things of the demo in place of an example's.
    fn name(&self, field: &Field) -> Option<&str> {
        match field.name.as_str() {
            _ if field.is_list() => None,
            "card_id" => Some(self.card),
            "code" | "user_card_code" => Some(self.code),
            "brand_id" => Some("1004"),
            "appid" => Some("wxd678efh567hg6787"),
            "openid" => Some("obLatjnx9gnqzS4myYGmLZ7LgLBA"),
            _ => None,
        }
    }
}

fn member(name: &str, json: &str) -> String {
    format!("{}: {json}", text(name))
}

fn object(members: &[String]) -> String {
    format!("{{{}}}", members.join(", "))
}

fn text(text: &str) -> String {
    Value::from(text).to_string()
}
