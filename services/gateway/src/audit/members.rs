//! The members of a record as JSON text, in the order in which they are put.

use std::fmt::Write as _;

/// The inside of a JSON object.
#[derive(Clone, Debug, Default)]
pub(super) struct Members(String);

impl Members {
    /// Begins a record of a kind.
    pub(super) fn of_kind(kind: &str) -> Self {
        let mut members = Self::default();
        members.text("kind", kind);
        members
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quote(value);
    }

    /// Puts a text that may not be there.
    pub(super) fn given(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub(super) fn number(&mut self, name: &str, value: impl Into<i128>) {
        self.name(name);
        let _ = write!(self.0, "{}", value.into());
    }

    pub(super) fn truth(&mut self, name: &str, value: bool) {
        self.name(name);
        let _ = write!(self.0, "{value}");
    }

    /// Puts a list of texts, unless it is empty.
    pub(super) fn texts(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return;
        }
        self.name(name);
        self.0.push('[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.quote(&value);
        }
        self.0.push(']');
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn name(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        let _ = write!(self.0, "\"{name}\":");
    }

    fn quote(&mut self, text: &str) {
        // A text is always JSON.
        self.0
            .push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}
