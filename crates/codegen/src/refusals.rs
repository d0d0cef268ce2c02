//! What WeChat's refusals mean: reads `refusals.json`, writes the tables, and tells which reasons a
//! method can give.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::Error;
use crate::catalogue::{Catalogue, Field, Kind, Operation};
use crate::output::Output;
use crate::text::{MARK, literal, pascal};

/// Stands for the reason that `not_found` gives an operation.
const NOT_FOUND: &str = "NOT_FOUND";

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusals {
    #[serde(rename = "about")]
    _about: String,
    codes: Vec<PayCode>,
    errcodes: Vec<Errcode>,
    not_found: NotFound,
    common: Common,
    texts: Vec<Text>,
}

/// What status and code of WeChat Pay mean; the first row that fits decides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayCode {
    #[serde(default = "any_status")]
    statuses: (u16, u16),
    #[serde(default)]
    codes: Vec<String>,
    reason: String,
    repeat: String,
}

fn any_status() -> (u16, u16) {
    (0, u16::MAX)
}

/// What a code of the official-account family means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Errcode {
    code: i64,
    reason: String,
    repeat: String,
    field: Option<String>,
    remedy: Option<String>,
    meaning: String,
}

/// Which thing is meant by an answer that only says "not found".
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NotFound {
    operations: std::collections::BTreeMap<String, String>,
    resources: std::collections::BTreeMap<String, String>,
    otherwise: String,
}

/// Reasons that every call may give.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    every: Vec<String>,
    signed: Vec<String>,
    write: Vec<String>,
    /// What a call gives whose answer would be a credential.
    credential: Vec<String>,
}

/// A text that tells apart what one code covers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    family: String,
    reason: String,
    texts: Vec<String>,
    from: Vec<String>,
    #[serde(default)]
    operations: Vec<String>,
    #[serde(default)]
    fields: Vec<String>,
    field: Option<String>,
    remedy: Option<String>,
    source: String,
}

impl Refusals {
    /// Reads the file and holds it to the published registry of reasons.
    pub(crate) fn read(root: &Path, catalogues: &[Catalogue]) -> Result<Self, Error> {
        let path = root.join("crates/models/catalogue/refusals.json");
        let text = fs::read_to_string(&path).map_err(|error| Error::at(&path, error))?;
        let refusals: Self =
            serde_json::from_str(&text).map_err(|error| Error::at(&path, error))?;
        let registry = root.join("proto/kabao/v1/error_reason.proto");
        let registry =
            fs::read_to_string(&registry).map_err(|error| Error::at(&registry, error))?;
        refusals
            .validate(&registry, catalogues)
            .map_err(|error| Error::at(&path, error))?;
        Ok(refusals)
    }

    fn validate(&self, registry: &str, catalogues: &[Catalogue]) -> Result<(), Error> {
        let texts = self.texts.iter().map(|row| &row.reason);
        let all = texts
            .chain(self.codes.iter().map(|row| &row.reason))
            .chain(self.errcodes.iter().map(|row| &row.reason))
            .chain(self.not_found.operations.values())
            .chain(self.not_found.resources.values())
            .chain([&self.not_found.otherwise])
            .chain(&self.common.every)
            .chain(&self.common.signed)
            .chain(&self.common.write)
            .chain(&self.common.credential);
        for reason in all {
            if reason != NOT_FOUND && !registry.contains(&format!(" ERROR_REASON_{reason} = ")) {
                return Err(Error::new(format!("{reason} is no published reason")));
            }
        }
        if !self
            .errcodes
            .is_sorted_by(|one, other| one.code < other.code)
        {
            return Err(Error::new("the errcodes are not in ascending order"));
        }
        let order = |row: &Text| {
            (
                row.family != "merchant",
                row.reason.clone(),
                row.texts.first().cloned(),
            )
        };
        if !self.texts.is_sorted_by_key(order) {
            return Err(Error::new(
                "the texts are not ordered by family (merchant, brand), reason and text",
            ));
        }
        for row in &self.texts {
            let mut operations = catalogues
                .iter()
                .filter(|catalogue| catalogue.family == row.family)
                .flat_map(|catalogue| &catalogue.operations);
            let known = match row.source.strip_prefix("row: ") {
                None => true,
                Some(meaning) => operations.any(|operation| {
                    operation
                        .errors
                        .iter()
                        .any(|error| error.meaning == meaning)
                }),
            };
            if !known {
                return Err(Error::new(format!(
                    "no error table of {} has the row: {}",
                    row.family, row.source
                )));
            }
        }
        Ok(())
    }

