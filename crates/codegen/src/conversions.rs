//! Writes the conversions between family messages and models.

use crate::catalogue::{Catalogue, Enumeration, Field, Kind, Operation, Place, Use};
use crate::output::Output;
use crate::protos::package;
use crate::text::{MARK, ident, literal, pascal};

const ROOT: &str = "crates/grpc/src/generated";

pub(crate) fn write(catalogue: &Catalogue, output: &mut Output) {
    let folder = format!("{ROOT}/{}", catalogue.family);
    let family = &catalogue.family;
    let resources = catalogue.resources();
    let mut modules: Vec<&str> = resources.clone();
    modules.extend(["enums", "types", "notifications"]);
    modules.retain(|module| has_conversions(catalogue, module));
    modules.sort_unstable();
    let mut root = format!("{MARK}//! Conversions of the family `{family}`.\n\n");
    for module in &modules {
        root.push_str(&format!("mod {module};\n"));
    }
    output.add(format!("{folder}.rs"), root);

    let head = |about: &str, has_deprecated: bool| {
        let allow = if has_deprecated {
            "#![expect(deprecated, reason = \"members that only older documents have are carried too\")]\n\n"
        } else {
            ""
        };
        format!("{MARK}//! {about}\n\n{allow}use kabao_models::{family} as m;\n")
    };
    let protos = format!(
        "use kabao_proto::kabao::{}::v1 as p;\n\n",
        package(catalogue)
    );
    for resource in resources.iter().copied().chain(["types", "notifications"]) {
        if !has_conversions(catalogue, resource) {
            continue;
        }
        let mut body = String::new();
        for operation in catalogue.operations_of(resource) {
            body.push_str(&request(operation));
        }
        for (name, message) in catalogue.proto_messages_of(resource) {
            let model = if resource == "types" {
                format!("m::{name}")
            } else {
                format!("m::{resource}::{name}")
            };
            let fields: Vec<&Field> = message.fields.iter().collect();
            let shape = Shape {
                model: &model,
                proto: name,
                fields: &fields,
                used: message.used,
                has_extra: true,
                is_whole: true,
            };
            body.push_str(&shape.proto_to_model());
            body.push_str(&shape.model_to_proto(""));
        }
        let deprecated = catalogue
            .operations_of(resource)
            .flat_map(|operation| &operation.request)
            .chain(
                catalogue
                    .messages_of(resource)
                    .flat_map(|(_, message)| &message.fields),
            )
            .any(|field| field.deprecated);
        let mut imports = String::new();
        let names: Vec<&str> = [
            "ExtraOut",
            "FamilyRequest",
            "FromModel",
            "IntoModel",
            "Reader",
            "UploadChunk",
            "positive",
            "text",
        ]
        .into_iter()
        .filter(|name| {
            body.contains(name)
                && (name.starts_with(char::is_uppercase) || body.contains(&format!("{name}(self.")))
        })
        .collect();
        imports.push_str(&format!(
            "use crate::convert::{{{}}};\n\n",
            names.join(", ")
        ));
        output.add(
            format!("{folder}/{resource}.rs"),
            format!(
                "{}{protos}{imports}{body}",
                head(&format!("Conversions of `{resource}`."), deprecated)
            ),
        );
    }
    let mut enums = head("Numbers of the enumerations.", false);
    enums.push_str("\nuse crate::convert::Numbered;\n\n");
    for (name, enumeration) in &catalogue.enums.0 {
        enums.push_str(&numbered(name, enumeration));
    }
    output.add(format!("{folder}/enums.rs"), enums);
}

fn has_conversions(catalogue: &Catalogue, module: &str) -> bool {
    module == "enums"
        || catalogue.operations_of(module).next().is_some()
        || catalogue.proto_messages_of(module).next().is_some()
}

