//! The cells of a row, as what they mean.

use std::str::FromStr;

use jiff::Timestamp;
use kabao_api::{Error, FieldViolation, MemberName, RequestId, TemplateName};

use super::table::{Fault, Row};

/// A row that is being read; it collects everything that is wrong with it.
pub(crate) struct Cells<'a> {
    row: &'a Row,
    parent: Option<&'a TemplateName>,
    faults: Vec<Fault>,
}

impl<'a> Cells<'a> {
    /// `parent` stands for a template that the row does not name.
    pub(crate) fn new(row: &'a Row, parent: Option<&'a TemplateName>) -> Self {
        Self {
            row,
            parent,
            faults: Vec::new(),
        }
    }

    /// Reports something about a column; never with the value.
    pub(crate) fn fault(&mut self, column: &str, what: impl Into<String>) {
        self.faults.push(Fault {
            line: self.row.line,
            column: column.to_owned(),
            what: what.into(),
        });
    }

    /// Tells whether nothing is wrong so far.
    pub(crate) fn is_good(&self) -> bool {
        self.faults.is_empty()
    }

    /// What is wrong.
    pub(crate) fn finish(self) -> Vec<Fault> {
        self.faults
    }

    /// All that the row says, as one text.
    pub(crate) fn content(&self) -> String {
        let cells = self.row.content();
        cells
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect()
    }

    pub(crate) fn is_given(&self, column: &str) -> bool {
        self.row.cells.contains_key(column)
    }

    /// A text; empty if it is not given.
    pub(crate) fn text(&mut self, column: &str) -> String {
        let text = self.row.cells.get(column).cloned().unwrap_or_default();
        if is_shortened(&text) {
            let what = "is a number that a spreadsheet has shortened; format the column as text";
            self.fault(column, what);
        }
        text
    }

    /// A whole number.
    pub(crate) fn number(&mut self, column: &str) -> Option<i64> {
        let text = self.row.cells.get(column)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.fault(column, "must be a whole number, such as 100 or -20");
        }
        number
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, column: &str) -> Option<bool> {
        match self.row.cells.get(column)?.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.fault(column, "must be true or false");
                None
            }
        }
    }

    /// A moment.
    pub(crate) fn moment(&mut self, column: &str) -> Option<prost_types::Timestamp> {
        let moment = Timestamp::from_str(self.row.cells.get(column)?);
        match moment {
            Ok(moment) => Some(prost_types::Timestamp {
                seconds: moment.as_second(),
                nanos: moment.subsec_nanosecond(),
            }),
            Err(_) => {
                self.fault(column, "must be a moment such as 2026-03-15T10:00:00+08:00");
                None
            }
        }
    }

    /// The id of the change, if it has one of its own.
    pub(crate) fn request_id(&mut self) -> Option<RequestId> {
        let id = self.text("request_id");
        (!id.is_empty()).then(|| RequestId::new(id)).and_then(|id| {
            id.map_err(|error| self.violations("request_id", &error))
                .ok()
        })
    }

    /// The template: `parent`, or what the command line says.
    pub(crate) fn template(&mut self) -> Option<TemplateName> {
        let parent = self.text("parent");
        match (parent.is_empty(), self.parent) {
            (true, Some(parent)) => Some(parent.clone()),
            (true, None) => {
                self.fault("parent", "is missing, here or as --parent");
                None
            }
            (false, _) => {
                let parsed = TemplateName::from_str(&parent);
                parsed
                    .map_err(|error| self.violations("parent", &error))
                    .ok()
            }
        }
    }

    /// The member: `name`, or a `code` of the template of the command line.
    pub(crate) fn member(&mut self) -> Option<MemberName> {
        let (name, code) = (self.text("name"), self.text("code"));
        let (column, parsed) = match (name.is_empty(), code.is_empty(), self.parent) {
            (false, true, _) => ("name", MemberName::from_str(&name)),
            (true, false, Some(parent)) => ("code", MemberName::new(parent.clone(), code)),
            (true, false, None) => {
                self.fault("code", "needs --parent, the template that it is of");
                return None;
            }
            (false, false, _) => {
                self.fault("code", "is given beside name; one of them is enough");
                return None;
            }
            (true, true, _) => {
                self.fault("name", "is missing, and so is code");
                return None;
            }
        };
        parsed.map_err(|error| self.violations(column, &error)).ok()
    }

    fn violations(&mut self, column: &str, error: &Error) {
        for FieldViolation { description, .. } in error.violations() {
            self.fault(column, description.as_str());
        }
    }
}

/// `4.78516E+11`: what a spreadsheet makes of a code of twelve digits.
fn is_shortened(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let digits = exponent.trim_start_matches('+');
    mantissa.contains('.')
        && mantissa
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && !digits.is_empty()
        && exponent.starts_with('+')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn a_shortened_number_is_told_from_codes_and_names() {
    for text in ["4.78516E+11", "4.8e+5"] {
        assert!(is_shortened(text), "{text}");
    }
    for text in [
        "478515832665",
        "E+11",
        "4E11",
        "a.bE+11",
        "4.7E+",
        "",
        "1.2.3",
    ] {
        assert!(!is_shortened(text), "{text}");
    }
}
