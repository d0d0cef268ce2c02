//! Writes `crates/models/src/generated`: declarations, which `kabao-derive` makes into tables.

mod field;
mod operation;

use std::collections::BTreeSet;

use crate::catalogue::{Catalogue, Enumeration, Field, Kind, Message, Notification, Row, Use};
use crate::output::Output;
use crate::text::{MARK, comment, literal, pascal, rustdoc, sentence};

const ROOT: &str = "crates/models/src/generated";

/// Writes the modules of one family.
pub(crate) fn write(catalogue: &Catalogue, output: &mut Output) {
    let folder = format!("{ROOT}/{}", catalogue.family);
    for resource in catalogue.resources() {
        output.add(
            format!("{folder}/{resource}.rs"),
            resource_module(catalogue, resource),
        );
    }
    output.add(format!("{folder}/types.rs"), types_module(catalogue));
    output.add(
        format!("{folder}/notifications.rs"),
        notifications_module(catalogue),
    );
    output.add(
        format!("{folder}/errors.rs"),
        operation::errors_module(catalogue),
    );
    output.add(format!("{folder}.rs"), family_module(catalogue));
}

/// Writes the module that holds the families.
pub(crate) fn write_root(catalogues: &[Catalogue], output: &mut Output) {
    let families: String = catalogues
        .iter()
        .map(|catalogue| format!("pub mod {};\n", catalogue.family))
        .collect();
    let root = format!(
        "{MARK}//! The families, generated from the catalogue.\n\n{families}\nmod endpoints;\npub(crate) mod refusals;\n"
    );
    output.add(format!("{ROOT}.rs"), root);
}

fn family_module(catalogue: &Catalogue) -> String {
    let title = comment("//!", &sentence(&rustdoc(&catalogue.title)));
    let hosts = match &catalogue.backup_base_url {
        Some(backup) => format!("Hosts: `{}`, `{backup}`.", catalogue.base_url),
        None => format!("Host: `{}`.", catalogue.base_url),
    };
    let mut modules = catalogue.resources();
    modules.extend(["notifications", "types"]);
    modules.sort_unstable();
    let modules: String = modules
        .iter()
        .map(|module| format!("pub mod {module};\n"))
        .collect();
    let operations: String = catalogue
        .operations
        .iter()
        .map(|operation| {
            let constant = operation::constant(operation);
            format!("&{}::{constant},\n", operation.resource)
        })
        .collect();
    format!(
        "{MARK}{title}//!\n//! {hosts}\n\nmod errors;\n{modules}\n\
         pub use self::notifications::Notification;\npub use self::types::*;\n\n\
         /// Every operation of the family, in the order of the catalogue.\n\
         pub static OPERATIONS: &[&crate::Operation] = &[\n{operations}];\n"
    )
}

fn resource_module(catalogue: &Catalogue, resource: &str) -> String {
    let operations: String = catalogue
        .operations_of(resource)
        .map(|operation| operation::request(catalogue, operation))
        .collect();
    let imports = imports(&used_types(catalogue, resource));
    let messages = messages(catalogue, resource);
    let mut rows = catalogue.operations_of(resource).flat_map(|o| &o.rows);
    let errors = match rows.any(|row| !matches!(row, Row::Own(_))) {
        true => "use super::errors::*;\n",
        false => "",
    };
    format!(
        "{MARK}//! The resource `{resource}`: its operations and the messages that only it uses.\n\n\
         {errors}{imports}{operations}{messages}"
    )
}

fn types_module(catalogue: &Catalogue) -> String {
    let enums: String = catalogue
        .enums
        .0
        .iter()
        .map(|(name, enumeration)| enum_type(name, enumeration))
        .collect();
    let imports = imports(&BTreeSet::new());
    let messages = messages(catalogue, "types");
    format!(
        "{MARK}//! Enumerations and the messages that several resources share.\n\n{imports}{enums}{messages}"
    )
}