/// Writes the module of all families, and the table that the round-trip tests walk.
pub(crate) fn write_root(catalogues: &[Catalogue], output: &mut Output) {
    let mut root = format!(
        "{MARK}//! Conversions and the table of methods, generated from the catalogue.\n\n"
    );
    for catalogue in catalogues {
        root.push_str(&format!("mod {};\n", catalogue.family));
    }
    root.push_str(
        "mod methods;\n#[cfg(test)]\npub(crate) mod table;\n\npub(crate) use self::methods::METHODS;\n",
    );
    output.add(format!("{ROOT}.rs"), root);

    let mut table =
        format!("{MARK}//! Every operation and notification with its proto messages.\n\n");
    for catalogue in catalogues {
        table.push_str(&format!(
            "use kabao_models::{0} as m_{0};\n",
            catalogue.family
        ));
        table.push_str(&format!(
            "use kabao_proto::kabao::{}::v1 as p_{};\n",
            package(catalogue),
            catalogue.family
        ));
    }
    table.push_str("\nuse crate::convert::tests::{NotificationVisitor, OperationVisitor};\n\n");
    table.push_str("pub(crate) fn operations(visitor: &mut impl OperationVisitor) {\n");
    for catalogue in catalogues {
        let family = &catalogue.family;
        for operation in catalogue
            .operations
            .iter()
            .filter(|operation| !operation.is_upload())
        {
            let answer = answer_name(operation);
            table.push_str(&format!(
                "visitor.visit::<m_{family}::{}::{}, p_{family}::{}Request, p_{family}::{answer}>();\n",
                operation.resource, operation.rpc, operation.rpc
            ));
        }
    }
    table.push_str("}\n\npub(crate) fn notifications(visitor: &mut impl NotificationVisitor) {\n");
    for catalogue in catalogues {
        let family = &catalogue.family;
        for notification in &catalogue.notifications {
            let module = catalogue.module_of(&notification.payload);
            table.push_str(&format!(
                "visitor.visit::<m_{family}::{module}::{0}, p_{family}::{0}>({1}, {2});\n",
                notification.payload,
                literal(family),
                literal(&notification.event_type)
            ));
        }
    }
    table.push_str("}\n");
    output.add(format!("{ROOT}/table.rs"), table);
}

/// The proto message of an operation's answer.
pub(crate) fn answer_name(operation: &Operation) -> String {
    if operation.answer.is_empty() {
        format!("{}Response", operation.rpc)
    } else {
        operation.answer.clone()
    }
}

/// The file goes into the first field that takes one; its name into the JSON part or, where there is
/// none, beside it.
fn upload(operation: &Operation) -> String {
    let model = format!("m::{}::{}", operation.resource, operation.rpc);
    let find = |wanted: fn(&Field) -> bool| operation.request.iter().find(|field| wanted(field));
    let file = find(|field| field.kind() == Kind::Bytes).map_or("file", |field| &field.name);
    let part = find(|field| matches!(field.kind(), Kind::Message(_)));
    let name = match part.map(|part| (part, part.kind())) {
        Some((part, Kind::Message(message))) => format!(
            "{0}: Some(m::{1}::{message} {{ filename: Some(filename), ..Default::default() }})",
            part.name, operation.resource
        ),
        _ => "filename: Some(filename)".to_owned(),
    };
    format!(
        "impl UploadChunk for p::{}Request {{\ntype Endpoint = {model};\n\n\
         fn endpoint(filename: String, file: bytes::Bytes) -> {model} {{\n\
         {model} {{ {file}: Some(file), {name}, ..Default::default() }}\n}}\n}}\n\n",
        operation.rpc
    )
}

fn request(operation: &Operation) -> String {
    if operation.is_upload() {
        return upload(operation);
    }
    let model = format!("m::{}::{}", operation.resource, operation.rpc);
    let proto = format!("{}Request", operation.rpc);
    let fields: Vec<&Field> = operation.proto_fields().collect();
    let mut out = format!(
        "impl FamilyRequest for p::{proto} {{\ntype Endpoint = {model};\n\nfn account(&self) -> &str {{\n&self.account\n}}\n}}\n\n"
    );
    let shape = Shape {
        model: &model,
        proto: &proto,
        fields: &fields,
        used: Use::Request,
        has_extra: operation.body == "json",
        is_whole: fields.len() == operation.request.len(),
    };
    out.push_str(&shape.proto_to_model());
    out.push_str(&shape.model_to_proto("account: String::new(),\n"));
    if operation.answer.is_empty() {
        let answer = answer_name(operation);
        out.push_str(&format!(
            "impl FromModel<kabao_models::NoContent> for p::{answer} {{\nfn from_model(_: kabao_models::NoContent) -> Self {{\nSelf {{}}\n}}\n}}\n\n\
             impl IntoModel<kabao_models::NoContent> for p::{answer} {{\nfn into_model(self, _: &mut Reader) -> kabao_models::NoContent {{\nkabao_models::NoContent::default()\n}}\n}}\n\n"
        ));
    }
    out
}

