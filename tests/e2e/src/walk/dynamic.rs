//! Calls of a method by its descriptor, with JSON in and out.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use prost_reflect::{FieldDescriptor, ReflectMessage as _, Value as Held};
use serde_json::{Map, Value, json};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// Calls a method whose answer is a single message. A file goes in two chunks.
pub(super) async fn call(
    channel: Channel,
    method: &MethodDescriptor,
    request: DynamicMessage,
) -> Result<Response<DynamicMessage>, Status> {
    let service = method.parent_service();
    let path = format!("/{}/{}", service.full_name(), method.name());
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec = Described(method.output());
    let path = path.parse().unwrap();
    if method.is_client_streaming() {
        let chunks = tokio_stream::iter(in_chunks(request));
        return grpc
            .client_streaming(Request::new(chunks), path, codec)
            .await;
    }
    grpc.unary(Request::new(request), path, codec).await
}

/// The first half of a file with all that is said about it, and the rest.
fn in_chunks(mut request: DynamicMessage) -> [DynamicMessage; 2] {
    const CONTENT: &str = "content";
    let mut rest = DynamicMessage::new(request.descriptor());
    let content = match request.get_field_by_name(CONTENT).unwrap().as_ref() {
        Held::Bytes(content) => content.clone(),
        other => panic!("the content of a file is bytes, not {other:?}"),
    };
    let half = content.len() / 2;
    request.set_field_by_name(CONTENT, Held::Bytes(content.slice(..half)));
    rest.set_field_by_name(CONTENT, Held::Bytes(content.slice(half..)));
    [request, rest]
}

/// Reads and writes messages by their descriptors; the answer has this one.
struct Described(MessageDescriptor);

impl Codec for Described {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(self.0.clone())
    }

    fn decoder(&mut self) -> Self {
        Self(self.0.clone())
    }
}

impl Encoder for Described {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).unwrap();
        Ok(())
    }
}

impl Decoder for Described {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        Ok(Some(
            DynamicMessage::decode(self.0.clone(), buffer).unwrap(),
        ))
    }
}

/// The name of a member in our protos.
pub(super) fn snake(wire: &str) -> String {
    let mut name = String::new();
    for letter in wire.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Makes a message of what WeChat calls its members. A member that the message has not fails the test; `null` is left
/// out.
pub(super) fn message(descriptor: &MessageDescriptor, members: &Value) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for (wire, value) in members.as_object().unwrap() {
        let field = descriptor
            .get_field_by_name(&snake(wire))
            .unwrap_or_else(|| panic!("{} has no `{wire}`", descriptor.full_name()));
        if !value.is_null() {
            message.set_field(&field, held(&field, value));
        }
    }
    message
}

fn held(field: &FieldDescriptor, value: &Value) -> Held {
    if field.is_map() {
        let texts = value.as_object().unwrap().iter();
        return Held::Map(
            texts
                .map(|(name, text)| {
                    let name = prost_reflect::MapKey::String(name.clone());
                    (name, Held::String(text.as_str().unwrap().to_owned()))
                })
                .collect(),
        );
    }
    match value {
        Value::Array(bytes) if matches!(field.kind(), Kind::Bytes) => Held::Bytes(
            bytes
                .iter()
                .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
                .collect(),
        ),
        Value::Array(values) => {
            assert!(field.is_list(), "{} is no list", field.full_name());
            Held::List(values.iter().map(|value| single(field, value)).collect())
        }
        value => single(field, value),
    }
}

fn single(field: &FieldDescriptor, value: &Value) -> Held {
    let fits = match field.kind() {
        Kind::String => value.as_str().map(|text| Held::String(text.to_owned())),
        // Some numbers are texts in WeChat's JSON.
        Kind::Int64 => value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .map(Held::I64),
        Kind::Bool => value.as_bool().map(Held::Bool),
        Kind::Enum(kind) => value
            .as_str()
            .map(|text| Held::EnumNumber(number(&kind, text))),
        Kind::Message(kind) => Some(Held::Message(message(&kind, value))),
        _ => None,
    };
    fits.unwrap_or_else(|| panic!("{value} is no value of {}", field.full_name()))
}

/// What the names of all values of an enum begin with.
fn prefix(kind: &EnumDescriptor) -> String {
    let zero = kind.default_value();
    zero.name().strip_suffix("UNSPECIFIED").unwrap().to_owned()
}

fn number(kind: &EnumDescriptor, wire: &str) -> i32 {
    let prefix = prefix(kind);
    let wire = wire.to_uppercase();
    // Words that the name of the enum and WeChat's own share are said once.
    let shared = |at: usize| {
        let rest = wire.strip_prefix(prefix.get(at..)?.trim_end_matches('_'))?;
        kind.get_value_by_name(&format!("{prefix}{}", rest.trim_start_matches('_')))
    };
    kind.get_value_by_name(&format!("{prefix}{wire}"))
        .or_else(|| (0..prefix.len()).find_map(shared))
        .unwrap_or_else(|| panic!("{} has no {wire}", kind.full_name()))
        .number()
}

/// Shows a message as WeChat would, with the names of our protos.
pub(super) fn shown(message: &DynamicMessage) -> Value {
    // A field that cannot tell 0 from absent is there.
    let is_plain =
        |field: &FieldDescriptor| !field.supports_presence() && !field.is_list() && !field.is_map();
    let descriptor = message.descriptor();
    let members: Map<String, Value> = descriptor
        .fields()
        .filter(|field| message.has_field(field) || is_plain(field))
        .map(|field| {
            (
                field.name().to_owned(),
                show(&field, &message.get_field(&field)),
            )
        })
        .collect();
    Value::Object(members)
}

fn show(field: &FieldDescriptor, value: &Held) -> Value {
    match value {
        Held::List(values) => values.iter().map(|value| show(field, value)).collect(),
        Held::Map(values) => {
            let texts = values
                .iter()
                .map(|(name, text)| (name.as_str().unwrap().to_owned(), show(field, text)));
            Value::Object(texts.collect())
        }
        Held::Message(message) => shown(message),
        Held::String(text) => json!(text),
        Held::I64(number) => json!(number),
        Held::Bool(truth) => json!(truth),
        Held::EnumNumber(number) => {
            let Kind::Enum(kind) = field.kind() else {
                panic!("{} is no enum", field.full_name());
            };
            wire(&kind, *number)
        }
        other => panic!("{}: {other:?}", field.full_name()),
    }
}

/// The value of an enum as WeChat writes it; ours says words once that WeChat's repeats.
fn wire(kind: &EnumDescriptor, number: i32) -> Value {
    static CATALOGUES: LazyLock<[(&str, Value); 3]> = LazyLock::new(|| {
        [
            (
                "kabao.merchant.v1",
                include_str!("../../../../crates/models/catalogue/merchant.json"),
            ),
            (
                "kabao.brand.v1",
                include_str!("../../../../crates/models/catalogue/brand.json"),
            ),
            (
                "kabao.officialaccount.v1",
                include_str!("../../../../crates/models/catalogue/official_account.json"),
            ),
        ]
        .map(|(package, json)| (package, serde_json::from_str(json).unwrap()))
    });
    let package = kind.parent_file().package_name().to_owned();
    let (_, catalogue) = CATALOGUES
        .iter()
        .find(|(known, _)| *known == package)
        .unwrap();
    let values = catalogue["enums"][kind.name()]["values"]
        .as_array()
        .unwrap();
    let value = values.iter().find(|value| value["number"] == number);
    value.unwrap_or_else(|| panic!("{} has no {number}", kind.full_name()))["wire"].clone()
}
