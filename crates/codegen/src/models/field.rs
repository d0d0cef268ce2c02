//! Declares a field: what is known of it, as one attribute.

use crate::catalogue::{Field, Kind, Place};
use crate::text::{comment, ident, literal, pascal, rustdoc, sentence};

/// Declares a field; `place` is where it stands, with a comma before it, unless that is the body.
pub(super) fn declaration(field: &Field, tag: u32, place: &str) -> String {
    format!(
        "{}#[field({tag}{place}{})]\npub {}: {},\n",
        comment("///", &field_doc(field)),
        limits(field),
        ident(&field.name),
        field_type(field)
    )
}

/// What a field is and how sure that is; its limits stand in the attribute.
fn field_doc(field: &Field) -> String {
    let mut doc = sentence(&rustdoc(&field.doc));
    if let Some(condition) = &field.required_if {
        doc.push(' ');
        doc.push_str(&sentence(&rustdoc(&format!("Required if {condition}"))));
    }
    if field.unofficial {
        doc.push_str(" Not on an official page that could be read.");
    }
    if field.deprecated {
        doc.push_str(" Only older documents have this member.");
    }
    doc
}

fn limits(field: &Field) -> String {
    let mut out = String::new();
    let mut add = |text: String| out.push_str(&format!(", {text}"));
    if field.wire() != field.name {
        add(format!("wire = {}", literal(field.wire())));
    }
    if field.required && field.place != Place::Path {
        add("required".to_owned());
    }
    if field.either {
        add("either".to_owned());
    }
    let is_integer = field.kind() == Kind::Integer;
    let sizes = [
        ("min_chars", field.min_chars),
        ("chars", field.max_chars),
        ("bytes", field.max_bytes),
        ("min_items", field.min_items),
        ("max_items", field.max_items),
    ];
    let bounds = [("min", field.min), ("max", field.max)].into_iter();
    let bounds = bounds.filter(|_| is_integer);
    for (name, size) in sizes {
        size.into_iter()
            .for_each(|size| add(format!("{name} = {size}")));
    }
    for (name, bound) in bounds {
        bound
            .into_iter()
            .for_each(|bound| add(format!("{name} = {bound}")));
    }
    if let Some(pattern) = &field.pattern {
        add(format!("form = {}", pascal(pattern)));
    }
    if !field.values.is_empty() {
        add(format!("values = {:?}", field.values));
    }
    out
}

fn field_type(field: &Field) -> String {
    let bare = match field.kind() {
        Kind::String => "String",
        Kind::Personal => "Personal",
        Kind::Secret => "Secret",
        Kind::Sensitive => "Sensitive",
        Kind::Integer => "i64",
        Kind::Boolean => "bool",
        Kind::Bytes => "Bytes",
        Kind::Enumeration(name) | Kind::Message(name) => name,
    };
    match (field.place, field.is_list()) {
        (Place::Path, _) => bare.to_owned(),
        (_, true) => format!("Option<Vec<{bare}>>"),
        (_, false) => format!("Option<{bare}>"),
    }
}
