//! The configuration as a tree of values that know where they stand.
//!
//! The TOML file gives the tree, environment variables are laid over it, and only then is it read.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::Collector;
use super::origin::Origin;

/// The prefix of environment variables that override the file.
pub(super) const PREFIX: &str = "KABAO__";

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    String(String),
    Integer(i64),
    Boolean(bool),
    Float(f64),
    /// A TOML date or time, which no setting is.
    Date,
    Array(Vec<Node>),
    Table(Table),
    /// What stands in a file that cannot be read, which was told.
    Unreadable,
}

pub(super) type Table = BTreeMap<String, Node>;

impl Value {
    /// How the kind of value is called in a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Boolean(_) => "a boolean",
            Self::Float(_) => "a floating-point number",
            Self::Date => "a date",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
            Self::Unreadable => "a file that cannot be read",
        }
    }
}

/// Parses TOML and reports every syntax error; what could be understood is returned all the same. `file` is given if
/// it is not the configuration itself that stands there.
pub(super) fn parse(text: &str, file: Option<&Arc<str>>, mistakes: &Collector) -> Table {
    let lines = Lines::new(text, file);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let origin = error
            .span()
            .map_or(Origin::Whole, |span| lines.origin(span.start));
        mistakes.add(&origin, "", format!("TOML syntax: {}", error.message()));
    }
    table(document.get_ref(), &lines, mistakes, "")
}

/// Lays environment variables named `KABAO__SECTION__KEY` over the tree.
///
/// Values arrive as strings and are parsed by whoever reads them. The second name after `KABAO__ACCOUNTS__` is an
/// account's id in capitals with `_` for every other character: `KABAO__ACCOUNTS__ACME_BRAND__MCHID`.
pub(super) fn overlay(
    root: &mut Table,
    environment: impl IntoIterator<Item = (String, String)>,
    mistakes: &Collector,
) {
    let mut variables: Vec<_> = environment
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    variables.sort();
    for (name, value) in variables {
        let origin = Origin::Environment(name.clone());
        let path: Vec<&str> = name
            .strip_prefix(PREFIX)
            .unwrap_or_default()
            .split("__")
            .collect();
        if path.iter().any(|segment| segment.is_empty()) {
            mistakes.add(&origin, "", "expected KABAO__SECTION__KEY");
            continue;
        }
        let (table, path) = match path.as_slice() {
            ["ACCOUNTS", account, rest @ ..] if !rest.is_empty() => {
                let Some(table) = account_table(root, account) else {
                    mistakes.add(
                        &origin,
                        "accounts",
                        format!(
                            "no account in the file is spelled `{account}` in capitals, with `_` for other characters"
                        ),
                    );
                    continue;
                };
                (table, rest)
            }
            path => (&mut *root, path),
        };
        insert(table, path, &origin, value);
    }
}

fn account_table<'a>(root: &'a mut Table, wanted: &str) -> Option<&'a mut Table> {
    let Value::Array(accounts) = &mut root.get_mut("accounts")?.value else {
        return None;
    };
    accounts.iter_mut().find_map(|node| match &mut node.value {
        Value::Table(account) => {
            let named = matches!(
                account.get("id"),
                Some(Node { value: Value::String(id), .. }) if environment_name(id) == wanted
            );
            named.then_some(account)
        }
        _ => None,
    })
}

/// An account id as it is spelled in the name of an environment variable.
fn environment_name(id: &str) -> String {
    id.chars()
        .map(|c| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_uppercase(),
            false => '_',
        })
        .collect()
}

fn insert(table: &mut Table, path: &[&str], origin: &Origin, value: String) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    let key = key.to_ascii_lowercase();
    if rest.is_empty() {
        let node = Node {
            value: Value::String(value),
            origin: origin.clone(),
        };
        table.insert(key, node);
        return;
    }
    let entry = table.entry(key).or_insert_with(|| Node {
        value: Value::Table(Table::new()),
        origin: origin.clone(),
    });
    if !matches!(entry.value, Value::Table(_)) {
        // The file has a scalar where the variable names a section: the variable wins, the reader judges.
        *entry = Node {
            value: Value::Table(Table::new()),
            origin: origin.clone(),
        };
    }
    if let Value::Table(inner) = &mut entry.value {
        insert(inner, rest, origin, value);
    }
}

fn table(source: &DeTable<'_>, lines: &Lines<'_>, mistakes: &Collector, path: &str) -> Table {
    source
        .iter()
        .map(|(key, value)| {
            let name = key.get_ref().to_string();
            let path = join(path, &name);
            let node = node(
                value,
                lines.origin(key.span().start),
                lines,
                mistakes,
                &path,
            );
            (name, node)
        })
        .collect()
}

fn node(
    source: &Spanned<DeValue<'_>>,
    origin: Origin,
    lines: &Lines<'_>,
    mistakes: &Collector,
    path: &str,
) -> Node {
    let value = match source.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Integer(digits) => {
            match i64::from_str_radix(&digits.as_str().replace('_', ""), digits.radix()) {
                Ok(value) => Value::Integer(value),
                Err(_) => {
                    mistakes.add(&origin, path, "the integer does not fit into 64 bits");
                    Value::Integer(0)
                }
            }
        }
        DeValue::Float(digits) => {
            Value::Float(digits.as_str().replace('_', "").parse().unwrap_or(f64::NAN))
        }
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| {
                    let origin = lines.origin(item.span().start);
                    node(item, origin, lines, mistakes, path)
                })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(inner, lines, mistakes, path)),
    };
    Node { value, origin }
}

/// Joins a section's path and a key.
pub(super) fn join(path: &str, key: &str) -> String {
    match path.is_empty() {
        true => key.to_owned(),
        false => format!("{path}.{key}"),
    }
}

/// Turns byte offsets into lines and columns, both from 1; columns count characters.
struct Lines<'a> {
    text: &'a str,
    file: Option<&'a Arc<str>>,
    /// Where each line starts. A file of ten thousand accounts has a place for each of its values.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str, file: Option<&'a Arc<str>>) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            file,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    fn origin(&self, offset: usize) -> Origin {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..offset);
        let column = before.map_or(0, |before| before.chars().count()) + 1;
        match self.file {
            None => Origin::File { line, column },
            Some(file) => Origin::Other {
                file: Arc::clone(file),
                line,
                column,
            },
        }
    }
}
