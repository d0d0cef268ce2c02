//! Writes the request type of an operation and its `Endpoint`.

use crate::catalogue::{Catalogue, Field, Kind, Operation, Place};
use crate::models::{bare_type, check_impl, object_impl, sensitive_impl, structure};
use crate::text::{comment, ident, literal, pascal, rustdoc, screaming, sentence};

/// At most so many arguments for a constructor; operations with more required fields have none.
const MAX_ARGUMENTS: usize = 6;

/// The name of the static that describes an operation.
pub(crate) fn constant(operation: &Operation) -> String {
    screaming(&operation.rpc)
}

/// Writes everything of an operation.
pub(crate) fn request(catalogue: &Catalogue, operation: &Operation) -> String {
    let name = &operation.rpc;
    let fields: Vec<&Field> = operation.request.iter().collect();
    let mut out = describe(catalogue, operation);
    out.push_str(&comment("///", &doc(operation)));
    out.push_str(&structure(name, &fields));
    out.push_str(&constructor(name, &fields));
    out.push_str(&object_impl_of(operation, name, &fields));
    out.push_str(&check_impl(name, &fields));
    out.push_str(&sensitive_impl(catalogue, name, &fields));
    out.push_str(&endpoint(catalogue, operation, &fields));
    out
}

fn doc(operation: &Operation) -> String {
    let mut doc = format!(
        "{} `{} {}`.",
        sentence(&rustdoc(&operation.title)),
        operation.method,
        operation.path
    );
    if let Some(successor) = &operation.superseded_by {
        doc.push_str(&format!(" Superseded by `{successor}`."));
    }
    if let Some(variant) = &operation.variant_of {
        doc.push_str(&format!(" The brand-direct variant of `{variant}`."));
    }
    for note in &operation.notes {
        doc.push_str(&format!("\n\n{}", sentence(&rustdoc(note))));
    }
    if !operation.docs.is_empty() {
        let pages: Vec<String> = operation
            .docs
            .iter()
            .map(|page| format!("`{page}`"))
            .collect();
        doc.push_str(&format!("\n\nSource: {}.", pages.join(", ")));
    }
    doc
}

fn describe(catalogue: &Catalogue, operation: &Operation) -> String {
    let mut out = format!(
        "/// Describes [`{}`].\npub static {}: Operation = Operation {{\n",
        operation.rpc,
        constant(operation)
    );
    let mut member = |name: &str, value: String| out.push_str(&format!("{name}: {value},\n"));
    member("id", literal(&operation.id));
    member("title", literal(&operation.title));
    member("family", format!("Family::{}", pascal(&catalogue.family)));
    member("scheme", format!("Scheme::{}", pascal(&operation.scheme)));
    member("method", format!("http::Method::{}", operation.method));
    member("path", literal(&operation.path));
    member("body", format!("Body::{}", pascal(&operation.body)));
    member("success", operation.status.to_string());
    member("effect", format!("Effect::{}", pascal(&operation.effect)));
    member(
        "rate_limit",
        operation.rate_limit.as_ref().map_or("None".to_owned(), |limit| {
            format!(
                "Some(RateLimit {{ per: {}, per_second: {:?}, per_minute: {:?}, per_day: {:?} }})",
                literal(&limit.per),
                limit.qps,
                limit.per_minute,
                limit.per_day
            )
        }),
    );
    member("request_number", format!("{:?}", operation.request_number));
    member("repeat", format!("Repeat::{}", operation.repeat()));
    member(
        "errcode",
        format!("Errcode::{}", errcode(catalogue, operation)),
    );
    member("encrypts", operation.encrypts.to_string());
    let rows: Vec<String> = operation
        .errors
        .iter()
        .map(|row| {
            format!(
                "ErrorRow {{ http: {}, code: {}, meaning: {} }}",
                row.http,
                literal(&row.code),
                literal(&row.meaning)
            )
        })
        .collect();
    member("errors", format!("&[{}]", rows.join(",\n")));
    member("docs", format!("&{:?}", operation.docs));
    out.push_str("};\n\n");
    out
}

/// Where an answer's `errcode` stands: only answers of official accounts have one.
fn errcode(catalogue: &Catalogue, operation: &Operation) -> &'static str {
    if catalogue.family != "official_account" {
        return "None";
    }
    let member = catalogue
        .message(&operation.answer)
        .and_then(|answer| answer.fields.iter().find(|field| field.name == "errcode"));
    if member.is_some_and(|member| member.required) {
        "Required"
    } else {
        "Optional"
    }
}

