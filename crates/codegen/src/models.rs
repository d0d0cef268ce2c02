//! Writes `crates/models/src/generated`.

use std::collections::BTreeSet;

use crate::catalogue::{Catalogue, Enumeration, Field, Kind, Message, Notification, Place};
use crate::models_operation;
use crate::output::Output;
use crate::text::{MARK, comment, ident, literal, pascal, rustdoc, sentence};

const ROOT: &str = "crates/models/src/generated";

/// Writes the modules of one family.
pub(crate) fn write(catalogue: &Catalogue, output: &mut Output) {
    let family = &catalogue.family;
    let mut root = String::from(MARK);
    let hosts = match &catalogue.backup_base_url {
        Some(backup) => format!("Hosts: `{}`, `{backup}`.", catalogue.base_url),
        None => format!("Host: `{}`.", catalogue.base_url),
    };
    root.push_str(&comment("//!", &sentence(&rustdoc(&catalogue.title))));
    root.push_str(&format!("//!\n//! {hosts}\n\n"));
    let resources = catalogue.resources();
    let mut modules: Vec<&str> = resources.clone();
    modules.extend(["notifications", "types"]);
    modules.sort_unstable();
    for module in &modules {
        root.push_str(&format!("pub mod {module};\n"));
    }
    root.push_str("\npub use self::notifications::Notification;\npub use self::types::*;\n\n");
    root.push_str("use crate::Operation;\n\n/// Every operation of the family, in the order of the catalogue.\n");
    root.push_str("pub static OPERATIONS: &[&Operation] = &[\n");
    for operation in &catalogue.operations {
        root.push_str(&format!(
            "&{}::{},\n",
            operation.resource,
            models_operation::constant(operation)
        ));
    }
    root.push_str("];\n");
    output.add(format!("{ROOT}/{family}.rs"), root);

    for resource in &resources {
        output.add(
            format!("{ROOT}/{family}/{resource}.rs"),
            resource_module(catalogue, resource),
        );
    }
    output.add(format!("{ROOT}/{family}/types.rs"), types_module(catalogue));
    output.add(
        format!("{ROOT}/{family}/notifications.rs"),
        notifications_module(catalogue),
    );
}

/// Writes the module that holds the families and the table of all operations.
pub(crate) fn write_root(catalogues: &[Catalogue], output: &mut Output) {
    let mut root = String::from(MARK);
    root.push_str("//! The families, generated from the catalogue.\n\n");
    for catalogue in catalogues {
        root.push_str(&format!("pub mod {};\n", catalogue.family));
    }
    root.push_str("pub(crate) mod refusals;\n");
    root.push_str("\nuse crate::OperationVisitor;\n\n");
    root.push_str("/// Calls `visitor` with the request type of the operation `id`.\n///\n");
    root.push_str("/// Returns `None` if the catalogue has no such operation.\n");
    root.push_str("pub fn visit_operation<V: OperationVisitor>(id: &str, visitor: V) -> Option<V::Output> {\nSome(match id {\n");
    for catalogue in catalogues {
        for operation in &catalogue.operations {
            root.push_str(&format!(
                "{} => visitor.visit::<{}::{}::{}>(),\n",
                literal(&operation.id),
                catalogue.family,
                operation.resource,
                operation.rpc
            ));
        }
    }
    root.push_str("_ => return None,\n})\n}\n");
    output.add("crates/models/src/generated.rs", root);
}

fn resource_module(catalogue: &Catalogue, resource: &str) -> String {
    let mut body = String::new();
    for operation in catalogue.operations_of(resource) {
        body.push_str(&models_operation::request(catalogue, operation));
    }
    for (name, message) in catalogue.messages_of(resource) {
        body.push_str(&message_type(catalogue, name, message));
    }
    let mut objects: Vec<&str> = catalogue
        .operations_of(resource)
        .map(|o| o.rpc.as_str())
        .collect();
    objects.extend(catalogue.messages_of(resource).map(|(name, _)| name));
    body.push_str(&format!("object!({});\n", objects.join(", ")));
    let doc = format!(
        "//! The resource `{resource}`: its operations and the messages that only it uses.\n\n"
    );
    format!(
        "{MARK}{doc}{}{body}",
        imports(&body, &used_types(catalogue, resource))
    )
}