fn notifications_module(catalogue: &Catalogue) -> String {
    let rows: String = catalogue.notifications.iter().map(notification).collect();
    let mut used = used_types(catalogue, "notifications");
    let payloads = catalogue.notifications.iter().map(|n| &n.payload);
    used.extend(
        payloads
            .filter(|payload| catalogue.module_of(payload) == "types")
            .cloned(),
    );
    let imports = imports(&used);
    let messages = messages(catalogue, "notifications");
    format!(
        "{MARK}//! Notifications: what WeChat pushes to the merchant.\n\n{imports}\
         notifications! {{\n{rows}}}\n\n{messages}"
    )
}

/// One row of `notifications!`, which `rustfmt` leaves as it is.
fn notification(notification: &Notification) -> String {
    let notes: String = notification
        .notes
        .iter()
        .map(|note| {
            let note = comment("    ///", &sentence(&rustdoc(note)));
            format!("    ///\n{note}")
        })
        .collect();
    let pages: Vec<String> = notification.docs.iter().map(|page| literal(page)).collect();
    format!(
        "{notes}    {} {} {}({}) {} [{}];\n",
        literal(&notification.event_type),
        literal(&notification.original_type),
        pascal(&notification.event_type),
        notification.payload,
        literal(&notification.title),
        pages.join(", ")
    )
}

/// Names from `types` that the module of `resource` needs.
fn used_types(catalogue: &Catalogue, resource: &str) -> BTreeSet<String> {
    let answers = catalogue.operations_of(resource).map(|o| o.answer.as_str());
    let requests = catalogue.operations_of(resource).flat_map(|o| &o.request);
    let messages = catalogue.messages_of(resource).flat_map(|(_, m)| &m.fields);
    let kinds = requests.chain(messages).map(Field::kind);
    let names = kinds.filter_map(|kind| match kind {
        Kind::Enumeration(name) | Kind::Message(name) => Some(name),
        _ => None,
    });
    names
        .chain(answers)
        .filter(|name| !name.is_empty() && catalogue.module_of(name) == "types")
        .map(str::to_owned)
        .collect()
}

fn imports(types: &BTreeSet<String>) -> String {
    let names = Vec::from_iter(types.iter().map(String::as_str)).join(", ");
    let types = match names.as_str() {
        "" => String::new(),
        names => format!("use super::types::{{{names}}};\n"),
    };
    format!("{types}use crate::prelude::*;\n\n")
}

/// Writes an enumeration, which `rustfmt` leaves as it is.
fn enum_type(name: &str, enumeration: &Enumeration) -> String {
    let doc = comment("    ///", &sentence(&rustdoc(&enumeration.doc)));
    let values: String = enumeration
        .values
        .iter()
        .map(|value| {
            format!(
                "{}        {} {} = {},\n",
                comment("        ///", &sentence(&rustdoc(&value.doc))),
                value.number,
                pascal(&value.wire),
                literal(&value.wire)
            )
        })
        .collect();
    format!("open_enum! {{\n{doc}    {name} {{\n{values}    }}\n}}\n\n")
}

fn messages(catalogue: &Catalogue, resource: &str) -> String {
    catalogue
        .messages_of(resource)
        .map(|(name, message)| message_type(catalogue, name, message))
        .collect()
}

fn message_type(catalogue: &Catalogue, name: &str, message: &Message) -> String {
    let mut operations = catalogue.operations.iter();
    let attribute = match operations.any(|operation| operation.answer == name) {
        true => "answer",
        false => "message",
    };
    let usage = match message.used {
        Use::Request => "request",
        Use::Answer => "answer",
        Use::Both => "both",
    };
    let doc = comment("///", &sentence(&rustdoc(&message.doc)));
    let fields: String = message
        .fields
        .iter()
        .map(|field| field::declaration(field, field.number, ""))
        .collect();
    format!("{doc}#[{attribute}({usage})]\npub struct {name} {{\n{fields}}}\n\n")
}
