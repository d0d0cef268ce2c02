//! Writes the pages of the services whose protos are written by hand, from their comments:
//! `docs/reference/kabao.v1.md`, and one for the signatures of official accounts.

use std::collections::BTreeMap;

use protox::prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
    ServiceDescriptor, Value,
};
use serde_json::value::RawValue;

use crate::Error;
use crate::output::Output;
use crate::pages::{MARK, ROOT, escape};
use crate::worked;

/// A page: its file, how it begins, and whether a proto belongs to it.
struct Page {
    file: &'static str,
    head: &'static str,
    holds: fn(&FileDescriptor) -> bool,
}

const PAGES: [Page; 2] = [
    Page {
        file: "kabao.v1.md",
        head: "# `kabao.v1`\n\nThe portable API: what means the same in every family. Protos: \
               [`proto/kabao/v1`](../../proto/kabao/v1). What a family has beyond it stands on the [pages of the \
               families](README.md).\n",
        holds: |file| file.package_name() == "kabao.v1",
    },
    Page {
        file: "officialaccount/client_signature.md",
        head: "# Signatures for pages\n\nWhat a merchant's page passes to `wx.addCard` and `wx.chooseCard`. No HTTP \
               call of WeChat belongs to it, so the catalogue does not list it.\n",
        holds: |file| file.name() == "kabao/officialaccount/v1/client_signature.proto",
    },
];

/// A worked request of each method, as proto's JSON.
const REQUESTS: &str = include_str!("portable_requests.json");

pub(crate) fn write(pool: &DescriptorPool, output: &mut Output) -> Result<(), Error> {
    let requests: BTreeMap<String, Box<RawValue>> = serde_json::from_str(REQUESTS)
        .map_err(|error| Error::new(format!("portable_requests.json: {error}")))?;
    for page in PAGES {
        let files: Vec<FileDescriptor> = pool.files().filter(page.holds).collect();
        let out = written(&page, &files, &requests)?;
        output.add(format!("{ROOT}/{}", page.file), out);
    }
    Ok(())
}

fn written(
    page: &Page,
    files: &[FileDescriptor],
    requests: &BTreeMap<String, Box<RawValue>>,
) -> Result<String, Error> {
    let mut out = format!("{MARK}{}", page.head);
    for service in files.iter().flat_map(FileDescriptor::services) {
        service_section(&service, requests, &mut out)?;
    }
    out.push_str("\n## Messages\n");
    for message in files.iter().flat_map(FileDescriptor::messages) {
        message_section(&message, &mut out);
    }
    let mut kinds = files.iter().flat_map(FileDescriptor::enums).peekable();
    if kinds.peek().is_some() {
        out.push_str("\n## Enumerations\n");
    }
    for kind in kinds {
        enum_section(&kind, &mut out);
    }
    Ok(out)
}

fn service_section(
    service: &ServiceDescriptor,
    requests: &BTreeMap<String, Box<RawValue>>,
    out: &mut String,
) -> Result<(), Error> {
    let doc = comment(&service.parent_file(), service.path());
    out.push_str(&format!("\n## {}\n\n{doc}\n", service.name()));
    for method in service.methods() {
        let stream = |is_stream| if is_stream { "stream " } else { "" };
        out.push_str(&format!(
            "\n### {}\n\n`rpc {}({}{}) returns ({}{})`\n\n{}\n",
            method.name(),
            method.name(),
            stream(method.is_client_streaming()),
            short(method.input().full_name()),
            stream(method.is_server_streaming()),
            short(method.output().full_name()),
            comment(&service.parent_file(), method.path())
        ));
        let name = format!("{}/{}", service.full_name(), method.name());
        let request = requests.get(&name).ok_or_else(|| {
            Error::new(format!(
                "{name} has no worked request in portable_requests.json"
            ))
        })?;
        out.push_str(&format!("\n{}", worked::command(&name, request.get())));
    }
    Ok(())
}

fn message_section(message: &MessageDescriptor, out: &mut String) {
    if message.is_map_entry() {
        return;
    }
    let doc = comment(&message.parent_file(), message.path());
    out.push_str(&format!("\n### {}\n\n{doc}\n", short(message.full_name())));
    if message.fields().next().is_some() {
        out.push_str("\n| field | type | | |\n| --- | --- | --- | --- |\n");
    }
    let mut fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    for field in fields {
        let doc = comment(&message.parent_file(), field.path());
        out.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            field.name(),
            type_of(&field),
            manner(&field),
            escape(&doc.split_whitespace().collect::<Vec<_>>().join(" "))
        ));
    }
    for inner in message.child_messages() {
        message_section(&inner, out);
    }
    for inner in message.child_enums() {
        enum_section(&inner, out);
    }
}

fn enum_section(kind: &EnumDescriptor, out: &mut String) {
    let doc = comment(&kind.parent_file(), kind.path());
    out.push_str(&format!(
        "\n### {}\n\n{doc}\n\n| value | number | |\n| --- | --- | --- |\n",
        short(kind.full_name())
    ));
    for value in kind.values() {
        let doc = comment(&kind.parent_file(), value.path());
        out.push_str(&format!(
            "| `{}` | {} | {} |\n",
            value.name(),
            value.number(),
            escape(&doc.split_whitespace().collect::<Vec<_>>().join(" "))
        ));
    }
}

fn type_of(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(entry) if entry.is_map_entry() => {
            let key = entry.map_entry_key_field();
            let value = entry.map_entry_value_field();
            return format!("map of {} to {}", type_of(&key), type_of(&value));
        }
        Kind::Message(message) => short(message.full_name()).to_owned(),
        Kind::Enum(kind) => short(kind.full_name()).to_owned(),
        scalar => format!("{scalar:?}").to_ascii_lowercase(),
    };
    let list = if field.is_list() { "[]" } else { "" };
    format!("{kind}{list}")
}

/// The option `google.api.field_behavior`, and the choice that a field is one of.
fn manner(field: &FieldDescriptor) -> String {
    let mut words = Vec::new();
    let options = field.options();
    let behaviors = field
        .parent_file()
        .parent_pool()
        .get_extension_by_name("google.api.field_behavior")
        .map(|extension| options.get_extension(&extension).into_owned());
    if let Some(Value::List(values)) = behaviors {
        let number = |value: &Value| value.as_enum_number();
        for number in values.iter().filter_map(number) {
            words.push(match number {
                2 => "required",
                3 => "output only",
                8 => "identifier",
                _ => continue,
            });
        }
    }
    let choice = field
        .containing_oneof()
        .filter(|choice| !choice.is_synthetic())
        .map(|choice| format!("one of `{}`", choice.name()));
    words
        .into_iter()
        .map(str::to_owned)
        .chain(choice)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The comment in front of a thing; paths are those of the descriptor of its file.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|place| place.path == path));
    let text = location.map_or("", |location| location.leading_comments());
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

/// A name without the package of the portable API.
fn short(name: &str) -> &str {
    name.strip_prefix("kabao.v1.").unwrap_or(name)
}