fn types_module(catalogue: &Catalogue) -> String {
    let mut body = String::new();
    for (name, enumeration) in &catalogue.enums.0 {
        body.push_str(&enum_type(name, enumeration));
    }
    let mut objects = Vec::new();
    for (name, message) in catalogue.messages_of("types") {
        body.push_str(&message_type(catalogue, name, message));
        objects.push(name);
    }
    if !objects.is_empty() {
        body.push_str(&format!("object!({});\n", objects.join(", ")));
    }
    format!(
        "{MARK}//! Enumerations and the messages that several resources share.\n\n{}{body}",
        imports(&body, &BTreeSet::new())
    )
}

fn notifications_module(catalogue: &Catalogue) -> String {
    let mut body = String::new();
    body.push_str("/// Every notification type of the family.\npub static NOTIFICATIONS: &[NotificationType] = &[\n");
    for notification in &catalogue.notifications {
        body.push_str(&format!(
            "NotificationType {{ event_type: {}, original_type: {}, title: {}, docs: &{:?} }},\n",
            literal(&notification.event_type),
            literal(&notification.original_type),
            literal(&notification.title),
            notification.docs
        ));
    }
    body.push_str("];\n\n");
    body.push_str("/// A decrypted notification.\n#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\npub enum Notification {\n");
    for notification in &catalogue.notifications {
        let mut doc = format!(
            "`{}`: {}",
            notification.event_type,
            sentence(&rustdoc(&notification.title))
        );
        for note in &notification.notes {
            doc.push_str(&format!("\n\n{}", sentence(&rustdoc(note))));
        }
        body.push_str(&comment("///", &doc));
        body.push_str(&format!(
            "{}(Box<{}>),\n",
            variant(notification),
            notification.payload
        ));
    }
    body.push_str("}\n\nimpl Notification {\n");
    body.push_str("/// Reads the plain text of a notification; `None` if the type is not known.\n///\n/// # Errors\n///\n/// Fails if the text is not one JSON object.\n");
    body.push_str("pub fn parse(event_type: &str, plaintext: &[u8]) -> Result<Option<Self>, DecodeError> {\nSelf::read(event_type, plaintext, &mut Vec::new())\n}\n\n");
    body.push_str("/// The same, and adds what is not as documented to `deviations`; their paths may be logged.\n///\n/// # Errors\n///\n/// Fails if the text is not one JSON object.\n");
    body.push_str("pub fn read(event_type: &str, plaintext: &[u8], deviations: &mut Vec<Deviation>) -> Result<Option<Self>, DecodeError> {\nOk(Some(match event_type {\n");
    for notification in &catalogue.notifications {
        body.push_str(&format!(
            "{} => Self::{}(Box::new(payload(plaintext, deviations)?)),\n",
            literal(&notification.event_type),
            variant(notification)
        ));
    }
    body.push_str("_ => return Ok(None),\n}))\n}\n\n");
    body.push_str("/// Returns the type on the wire.\npub fn event_type(&self) -> &'static str {\nmatch self {\n");
    for notification in &catalogue.notifications {
        body.push_str(&format!(
            "Self::{}(_) => {},\n",
            variant(notification),
            literal(&notification.event_type)
        ));
    }
    body.push_str("}\n}\n\n");
    body.push_str("/// Writes the payload as JSON.\n///\n/// # Errors\n///\n/// Fails if a sensitive field is still plain.\n");
    body.push_str("pub fn to_json(&self) -> Result<Vec<u8>, EncodeError> {\nmatch self {\n");
    for notification in &catalogue.notifications {
        body.push_str(&format!(
            "Self::{}(payload) => json(payload.as_ref()),\n",
            variant(notification)
        ));
    }
    body.push_str("}\n}\n}\n\n");
    body.push_str("impl VisitSensitive for Notification {\nfn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive)) {\nmatch self {\n");
    for notification in &catalogue.notifications {
        body.push_str(&format!(
            "Self::{}(payload) => payload.visit_sensitive(visit),\n",
            variant(notification)
        ));
    }
    body.push_str("}\n}\n}\n\n");
    let mut objects = Vec::new();
    for (name, message) in catalogue.messages_of("notifications") {
        body.push_str(&message_type(catalogue, name, message));
        objects.push(name);
    }
    body.push_str(&format!("object!({});\n", objects.join(", ")));
    let mut used = used_types(catalogue, "notifications");
    for notification in &catalogue.notifications {
        if catalogue.module_of(&notification.payload) == "types" {
            used.insert(notification.payload.clone());
        }
    }
    format!(
        "{MARK}//! Notifications: what WeChat pushes to the merchant.\n\n{}{body}",
        imports(&body, &used)
    )
}