    /// Returns every reason that the RPC of an operation can give, by name.
    pub(crate) fn reasons<'a>(
        &'a self,
        catalogue: &Catalogue,
        operation: &Operation,
    ) -> BTreeSet<&'a str> {
        let mut reasons: BTreeSet<&str> = self.common.every.iter().map(String::as_str).collect();
        let is_signed = matches!(operation.scheme.as_str(), "merchant" | "brand");
        if operation.effect == "write" {
            reasons.extend(self.common.write.iter().map(String::as_str));
        }
        if operation.credential {
            reasons.extend(self.common.credential.iter().map(String::as_str));
        }
        if is_signed {
            reasons.extend(self.common.signed.iter().map(String::as_str));
            reasons.insert(self.not_found(operation));
        }
        for row in &operation.errors {
            reasons.insert(if is_signed {
                match self.pay_code(row.http, &row.code) {
                    NOT_FOUND => self.not_found(operation),
                    reason => reason,
                }
            } else {
                self.errcode(&row.code)
            });
        }
        let texts = self.texts_of(catalogue, operation);
        reasons.extend(texts.map(|(_, row)| row.reason.as_str()));
        reasons
    }

    fn pay_code(&self, status: u16, code: &str) -> &str {
        self.codes
            .iter()
            .find(|row| {
                (row.statuses.0..=row.statuses.1).contains(&status)
                    && (row.codes.is_empty() || row.codes.iter().any(|known| known == code))
            })
            .map_or(NOT_FOUND, |row| &row.reason)
    }

    fn errcode(&self, code: &str) -> &str {
        self.errcodes
            .iter()
            .find(|row| row.code.to_string() == code)
            .map_or("UPSTREAM_REFUSED", |row| &row.reason)
    }

    fn not_found(&self, operation: &Operation) -> &str {
        let mut parts = operation.id.split('.').skip(1);
        let resource = parts.next().unwrap_or_default();
        let action = parts.next().unwrap_or_default();
        self.not_found
            .operations
            .get(action)
            .or_else(|| self.not_found.resources.get(resource))
            .unwrap_or(&self.not_found.otherwise)
    }

    /// Returns the texts that can come from an operation, with their places in the table.
    fn texts_of<'a>(
        &'a self,
        catalogue: &Catalogue,
        operation: &Operation,
    ) -> impl Iterator<Item = (usize, &'a Text)> {
        let family = catalogue.family.clone();
        let id = operation.id.clone();
        let mut names = BTreeSet::new();
        members(catalogue, &operation.request, &mut names, 0);
        self.texts.iter().enumerate().filter(move |(_, row)| {
            let named = row.operations.iter().any(|begin| {
                id.strip_prefix(begin.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            let has = row.fields.iter().any(|field| names.contains(field));
            row.family == family && (named || has)
        })
    }

    /// Writes the tables of `kabao_models::refusal`: a row a line, which `rustfmt` leaves as it is.
    pub(crate) fn write(&self, catalogues: &[Catalogue], output: &mut Output) {
        let codes: String = self.codes.iter().map(PayCode::row).collect();
        let errcodes: String = self.errcodes.iter().map(Errcode::row).collect();
        let texts: String = self.texts.iter().map(Text::row).collect();
        let mut operations: Vec<(&Catalogue, &Operation)> = catalogues
            .iter()
            .flat_map(|catalogue| {
                let operations = catalogue.operations.iter();
                operations.map(move |operation| (catalogue, operation))
            })
            .collect();
        operations.sort_by_key(|(_, operation)| &operation.id);
        let operations: String = operations
            .iter()
            .map(|(catalogue, operation)| self.operation_row(catalogue, operation))
            .collect();
        output.add(
            "crates/models/src/generated/refusals.rs",
            format!(
                "{MARK}//! What WeChat's refusals mean.\n\n\
                 use crate::meaning::{{code_rows, errcode_rows, operation_rows, text_rows}};\n\n\
                 code_rows! {{\n{codes}}}\n\nerrcode_rows! {{\n{errcodes}}}\n\n\
                 text_rows! {{\n{texts}}}\n\noperation_rows! {{\n{operations}}}\n"
            ),
        );
    }

    fn operation_row(&self, catalogue: &Catalogue, operation: &Operation) -> String {
        let texts: Vec<usize> = self
            .texts_of(catalogue, operation)
            .map(|(place, _)| place)
            .collect();
        let reasons = Vec::from_iter(self.reasons(catalogue, operation));
        format!(
            "    {} {} [{}] {texts:?};\n",
            literal(&operation.id),
            self.not_found(operation),
            reasons.join(" ")
        )
    }
}

impl PayCode {
    fn row(&self) -> String {
        let (lowest, highest) = self.statuses;
        let reason = match self.reason.as_str() {
            NOT_FOUND => "",
            reason => reason,
        };
        let again = pascal(&self.repeat);
        format!(
            "    {lowest} {highest} {:?} {again} [{reason}];\n",
            self.codes
        )
    }
}

impl Errcode {
    fn row(&self) -> String {
        format!(
            "    {} {} {} [{}] [{}] {};\n",
            self.code,
            self.reason,
            pascal(&self.repeat),
            optional(self.field.as_ref()),
            optional(self.remedy.as_ref()),
            literal(&self.meaning),
        )
    }
}

impl Text {
    fn row(&self) -> String {
        format!(
            "    {} {:?} {:?} {} [{}] [{}] {};\n",
            pascal(&self.family),
            self.texts,
            self.from,
            self.reason,
            optional(self.field.as_ref()),
            optional(self.remedy.as_ref()),
            literal(&self.source),
        )
    }
}

/// Collects the names of all members of a request.
fn members(catalogue: &Catalogue, fields: &[Field], names: &mut BTreeSet<String>, depth: usize) {
    // Shapes do not nest deeper than this; the bound keeps a faulty catalogue from looping.
    const MAX_DEPTH: usize = 8;
    for field in fields {
        names.insert(field.name.clone());
        if let Kind::Message(name) = field.kind()
            && depth < MAX_DEPTH
            && let Some(message) = catalogue.message(name)
        {
            members(catalogue, &message.fields, names, depth + 1);
        }
    }
}

fn optional(text: Option<&String>) -> String {
    text.map_or(String::new(), |text| literal(text))
}