fn numbered(name: &str, enumeration: &Enumeration) -> String {
    let mut number = String::new();
    let mut from = String::new();
    for value in &enumeration.values {
        let variant = pascal(&value.wire);
        number.push_str(&format!("Self::{variant} => {},\n", value.number));
        from.push_str(&format!("{} => Self::{variant},\n", value.number));
    }
    format!(
        "impl Numbered for m::{name} {{\nconst NAME: &'static str = {};\n\n\
         fn number(&self) -> Option<i32> {{\nSome(match self {{\n{number}_ => return None,\n}})\n}}\n\n\
         fn from_number(number: i32) -> Option<Self> {{\nSome(match number {{\n{from}_ => return None,\n}})\n}}\n}}\n\n",
        literal(name)
    )
}

/// A proto message and its model.
struct Shape<'a> {
    model: &'a str,
    proto: &'a str,
    fields: &'a [&'a Field],
    used: Use,
    has_extra: bool,
    /// Whether `fields` are all fields of the model.
    is_whole: bool,
}

impl Shape<'_> {
    fn uses_extra(&self) -> bool {
        self.fields.iter().any(|field| uses_extra(field))
    }

    fn proto_to_model(&self) -> String {
        let Self { model, proto, .. } = self;
        let needs_reader = self.has_extra || self.fields.iter().any(|field| uses_reader(field));
        let reader = if needs_reader { "reader" } else { "_" };
        let mutable = if self.uses_extra() { "mut " } else { "" };
        let extra = match (self.has_extra, self.uses_extra()) {
            (true, _) => format!("let {mutable}extra = reader.extra(self.extra);\n"),
            (false, true) => "let mut extra = kabao_models::Extra::default();\n".to_owned(),
            (false, false) => String::new(),
        };
        let mut members = String::new();
        for field in self.fields {
            let value = read(field, self.used);
            members.push_str(&format!("{}: {value},\n", ident(&field.name)));
        }
        members.push_str(&if self.has_extra {
            format!("extra: reader.unknown::<{model}>(extra),\n")
        } else {
            "extra: kabao_models::Extra::default(),\n".to_owned()
        });
        if !self.is_whole {
            members.push_str("..Default::default()\n");
        }
        format!(
            "impl IntoModel<{model}> for p::{proto} {{\nfn into_model(self, {reader}: &mut Reader) -> {model} {{\n\
             {extra}{model} {{\n{members}}}\n}}\n}}\n\n"
        )
    }

    /// `first` are members that the model does not have.
    fn model_to_proto(&self, first: &str) -> String {
        let Self { model, proto, .. } = self;
        let mutable = if self.uses_extra() { "mut " } else { "" };
        let extra = if self.has_extra || self.uses_extra() {
            format!("let {mutable}extra = ExtraOut::new(model.extra);\n")
        } else {
            String::new()
        };
        let mut members = String::from(first);
        for field in self.fields {
            let value = write_field(field, self.used);
            members.push_str(&format!("{}: {value},\n", ident(&field.name)));
        }
        if self.has_extra {
            members.push_str("extra: extra.finish(),\n");
        }
        let argument = if self.fields.is_empty() && !self.has_extra {
            "_"
        } else {
            "model"
        };
        format!(
            "impl FromModel<{model}> for p::{proto} {{\nfn from_model({argument}: {model}) -> Self {{\n\
             {extra}Self {{\n{members}}}\n}}\n}}\n\n"
        )
    }
}

fn uses_extra(field: &Field) -> bool {
    field.place != Place::Path && (field.is_list() || matches!(field.kind(), Kind::Enumeration(_)))
}