fn variant(notification: &Notification) -> String {
    pascal(&notification.event_type)
}

/// Names from `types` that the module of `resource` needs.
fn used_types(catalogue: &Catalogue, resource: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut add = |name: &str| {
        if catalogue.module_of(name) == "types" && !name.is_empty() {
            used.insert(name.to_owned());
        }
    };
    let mut fields: Vec<&Field> = Vec::new();
    for operation in catalogue.operations_of(resource) {
        add(&operation.answer);
        fields.extend(&operation.request);
    }
    for (_, message) in catalogue.messages_of(resource) {
        fields.extend(&message.fields);
    }
    for field in fields {
        match field.kind() {
            Kind::Enumeration(name) | Kind::Message(name) => add(name),
            _ => {}
        }
    }
    used
}

/// Writes the imports that `body` needs.
fn imports(body: &str, types: &BTreeSet<String>) -> String {
    let mut out = String::new();
    let mentions = |name: &str| {
        body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(|word| word == name)
    };
    let pick = |names: &[&'static str]| {
        names
            .iter()
            .copied()
            .filter(|name| mentions(name))
            .collect::<Vec<_>>()
    };
    if mentions("SerializeMap") {
        out.push_str("use serde::ser::SerializeMap;\n\n");
    }
    if !types.is_empty() {
        let names: Vec<&str> = types.iter().map(String::as_str).collect();
        out.push_str(&format!("use super::types::{{{}}};\n", names.join(", ")));
    }
    let object = pick(&["Members", "Object", "object", "put"]);
    if !object.is_empty() {
        out.push_str(&format!("use crate::object::{{{}}};\n", object.join(", ")));
    }
    let notification = pick(&["NotificationType", "payload", "json"]);
    if notification.contains(&"NotificationType") {
        out.push_str(&format!(
            "use crate::notification::{{{}}};\n",
            notification.join(", ")
        ));
    }
    if mentions("open_enum") {
        out.push_str("use crate::open_enum::open_enum;\n");
    }
    let rest = pick(&[
        "Answer",
        "Body",
        "Check",
        "Checker",
        "DecodeError",
        "Deviation",
        "Effect",
        "EncodeError",
        "Endpoint",
        "Errcode",
        "ErrorRow",
        "Extra",
        "Family",
        "ImageFormat",
        "Limits",
        "Multipart",
        "NoContent",
        "Operation",
        "Params",
        "ParamsIn",
        "Pattern",
        "Personal",
        "RateLimit",
        "Repeat",
        "Scheme",
        "Secret",
        "Sensitive",
        "Subject",
        "Upload",
        "UploadedFile",
        "VisitSensitive",
    ]);
    let is_imported = |name: &&&str| **name != "Answer" || body.contains("impl Answer for");
    let rest: Vec<&str> = rest.iter().filter(is_imported).copied().collect();
    out.push_str(&format!("use crate::{{{}}};\n\n", rest.join(", ")));
    out
}

fn enum_type(name: &str, enumeration: &Enumeration) -> String {
    let mut out = String::from("open_enum! {\n");
    out.push_str(&comment("///", &sentence(&rustdoc(&enumeration.doc))));
    out.push_str(&format!("{name} {{\n"));
    for value in &enumeration.values {
        out.push_str(&comment("///", &sentence(&rustdoc(&value.doc))));
        out.push_str(&format!(
            "{} = {},\n",
            pascal(&value.wire),
            literal(&value.wire)
        ));
    }
    out.push_str("}\n}\n\n");
    out
}

fn message_type(catalogue: &Catalogue, name: &str, message: &Message) -> String {
    let mut out = comment("///", &sentence(&rustdoc(&message.doc)));
    let fields: Vec<&Field> = message.fields.iter().collect();
    out.push_str(&structure(name, &fields));
    out.push_str(&object_impl(name, &fields));
    out.push_str(&check_impl(name, &fields));
    out.push_str(&sensitive_impl(catalogue, name, &fields));
    let is_answer = catalogue
        .operations
        .iter()
        .any(|operation| operation.answer == name);
    if is_answer {
        out.push_str(&format!("impl Answer for {name} {{}}\n\n"));
    }
    out
}