/// What the pipeline asks a request besides its HTTP form.
fn facts(catalogue: &Catalogue, operation: &Operation) -> String {
    let mut out = String::new();
    if let Some(number) = &operation.request_number {
        out.push_str(&format!(
            "\nfn request_number(&self) -> Option<&str> {{\nself.{}.as_deref()\n}}\n",
            ident(number)
        ));
    }
    if !operation.repeat_unless.is_empty() {
        let absent: Vec<String> = operation
            .repeat_unless
            .iter()
            .map(|member| format!("self.{}.is_none()", ident(member)))
            .collect();
        out.push_str(&format!(
            "\nfn is_safe_to_repeat(&self) -> bool {{\n{}\n}}\n",
            absent.join(" && ")
        ));
    }
    if !operation.subject.is_empty() {
        let rows: String = operation
            .subject
            .iter()
            .map(|row| subject_row(catalogue, operation, row))
            .collect();
        out.push_str(&format!(
            "\nfn compare_subject(&self, answer: &Self::Answer, subject: &mut Subject) {{\n{rows}}}\n"
        ));
    }
    out
}

/// Compares one member of the request with one of the answer.
fn subject_row(catalogue: &Catalogue, operation: &Operation, row: &str) -> String {
    let last = row.rsplit('.').next().unwrap_or(row);
    let (asked, path) = row.split_once('=').unwrap_or((last, row));
    let compare = if operation.dynamic_code && asked == "code" {
        "code_or_dynamic"
    } else {
        "same"
    };
    let mut message = operation.answer.as_str();
    let mut place = "answer".to_owned();
    let (mut before, mut after) = (String::new(), String::new());
    for segment in path.split('.') {
        let (name, list) = match segment.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (segment, false),
        };
        let field = catalogue
            .message(message)
            .and_then(|message| message.fields.iter().find(|field| field.name == name));
        let Some(Kind::Message(next)) = field.map(Field::kind) else {
            before.push_str(&format!(
                "subject.{compare}({}, &self.{}, &{place}.{});\n",
                literal(asked),
                ident(asked),
                ident(name)
            ));
            break;
        };
        message = next;
        if list {
            before.push_str(&format!(
                "for item in {place}.{}.iter().flatten() {{\n",
                ident(name)
            ));
            place = "item".to_owned();
        } else {
            before.push_str(&format!(
                "if let Some({0}) = &{place}.{0} {{\n",
                ident(name)
            ));
            place = ident(name);
        }
        after.push_str("}\n");
    }
    before + &after
}

fn constructor(name: &str, fields: &[&Field]) -> String {
    let required: Vec<&&Field> = fields
        .iter()
        .filter(|field| field.required || field.place == Place::Path)
        .collect();
    if required.is_empty() || required.len() > MAX_ARGUMENTS {
        return String::new();
    }
    let arguments: Vec<String> = required
        .iter()
        .map(|field| {
            let bare = bare_type(field);
            let wanted = if field.is_list() {
                format!("Vec<{bare}>")
            } else {
                bare
            };
            format!("{}: impl Into<{wanted}>", ident(&field.name))
        })
        .collect();
    let values: Vec<String> = required
        .iter()
        .map(|field| {
            let name = ident(&field.name);
            if field.place == Place::Path {
                format!("{name}: {name}.into()")
            } else {
                format!("{name}: Some({name}.into())")
            }
        })
        .collect();
    let rest = if required.len() == fields.len() {
        "extra: Extra::default()"
    } else {
        "..Self::default()"
    };
    format!(
        "impl {name} {{\n/// Creates a request with its required members.\npub fn new({}) -> Self {{\nSelf {{ {}, {rest} }}\n}}\n}}\n\n",
        arguments.join(", "),
        values.join(", ")
    )
}

/// The parts of an upload are no JSON members of their own.
fn object_impl_of(operation: &Operation, name: &str, fields: &[&Field]) -> String {
    if operation.is_upload() {
        object_impl(name, &[])
    } else {
        object_impl(name, fields)
    }
}