fn uses_reader(field: &Field) -> bool {
    uses_extra(field) || matches!(field.kind(), Kind::Message(_))
}

fn read(field: &Field, used: Use) -> String {
    let given = given(field, used);
    let name = ident(&field.name);
    let wire = literal(field.wire());
    if field.place == Place::Path {
        return match field.kind() {
            Kind::String | Kind::Integer => format!("self.{name}"),
            _ => format!("self.{name}.into()"),
        };
    }
    match (field.kind(), field.is_list()) {
        (Kind::String | Kind::Integer | Kind::Boolean | Kind::Bytes, false) => given,
        (Kind::Personal | Kind::Secret, false) => format!("{given}.map(Into::into)"),
        (Kind::Sensitive, false) => format!("{given}.map(kabao_models::Sensitive::Plain)"),
        (Kind::Enumeration(_), false) => {
            format!("reader.enumeration({wire}, {given}, &mut extra)")
        }
        (Kind::Message(_), false) => format!("reader.object({wire}, self.{name})"),
        (Kind::Sensitive, true) => {
            format!("reader.list({wire}, self.{name}, &mut extra, kabao_models::Sensitive::Plain)")
        }
        (Kind::Enumeration(_), true) => {
            format!("reader.enumerations({wire}, self.{name}, &mut extra)")
        }
        (Kind::Message(_), true) => format!("reader.objects({wire}, self.{name}, &mut extra)"),
        (_, true) => format!("reader.list({wire}, self.{name}, &mut extra, Into::into)"),
    }
}

/// The value of a proto field as an `Option`, as models have it.
fn given(field: &Field, used: Use) -> String {
    let name = ident(&field.name);
    if field.has_presence(used) || field.is_list() {
        return format!("self.{name}");
    }
    match field.kind() {
        Kind::String | Kind::Personal | Kind::Secret | Kind::Sensitive => {
            format!("text(self.{name})")
        }
        Kind::Integer => format!("positive(self.{name})"),
        _ => format!("Some(self.{name})"),
    }
}

fn write_field(field: &Field, used: Use) -> String {
    let value = write_value(field);
    let is_single = field.place != Place::Path && !field.is_list();
    if is_single && !matches!(field.kind(), Kind::Message(_)) && !field.has_presence(used) {
        format!("{value}.unwrap_or_default()")
    } else {
        value
    }
}

fn write_value(field: &Field) -> String {
    let name = ident(&field.name);
    let wire = literal(field.wire());
    if field.place == Place::Path {
        return match field.kind() {
            Kind::String | Kind::Integer => format!("model.{name}"),
            _ => format!("model.{name}.into_exposed()"),
        };
    }
    match (field.kind(), field.is_list()) {
        (Kind::String | Kind::Integer | Kind::Boolean | Kind::Bytes, false) => {
            format!("model.{name}")
        }
        (Kind::Personal, false) => {
            format!("model.{name}.map(kabao_models::Personal::into_exposed)")
        }
        (Kind::Secret, false) => format!("model.{name}.map(kabao_models::Secret::into_exposed)"),
        (Kind::Sensitive, false) => {
            format!("model.{name}.map(kabao_models::Sensitive::into_exposed)")
        }
        (Kind::Enumeration(_), false) => format!("extra.enumeration({wire}, model.{name})"),
        (Kind::Message(_), false) => format!("model.{name}.map(FromModel::from_model)"),
        (Kind::Personal, true) => {
            format!("extra.list({wire}, model.{name}, kabao_models::Personal::into_exposed)")
        }
        (Kind::Secret, true) => {
            format!("extra.list({wire}, model.{name}, kabao_models::Secret::into_exposed)")
        }
        (Kind::Sensitive, true) => {
            format!("extra.list({wire}, model.{name}, kabao_models::Sensitive::into_exposed)")
        }
        (Kind::Enumeration(_), true) => format!("extra.enumerations({wire}, model.{name})"),
        (Kind::Message(_), true) => {
            format!("extra.list({wire}, model.{name}, FromModel::from_model)")
        }
        (_, true) => format!("extra.list({wire}, model.{name}, std::convert::identity)"),
    }
}