pub(crate) fn structure(name: &str, fields: &[&Field]) -> String {
    let mut out = format!("#[derive(Clone, Debug, Default, PartialEq)]\npub struct {name} {{\n");
    for field in fields {
        out.push_str(&comment("///", &field_doc(field)));
        out.push_str(&format!(
            "pub {}: {},\n",
            ident(&field.name),
            field_type(field)
        ));
    }
    out.push_str("/// Members that the catalogue does not know.\npub extra: Extra,\n}\n\n");
    out
}

/// The documentation of a field: what it is, its limits and how sure that is.
pub(crate) fn field_doc(field: &Field) -> String {
    let mut out = sentence(&rustdoc(&field.doc));
    for limit in limits_in_words(field) {
        out.push(' ');
        out.push_str(&sentence(&rustdoc(&limit)));
    }
    if field.deprecated {
        out.push_str("\n\nOnly older documents have this member.");
    }
    out
}

pub(crate) fn limits_in_words(field: &Field) -> Vec<String> {
    let mut words = Vec::new();
    if field.required {
        words.push("Required".to_owned());
    }
    if let Some(condition) = &field.required_if {
        words.push(format!("Required if {condition}"));
    }
    if let Some(limit) = field.max_chars {
        words.push(format!("At most {limit} characters"));
    }
    if let Some(limit) = field.max_bytes {
        words.push(format!("At most {limit} UTF-8 bytes"));
    }
    if let Some(limit) = field.min_chars {
        words.push(format!("At least {limit} characters"));
    }
    if let Some(limit) = field.min {
        words.push(format!("At least {limit}"));
    }
    if let Some(limit) = field.max {
        words.push(format!("At most {limit}"));
    }
    if let Some(limit) = field.min_items {
        words.push(format!("At least {limit} entries"));
    }
    if let Some(limit) = field.max_items {
        words.push(format!("At most {limit} entries"));
    }
    if !field.values.is_empty() {
        words.push(format!("One of {}", field.values.join(", ")));
    }
    if field.either {
        words.push("Numbers and texts are both read".to_owned());
    }
    if field.unofficial {
        words.push("Not on an official page that could be read".to_owned());
    }
    words
}

pub(crate) fn bare_type(field: &Field) -> String {
    match field.kind() {
        Kind::String => "String".to_owned(),
        Kind::Personal => "Personal".to_owned(),
        Kind::Secret => "Secret".to_owned(),
        Kind::Sensitive => "Sensitive".to_owned(),
        Kind::Integer => "i64".to_owned(),
        Kind::Boolean => "bool".to_owned(),
        Kind::Bytes => "bytes::Bytes".to_owned(),
        Kind::Enumeration(name) | Kind::Message(name) => name.to_owned(),
    }
}

pub(crate) fn field_type(field: &Field) -> String {
    let bare = bare_type(field);
    match (field.place, field.is_list()) {
        (Place::Path, _) => bare,
        (_, true) => format!("Option<Vec<{bare}>>"),
        (_, false) => format!("Option<{bare}>"),
    }
}

/// Fields that stand in the JSON body.
pub(crate) fn members<'a>(fields: &[&'a Field]) -> Vec<&'a Field> {
    fields
        .iter()
        .copied()
        .filter(|field| field.place == Place::Body)
        .collect()
}

pub(crate) fn object_impl(name: &str, fields: &[&Field]) -> String {
    let members = members(fields);
    let names: Vec<String> = members.iter().map(|field| literal(field.wire())).collect();
    let mut out = format!(
        "impl Object for {name} {{\nconst MEMBERS: &'static [&'static str] = &[{}];\n\n",
        names.join(", ")
    );
    if members.is_empty() {
        out.push_str("fn read_member<M: Members>(&mut self, _: &str, _: &mut M) -> Result<bool, M::Error> {\nOk(false)\n}\n\n");
        out.push_str("fn write_members<M: SerializeMap>(&self, _: &mut M) -> Result<(), M::Error> {\nOk(())\n}\n\n");
    } else {
        out.push_str("fn read_member<M: Members>(&mut self, name: &str, members: &mut M) -> Result<bool, M::Error> {\nmatch name {\n");
        for field in &members {
            out.push_str(&format!(
                "{} => self.{} = members.{}()?,\n",
                literal(field.wire()),
                ident(&field.name),
                if field.either { "take_either" } else { "take" }
            ));
        }
        out.push_str("_ => return Ok(false),\n}\nOk(true)\n}\n\n");
        out.push_str(
            "fn write_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {\n",
        );
        for (index, field) in members.iter().enumerate() {
            let end = if index + 1 == members.len() { "" } else { "?;" };
            out.push_str(&format!(
                "put(map, {}, &self.{}){end}\n",
                literal(field.wire()),
                ident(&field.name)
            ));
        }
        out.push_str("}\n\n");
    }
    out.push_str("fn extra(&self) -> &Extra {\n&self.extra\n}\n\nfn extra_mut(&mut self) -> &mut Extra {\n&mut self.extra\n}\n}\n\n");
    out
}

