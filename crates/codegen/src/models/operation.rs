//! Writes the request type of an operation, its static and its error rows.

use super::field;
use crate::catalogue::{Catalogue, ErrorRow, Field, Kind, Operation, Place, Row, Upload};
use crate::text::{MARK, comment, literal, pascal, rustdoc, screaming, sentence};

/// The name of the static that describes an operation.
pub(super) fn constant(operation: &Operation) -> String {
    screaming(&operation.rpc)
}

/// Writes the error rows that operations of a family share.
pub(super) fn errors_module(catalogue: &Catalogue) -> String {
    let rows: String = catalogue
        .errors
        .0
        .iter()
        .map(|(name, row)| format!("    {name} = {};\n", error_row(row)))
        .collect();
    format!(
        "{MARK}//! Rows of error tables that operations of the family share.\n\n\
         use crate::declaration::shared_rows;\nuse crate::operation::ErrorRow;\n\nshared_rows! {{\n{rows}}}\n\n\
         /// The rows that nearly every operation has.\n\
         pub(super) const COMMON: &[ErrorRow] = &[{}];\n",
        catalogue.common_errors.join(", ")
    )
}

/// Writes everything of an operation.
pub(super) fn request(catalogue: &Catalogue, operation: &Operation) -> String {
    let name = &operation.rpc;
    let constant = constant(operation);
    let steps: String = steps(catalogue, operation)
        .iter()
        .map(|step| format!("    .{step}\n"))
        .collect();
    let pages: String = operation
        .docs
        .iter()
        .map(|page| format!("        {},\n", literal(page)))
        .collect();
    let mut doc = sentence(&rustdoc(&operation.title));
    if let Some(successor) = &operation.superseded_by {
        doc.push_str(&format!(" Superseded by `{successor}`."));
    }
    if let Some(variant) = &operation.variant_of {
        doc.push_str(&format!(" The brand-direct variant of `{variant}`."));
    }
    let doc = comment("///", &doc);
    let answer = match operation.answer.as_str() {
        "" => "NoContent",
        answer => answer,
    };
    let fields: String = operation
        .request
        .iter()
        .map(|request_field| {
            let has_proto = !operation.is_credential(&request_field.name);
            let tag = if has_proto { request_field.number } else { 0 };
            field::declaration(request_field, tag, place(operation, request_field))
        })
        .collect();
    format!(
        "operation! {{\n    {constant} for {name} = {} {}\n    {} {}\n    {}\n{steps}    \
         errors {{\n{}    }}\n    docs [\n{pages}    ]\n}}\n\n\
         {doc}#[request({constant}, {answer})]\npub struct {name} {{\n{fields}}}\n\n",
        pascal(&catalogue.family),
        literal(&operation.id),
        operation.method,
        literal(&operation.path),
        literal(&operation.title),
        rows(operation),
    )
}

/// Where a field of a request stands, as a word of its declaration.
fn place(operation: &Operation, field: &Field) -> &'static str {
    match field.place {
        Place::Path => ", path",
        Place::Query => ", query",
        Place::Filename => ", filename",
        Place::Body if operation.is_upload() => ", part",
        Place::Body => "",
    }
}

/// What differs from an operation that reads.
fn steps(catalogue: &Catalogue, operation: &Operation) -> Vec<String> {
    let mut steps = Vec::new();
    let family_scheme = match catalogue.family.as_str() {
        "official_account" => "access_token",
        _ => "merchant",
    };
    if operation.scheme != family_scheme {
        steps.push(format!("scheme(Scheme::{})", pascal(&operation.scheme)));
    }
    if operation.body == "json" {
        steps.push("json()".to_owned());
    }
    if let Some(limits) = &operation.upload {
        steps.push(upload(catalogue, operation, limits));
    }
    if operation.status != 200 {
        steps.push(format!("success({})", operation.status));
    }
    match &operation.request_number {
        Some(member) => steps.push(format!("numbered({})", literal(member))),
        None if operation.effect == "write" => {
            steps.push(format!("write(Repeat::{})", operation.repeat()));
        }
        None => {}
    }
    let lists = [
        ("repeat_unless", &operation.repeat_unless),
        ("subject", &operation.subject),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            steps.push(format!("{name}(&{list:?})"));
        }
    }
    if let Some(target) = &operation.target {
        let (kind, member) = target.split_once('/').unwrap_or((target, ""));
        steps.push(format!("target({}, {})", literal(kind), literal(member)));
    }
    if catalogue.family == "official_account" {
        steps.push(format!(
            "errcode(Errcode::{})",
            errcode(catalogue, operation)
        ));
    }
    let flags = [
        ("money()", operation.money),
        ("dynamic_code()", operation.dynamic_code),
        ("credential()", operation.credential),
        ("encrypts()", operation.encrypts),
    ];
    let flags = flags.iter().filter(|(_, is_set)| *is_set);
    steps.extend(flags.map(|(flag, _)| (*flag).to_owned()));
    if let Some(limit) = &operation.rate_limit {
        steps.push(format!(
            "rate_limit(RateLimit::new({}, {:?}, {:?}, {:?}))",
            literal(&limit.per),
            limit.qps,
            limit.per_minute,
            limit.per_day
        ));
    }
    steps
}

/// The error rows, which `rustfmt` leaves as they are: shared ones by name, several on a line.
fn rows(operation: &Operation) -> String {
    let mut out = String::new();
    let mut line = String::new();
    let mut end = |line: &mut String| {
        if !line.is_empty() {
            out.push_str(&format!("        {}\n", line.trim_end()));
            line.clear();
        }
    };
    for row in &operation.rows {
        let row = match row {
            Row::Common => "[..COMMON]".to_owned(),
            Row::Shared(name) => format!("[{name}]"),
            Row::Own(row) => format!("[{}]", error_row(row)),
        };
        if line.len() + row.len() > 90 {
            end(&mut line);
        }
        line.push_str(&row);
        line.push(' ');
    }
    end(&mut line);
    out
}

fn error_row(row: &ErrorRow) -> String {
    let (code, meaning) = (literal(&row.code), literal(&row.meaning));
    format!("{} {code} {meaning}", row.http)
}

fn upload(catalogue: &Catalogue, operation: &Operation, limits: &Upload) -> String {
    let formats: Vec<String> = limits
        .formats
        .iter()
        .map(|format| format!("ImageFormat::{}", pascal(format)))
        .collect();
    let mut parts = operation.request.iter();
    let name_field = match parts.find_map(|part| about(catalogue, part)) {
        Some(part) => format!("{part}.filename"),
        None => "filename".to_owned(),
    };
    format!(
        "upload(Upload {{ max_bytes: {}, formats: &[{}], max_name_chars: {}, name_field: {} }})",
        limits.max_bytes,
        formats.join(", "),
        limits.max_name_chars,
        literal(&name_field)
    )
}

/// The JSON part that tells about the file, if the field is one.
fn about<'f>(catalogue: &Catalogue, field: &'f Field) -> Option<&'f str> {
    match field.kind() {
        Kind::Message(name) => catalogue.message(name).map(|_| field.name.as_str()),
        _ => None,
    }
}

/// Where an answer's `errcode` stands: only answers of official accounts have one.
fn errcode(catalogue: &Catalogue, operation: &Operation) -> &'static str {
    let member = catalogue
        .message(&operation.answer)
        .and_then(|answer| answer.fields.iter().find(|field| field.name == "errcode"));
    if member.is_some_and(|member| member.required) {
        "Required"
    } else {
        "Optional"
    }
}