fn endpoint(catalogue: &Catalogue, operation: &Operation, fields: &[&Field]) -> String {
    let name = &operation.rpc;
    let answer = if operation.answer.is_empty() {
        "NoContent"
    } else {
        &operation.answer
    };
    let mut write = String::new();
    let mut read = String::new();
    for field in fields {
        let member = ident(&field.name);
        let wire = literal(field.wire());
        match (field.place, field.kind()) {
            (Place::Body, _) => {}
            (Place::Path, Kind::Integer) => {
                write.push_str(&format!("params.path(self.{member}.to_string());\n"));
                read.push_str(&format!("self.{member} = params.path_integer({wire})?;\n"));
            }
            (Place::Path, _) => {
                write.push_str(&format!("params.path(&self.{member});\n"));
                read.push_str(&format!("self.{member} = params.path({wire})?;\n"));
            }
            (Place::Query, Kind::Integer) => {
                write.push_str(&format!("params.query_integer({wire}, self.{member});\n"));
                read.push_str(&format!("self.{member} = params.query_integer({wire})?;\n"));
            }
            (Place::Query, Kind::Sensitive) => {
                write.push_str(&format!(
                    "params.query_sensitive({wire}, &self.{member});\n"
                ));
                read.push_str(&format!(
                    "self.{member} = params.query({wire}).map(Sensitive::Encrypted);\n"
                ));
            }
            (Place::Query, _) => {
                write.push_str(&format!("params.query({wire}, &self.{member});\n"));
                read.push_str(&format!("self.{member} = params.query({wire});\n"));
            }
        }
    }
    let (writer, reader) = if write.is_empty() {
        ("_", "_")
    } else {
        ("params", "params")
    };
    let multipart = if operation.is_upload() {
        multipart(catalogue, operation, fields)
    } else {
        String::new()
    };
    let credentials = if operation.scheme == "credentials" {
        "\nfn fill_credentials(&mut self, appid: &str, secret: &Secret) {\n\
         self.grant_type.get_or_insert_with(|| \"client_credential\".to_owned());\n\
         self.appid.get_or_insert_with(|| appid.to_owned());\n\
         self.secret.get_or_insert_with(|| secret.clone());\n}\n"
    } else {
        ""
    };
    let facts = facts(catalogue, operation);
    format!(
        "impl Endpoint for {name} {{\ntype Answer = {answer};\n\nconst OPERATION: &'static Operation = &{};\n\n\
         fn params(&self, {writer}: &mut Params) {{\n{write}}}\n\n\
         fn set_params(&mut self, {reader}: &mut ParamsIn<'_>) -> Result<(), DecodeError> {{\n{read}Ok(())\n}}\n{multipart}{credentials}{facts}}}\n\n",
        constant(operation)
    )
}

/// The digest member of an upload's JSON part: all but the file name.
fn digest_member<'c>(catalogue: &'c Catalogue, fields: &[&Field]) -> Option<&'c str> {
    let meta = fields.iter().find(|field| field.name == "meta")?;
    let Kind::Message(name) = meta.kind() else {
        return None;
    };
    let member = catalogue
        .message(name)?
        .fields
        .iter()
        .find(|field| field.name != "filename")?;
    Some(&member.name)
}

fn multipart(catalogue: &Catalogue, operation: &Operation, fields: &[&Field]) -> String {
    let digest = digest_member(catalogue, fields).unwrap_or_default();
    debug_assert!(
        !digest.is_empty(),
        "{}: an upload tells a digest in its part `meta`",
        operation.id
    );
    format!(
        "\nfn multipart(&self) -> Result<Option<Multipart>, EncodeError> {{\n\
         let filename = self.meta.as_ref().and_then(|meta| meta.filename.clone()).unwrap_or_default();\n\
         Multipart::new(&self.meta, self.file.clone().unwrap_or_default(), filename).map(Some)\n}}\n\n\
         fn set_multipart(&mut self, parts: Multipart) -> Result<(), DecodeError> {{\n\
         self.meta = Some(parts.read_meta()?);\n\
         self.file = Some(parts.file);\n\
         Ok(())\n}}\n\n\
         fn fill_digest(&mut self, sha256: &dyn Fn(&[u8]) -> String) {{\n\
         if let (Some(meta), Some(file)) = (&mut self.meta, &self.file) {{\n\
         meta.{digest}.get_or_insert_with(|| sha256(file));\n}}\n}}\n"
    )
}
