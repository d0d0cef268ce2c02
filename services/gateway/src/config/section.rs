//! Reads one table of the configuration: typed access, and a word on every key that nobody asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{Node, Table, Value, join};
use super::environment::Environment;
use super::mistake::Collector;
use super::origin::Origin;
use super::present::Present;
use super::{fixed, suggest, unit};

/// One table that is being read. Each accessor takes a key and reports what is wrong with it.
#[derive(Debug)]
pub(super) struct Section<'a> {
    path: String,
    origin: Origin,
    /// What has not been read yet.
    table: Table,
    /// Every key of the table and where it stands.
    given: BTreeMap<String, Origin>,
    known: BTreeSet<&'static str>,
    surroundings: &'a Surroundings<'a>,
}

/// What all sections of one configuration share.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// The folder that relative paths start from: that of the configuration file.
    pub(super) folder: &'a Path,
    /// Seconds since 1970, to judge certificates by.
    pub(super) now: i64,
    /// Where `..._env` keys look.
    pub(super) environment: &'a Environment,
    pub(super) mistakes: &'a Collector,
    /// What is served already, and the files that are read.
    pub(super) present: &'a Present,
}

/// A value together with the place where it stands.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) key: String,
    pub(super) origin: Origin,
}

impl<'a> Section<'a> {
    pub(super) fn root(table: Table, surroundings: &'a Surroundings<'a>) -> Self {
        Self::new(String::new(), Origin::Whole, table, surroundings)
    }

    pub(super) fn new(
        path: String,
        origin: Origin,
        table: Table,
        surroundings: &'a Surroundings<'a>,
    ) -> Self {
        let given = table
            .iter()
            .map(|(key, node)| (key.clone(), node.origin.clone()))
            .collect();
        Self {
            path,
            origin,
            table,
            given,
            known: BTreeSet::new(),
            surroundings,
        }
    }

    pub(super) fn surroundings(&self) -> &'a Surroundings<'a> {
        self.surroundings
    }

    /// Whether the key is given, whatever its value and whether or not it was read already.
    pub(super) fn has(&self, key: &str) -> bool {
        self.given.contains_key(key)
    }

    /// All that has not been read yet, as one text for digests.
    pub(super) fn text(&self) -> String {
        fixed::text(&self.table)
    }

    /// The path of a key, as mistakes name it.
    pub(super) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Reports a mistake of the section as a whole, or of a key that is not there.
    pub(super) fn mistake(&self, key: &str, message: impl Into<String>) {
        let origin = self.given.get(key).unwrap_or(&self.origin);
        let path = match key.is_empty() {
            true => self.path.clone(),
            false => join(&self.path, key),
        };
        self.surroundings.mistakes.add(origin, path, message);
    }

    /// Reports a mistake of a value that was read.
    pub(super) fn reject<T>(&self, located: &Located<T>, message: impl Into<String>) {
        self.surroundings
            .mistakes
            .add(&located.origin, located.key.clone(), message);
    }