pub(crate) fn check_impl(name: &str, fields: &[&Field]) -> String {
    let mut body = String::new();
    for field in fields {
        if let Some(line) = check_line(field) {
            body.push_str(&line);
        }
    }
    body.push_str("checker.extra(&self.extra);\n");
    format!("impl Check for {name} {{\nfn check(&self, checker: &mut Checker) {{\n{body}}}\n}}\n\n")
}

fn check_line(field: &Field) -> Option<String> {
    if field.place == Place::Path && field.kind() == Kind::Integer {
        return None;
    }
    let limits = limits(field);
    let is_free = limits == "Limits::OPTIONAL";
    let list = field.is_list();
    let method = match (field.kind(), list) {
        (_, _) if field.place == Place::Path => "path",
        (Kind::String | Kind::Personal | Kind::Secret, false) => "text",
        (Kind::String | Kind::Personal | Kind::Secret, true) => "texts",
        (Kind::Sensitive, false) => "sensitive",
        (Kind::Sensitive, true) => "sensitives",
        (Kind::Integer, false) => "integer",
        (Kind::Integer, true) => "integers",
        (Kind::Boolean | Kind::Bytes, _) => "present",
        (Kind::Enumeration(_), false) => "enumeration",
        (Kind::Enumeration(_), true) => "enumerations",
        (Kind::Message(_), false) => "object",
        (Kind::Message(_), true) => "objects",
    };
    let walks = matches!(
        field.kind(),
        Kind::Enumeration(_)
            | Kind::Message(_)
            | Kind::Sensitive
            // Free texts too: their characters are checked, and errors must not quote private ones.
            | Kind::String
            | Kind::Personal
            | Kind::Secret
    );
    if is_free && !walks && method != "path" {
        return None;
    }
    Some(format!(
        "checker.{method}({}, &self.{}, &{limits});\n",
        literal(field.wire()),
        ident(&field.name)
    ))
}

fn limits(field: &Field) -> String {
    let mut out = String::from(if field.required {
        "Limits::REQUIRED"
    } else {
        "Limits::OPTIONAL"
    });
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            out.push_str(&format!(".{name}({value})"));
        }
    };
    add("min_chars", field.min_chars.map(|n| n.to_string()));
    add("chars", field.max_chars.map(|n| n.to_string()));
    add("bytes", field.max_bytes.map(|n| n.to_string()));
    if field.kind() == Kind::Integer {
        add("min", field.min.map(|n| n.to_string()));
        add("max", field.max.map(|n| n.to_string()));
    }
    add("min_items", field.min_items.map(|n| n.to_string()));
    add("max_items", field.max_items.map(|n| n.to_string()));
    add(
        "form",
        field
            .pattern
            .as_deref()
            .map(|p| format!("Pattern::{}", pascal(p))),
    );
    if field.either && matches!(field.kind(), Kind::Enumeration(_)) {
        add("or_number", Some(String::new()));
    }
    if !field.values.is_empty() {
        add("values", Some(format!("&{:?}", field.values)));
    }
    out
}

pub(crate) fn sensitive_impl(catalogue: &Catalogue, name: &str, fields: &[&Field]) -> String {
    let lines: String = fields
        .iter()
        .filter(|field| is_sensitive(catalogue, field))
        .map(|field| format!("self.{}.visit_sensitive(visit);\n", ident(&field.name)))
        .collect();
    if lines.is_empty() {
        return format!("impl VisitSensitive for {name} {{}}\n\n");
    }
    format!(
        "impl VisitSensitive for {name} {{\nfn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive)) {{\n{lines}}}\n}}\n\n"
    )
}

fn is_sensitive(catalogue: &Catalogue, field: &Field) -> bool {
    match field.kind() {
        Kind::Sensitive => true,
        Kind::Message(name) => catalogue.message(name).is_some_and(|message| {
            message
                .fields
                .iter()
                .any(|field| is_sensitive(catalogue, field))
        }),
        _ => false,
    }
}
