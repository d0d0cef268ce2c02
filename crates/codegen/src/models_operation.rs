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
    member("credential", operation.credential.to_string());
    member(
        "upload",
        operation
            .upload
            .as_ref()
            .map_or("None".to_owned(), |upload| {
                let formats: Vec<String> = upload
                    .formats
                    .iter()
                    .map(|format| format!("ImageFormat::{}", pascal(format)))
                    .collect();
                format!(
                    "Some(Upload {{ max_bytes: {}, formats: &[{}], max_name_chars: {} }})",
                    upload.max_bytes,
                    formats.join(", "),
                    upload.max_name_chars
                )
            }),
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
    let mut conditions: Vec<String> = Vec::new();
    for segment in path.split('.') {
        let (name, list) = match segment.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (segment, false),
        };
        let field = catalogue
            .message(message)
            .and_then(|message| message.fields.iter().find(|field| field.name == name));
        let Some(Kind::Message(next)) = field.map(Field::kind) else {
            open_conditions(&mut conditions, &mut before, &mut after);
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
            open_conditions(&mut conditions, &mut before, &mut after);
            before.push_str(&format!(
                "for item in {place}.{}.iter().flatten() {{\n",
                ident(name)
            ));
            place = "item".to_owned();
            after.push_str("}\n");
        } else {
            conditions.push(format!("let Some({0}) = &{place}.{0}", ident(name)));
            place = ident(name);
        }
    }
    before + &after
}

/// Opens one block for members that may be absent, one inside the other.
fn open_conditions(conditions: &mut Vec<String>, before: &mut String, after: &mut String) {
    if !conditions.is_empty() {
        before.push_str(&format!("if {} {{\n", conditions.join(" && ")));
        after.push_str("}\n");
        conditions.clear();
    }
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
            (Place::Body | Place::Filename, _) => {}
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

/// What the JSON part of an upload says about the file: the member and its message.
struct About<'c> {
    /// The part.
    part: &'c Field,
    /// The member that holds the digest: the one besides the file name.
    digest: &'c str,
}

fn about<'c>(catalogue: &'c Catalogue, fields: &[&'c Field]) -> Option<About<'c>> {
    let part = fields
        .iter()
        .find(|field| matches!(field.kind(), Kind::Message(_)))?;
    let Kind::Message(name) = part.kind() else {
        return None;
    };
    let members = &catalogue.message(name)?.fields;
    let digest = members.iter().find(|field| field.name != "filename")?;
    Some(About {
        part,
        digest: &digest.name,
    })
}

/// The parts of a form: JSON parts and files in the order of the catalogue, JSON first. The file name
/// stands in the JSON part or, in a family without one, in the head of the file's part alone.
fn multipart(catalogue: &Catalogue, operation: &Operation, fields: &[&Field]) -> String {
    let about = about(catalogue, fields);
    let own_name = fields.iter().find(|field| field.place == Place::Filename);
    debug_assert!(
        about.is_some() != own_name.is_some(),
        "{}: one place tells the file name",
        operation.id
    );
    let files: Vec<&&Field> = fields
        .iter()
        .filter(|field| field.kind() == Kind::Bytes)
        .collect();
    let (filename, name_field) = match (&about, own_name) {
        (Some(about), _) => (
            format!(
                "self.{0}.as_ref().and_then(|{0}| {0}.filename.as_deref())",
                about.part.name
            ),
            format!("{}.filename", about.part.name),
        ),
        (None, Some(field)) => (
            format!("self.{}.as_deref()", field.name),
            field.name.clone(),
        ),
        (None, None) => ("None".to_owned(), String::new()),
    };
    let mut write = String::from("Ok(Some(Multipart::default()");
    let mut read = String::new();
    if let Some(about) = &about {
        let name = &about.part.name;
        write.push_str(&format!(".json({}, &self.{name})?", literal(name)));
        read.push_str(&format!(
            "self.{name} = Some(parts.require_json({})?);\n",
            literal(name)
        ));
    }
    for file in &files {
        let name = &file.name;
        write.push_str(&format!(".file({}, filename, &self.{name})", literal(name)));
        let take_name = own_name.map_or(String::new(), |field| {
            format!("self.{} = part.filename;\n", field.name)
        });
        if file.required {
            read.push_str(&format!(
                "let part = parts.require({})?;\n{take_name}self.{name} = Some(part.content);\n",
                literal(name)
            ));
        } else {
            read.push_str(&format!(
                "if let Some(part) = parts.take({}) {{\n{take_name}self.{name} = Some(part.content);\n}}\n",
                literal(name)
            ));
        }
    }
    write.push_str("))");
    let file = files.iter().fold(String::new(), |out, file| {
        let this = format!(
            "self.{0}.as_deref().map(|content| ({1}, content))",
            file.name,
            literal(&file.name)
        );
        if out.is_empty() {
            this
        } else {
            format!("{out}.or_else(|| {this})")
        }
    });
    let digest = about.map_or(String::new(), |about| {
        format!(
            "\nfn fill_digest(&mut self, sha256: &dyn Fn(&[u8]) -> String) {{\n\
             if let (Some(meta), Some(file)) = (&mut self.{}, &self.file) {{\n\
             meta.{}.get_or_insert_with(|| sha256(file));\n}}\n}}\n",
            about.part.name, about.digest
        )
    });
    format!(
        "\nfn multipart(&self) -> Result<Option<Multipart>, EncodeError> {{\n\
         let filename = {filename};\n{write}\n}}\n\n\
         fn set_multipart(&mut self, mut parts: Multipart) -> Result<(), DecodeError> {{\n\
         {read}Ok(())\n}}\n\n\
         fn file(&self) -> Option<UploadedFile<'_>> {{\n\
         let (content_field, content) = {file}?;\n\
         Some(UploadedFile {{\nname_field: {},\nname: {filename}.unwrap_or_default(),\ncontent_field,\ncontent,\n}})\n}}\n\
         {digest}",
        literal(&name_field)
    )
}