    /// A table inside this one; an absent one reads as empty.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'a> {
        let path = join(&self.path, key);
        match self.take(key) {
            Some(Node {
                value: Value::Table(table),
                origin,
            }) => Section::new(path, origin, table, self.surroundings),
            Some(other) => {
                self.mismatch(&path, &other, "a table");
                Section::new(path, other.origin, Table::new(), self.surroundings)
            }
            None => Section::new(path, self.origin.clone(), Table::new(), self.surroundings),
        }
    }

    /// Whether anything stands in an array of tables that was not read yet. What stands there in place of an array is
    /// told by whoever reads it.
    pub(super) fn has_entries(&self, key: &str) -> bool {
        match self.table.get(key).map(|node| &node.value) {
            None => false,
            Some(Value::Array(items)) => !items.is_empty(),
            Some(_) => true,
        }
    }

    /// The tables of an array of tables.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Node> {
        match self.take(key) {
            None => Vec::new(),
            Some(Node {
                value: Value::Array(items),
                ..
            }) => items,
            Some(other) => {
                self.mismatch(&join(&self.path, key), &other, "an array of tables");
                Vec::new()
            }
        }
    }

    pub(super) fn string(&mut self, key: &'static str) -> Option<Located<String>> {
        self.read(key, "a string", |value| match value {
            Value::String(text) => Some(Ok(text)),
            _ => None,
        })
    }

    /// A string that must be there and not empty.
    pub(super) fn required_string(&mut self, key: &'static str) -> Option<Located<String>> {
        if !self.has(key) {
            self.known.insert(key);
            self.mistake(key, "is required");
            return None;
        }
        let text = self.string(key)?;
        if text.value.is_empty() {
            self.reject(&text, "must not be empty");
            return None;
        }
        Some(text)
    }

    /// A list of strings; those that are none are reported.
    pub(super) fn strings(&mut self, key: &'static str) -> Option<Vec<Located<String>>> {
        let node = self.take(key)?;
        let path = join(&self.path, key);
        let Value::Array(items) = node.value else {
            self.mismatch(&path, &node, "an array of strings");
            return None;
        };
        let mut texts = Vec::new();
        for (index, Node { value, origin }) in items.into_iter().enumerate() {
            let key = format!("{path}[{index}]");
            match value {
                Value::String(value) => texts.push(Located { value, key, origin }),
                other => {
                    let message = format!("must be a string, not {}", other.kind());
                    self.surroundings.mistakes.add(&origin, key, message);
                }
            }
        }
        Some(texts)
    }

    /// The path of a file, made absolute against the folder of the configuration.
    pub(super) fn path(&mut self, key: &'static str) -> Option<Located<PathBuf>> {
        let text = self.string(key)?;
        if text.value.is_empty() {
            self.reject(&text, "must not be empty");
            return None;
        }
        Some(Located {
            value: self.surroundings.folder.join(&text.value),
            key: text.key,
            origin: text.origin,
        })
    }

    /// The paths of files, each made absolute against the folder of the configuration.
    pub(super) fn paths(&mut self, key: &'static str) -> Option<Vec<Located<PathBuf>>> {
        let texts = self.strings(key)?;
        if texts.is_empty() {
            self.mistake(key, "must not be empty; leave it out if there is no file");
        }
        let mut paths = Vec::new();
        for text in texts {
            if text.value.is_empty() {
                self.reject(&text, "must not be empty");
            }
            paths.push(Located {
                value: self.surroundings.folder.join(&text.value),
                key: text.key,
                origin: text.origin,
            });
        }
        Some(paths)
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.string(key)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let names: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.reject(&text, format!("must be one of {}", names.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    pub(super) fn address(&mut self, key: &'static str, default: SocketAddr) -> SocketAddr {
        let Some(text) = self.string(key) else {
            return default;
        };
        text.value.parse().unwrap_or_else(|_| {
            self.reject(
                &text,
                "is not an address; write an IP and a port, such as `127.0.0.1:50051` or `[::]:50051`",
            );
            default
        })
    }

    /// A duration between `least` and `most`.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        default: Duration,
        (least, most): (Duration, Duration),
    ) -> Duration {
        let Some(text) = self.string(key) else {
            return default;
        };
        match unit::parse_duration(&text.value) {
            Some(value) if (least..=most).contains(&value) => value,
            Some(_) => {
                let (least, most) = (unit::duration(least), unit::duration(most));
                self.reject(&text, format!("must be between {least} and {most}"));
                default
            }
            None => {
                self.reject(
                    &text,
                    "is not a duration; write a whole number and a unit, such as `500ms`, `20s`, `5m` or `1h`",
                );
                default
            }
        }
    }

    /// A number of bytes between `least` and `most`, as an integer or as text such as `4MiB`.
    pub(super) fn bytes(
        &mut self,
        key: &'static str,
        default: u32,
        (least, most): (u32, u32),
    ) -> u32 {
        let read = self.read(key, "a number of bytes such as `4MiB`", |value| {
            let bytes = match value {
                Value::Integer(number) => u64::try_from(number).ok(),
                Value::String(text) => unit::parse_bytes(&text),
                _ => return None,
            };
            Some(bytes.ok_or_else(|| {
                "is not a size; write a whole number of bytes, or one with `KiB` or `MiB`"
                    .to_owned()
            }))
        });
        let range = || {
            format!(
                "must be between {} and {}",
                unit::bytes(least),
                unit::bytes(most)
            )
        };
        self.ranged(read, default, (least, most), range)
    }

    /// A whole number between `least` and `most`.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        default: u32,
        (least, most): (u32, u32),
    ) -> u32 {
        let read = self.read(key, "an integer", |value| {
            let number = match value {
                Value::Integer(number) => Some(number),
                Value::String(text) => text.parse().ok(),
                _ => return None,
            };
            Some(number.ok_or_else(|| "is not a whole number".to_owned()))
        });
        let read = read.map(|located| Located {
            value: u64::try_from(located.value).unwrap_or(u64::MAX),
            key: located.key,
            origin: located.origin,
        });
        self.ranged(read, default, (least, most), || {
            format!("must be between {least} and {most}")
        })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        let read = self.read(key, "`true` or `false`", |value| match value {
            Value::Boolean(value) => Some(Ok(value)),
            // From the environment.
            Value::String(text) => text.parse().ok().map(Ok),
            _ => None,
        });
        read.map_or(default, |located| located.value)
    }

    /// A number from 0 to 1.
    pub(super) fn ratio(&mut self, key: &'static str, default: f64) -> f64 {
        let read = self.read(key, "a number", |value| {
            let number = match value {
                Value::Float(number) => Some(number),
                Value::Integer(0) => Some(0.0),
                Value::Integer(1) => Some(1.0),
                Value::Integer(_) => None,
                Value::String(text) => text.parse().ok(),
                _ => return None,
            };
            Some(
                number
                    .filter(|number| (0.0..=1.0).contains(number))
                    .ok_or_else(|| "must be between 0 and 1".to_owned()),
            )
        });
        read.map_or(default, |located| located.value)
    }

    /// Declares a key that is valid elsewhere but wrong here, and says why.
    pub(super) fn refuse(&mut self, key: &'static str, why: &str) {
        if self.table.remove(key).is_some() {
            self.mistake(key, why);
        }
    }

    /// Declares a key that may stand here but is not looked at.
    pub(super) fn ignore(&mut self, key: &'static str) {
        self.take(key);
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self) {
        for (key, node) in &self.table {
            if self.known.contains(key.as_str()) {
                continue;
            }
            let mut message = "is not a setting".to_owned();
            if let Some(similar) = suggest::similar(key, self.known.iter().copied()) {
                message.push_str(&format!("; did you mean `{similar}`?"));
            } else if !self.known.is_empty() {
                let known: Vec<_> = self.known.iter().map(|key| format!("`{key}`")).collect();
                message.push_str(&format!("; known here: {}", known.join(", ")));
            }
            self.surroundings
                .mistakes
                .add(&node.origin, join(&self.path, key), message);
        }
    }

    fn ranged(
        &self,
        read: Option<Located<u64>>,
        default: u32,
        (least, most): (u32, u32),
        range: impl FnOnce() -> String,
    ) -> u32 {
        let Some(read) = read else {
            return default;
        };
        match u32::try_from(read.value) {
            Ok(value) if (least..=most).contains(&value) => value,
            _ => {
                self.reject(&read, range());
                default
            }
        }
    }

    /// Reads a key; `convert` gives `None` for a value of the wrong kind and an error text for a bad one.
    fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        convert: impl FnOnce(Value) -> Option<Result<T, String>>,
    ) -> Option<Located<T>> {
        let Node { value, origin } = self.take(key)?;
        let path = join(&self.path, key);
        let kind = value.kind();
        let message = match convert(value) {
            Some(Ok(value)) => {
                return Some(Located {
                    value,
                    key: path,
                    origin,
                });
            }
            Some(Err(message)) => message,
            None => format!("must be {expected}, not {kind}"),
        };
        self.surroundings.mistakes.add(&origin, path, message);
        None
    }

    fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.insert(key);
        self.table.remove(key)
    }

    fn mismatch(&self, path: &str, node: &Node, expected: &str) {
        let message = format!("must be {expected}, not {}", node.value.kind());
        self.surroundings.mistakes.add(&node.origin, path, message);
    }
}
