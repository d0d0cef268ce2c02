//! Members of a JSON object, written as they come.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};

/// Writes fields as members, without the braces around them.
pub(super) struct Members<'w> {
    writer: &'w mut dyn Write,
    follows: bool,
    result: fmt::Result,
}

impl<'w> Members<'w> {
    /// Starts; `follows` says that there are members before.
    pub(super) fn new(writer: &'w mut dyn Write, follows: bool) -> Self {
        Self {
            writer,
            follows,
            result: Ok(()),
        }
    }

    /// Returns whether all could be written.
    pub(super) fn end(self) -> fmt::Result {
        self.result
    }

    /// Writes a member whose value needs no quotes.
    fn plain(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.result = self
            .result
            .and_then(|()| self.key(field))
            .and_then(|()| self.writer.write_fmt(value));
    }

    /// Writes a member whose value is a text.
    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.plain(field, format_args!("\""));
        self.result = self
            .result
            .and_then(|()| Escaped(self.writer).write_fmt(value))
            .and_then(|()| self.writer.write_char('"'));
    }

    fn key(&mut self, field: &Field) -> fmt::Result {
        if self.follows {
            self.writer.write_char(',')?;
        }
        self.follows = true;
        // The names of fields are those of the code, so there is nothing to escape.
        write!(self.writer, "\"{}\":", name(field))
    }
}

impl Visit for Members<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        match value.is_finite() {
            true => self.plain(field, format_args!("{value:?}")),
            false => self.plain(field, format_args!("null")),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }
}

/// Finds out whether a field stands among members already.
pub(super) struct Repeats<'w> {
    pub(super) written: &'w str,
    pub(super) found: bool,
}

impl Visit for Repeats<'_> {
    fn record_debug(&mut self, field: &Field, _: &dyn Debug) {
        let name = name(field);
        // Within a value the quote before the colon would be escaped.
        self.found |= self.written.match_indices(name).any(|(at, _)| {
            let before = self.written.get(..at);
            let after = self.written.get(at.saturating_add(name.len())..);
            before.is_some_and(|text| text.ends_with('"'))
                && after.is_some_and(|text| text.starts_with("\":"))
        });
    }
}

/// Writes text as the inside of a JSON string.
pub(super) struct Escaped<'w>(pub(super) &'w mut dyn Write);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let special = |c: char| c < ' ' || c == '"' || c == '\\';
        for piece in text.split_inclusive(special) {
            let Some(last) = piece.chars().next_back().filter(|c| special(*c)) else {
                self.0.write_str(piece)?;
                continue;
            };
            self.0.write_str(piece.trim_end_matches(last))?;
            match last {
                '"' => self.0.write_str("\\\"")?,
                '\\' => self.0.write_str("\\\\")?,
                '\n' => self.0.write_str("\\n")?,
                '\r' => self.0.write_str("\\r")?,
                '\t' => self.0.write_str("\\t")?,
                other => write!(self.0, "\\u{:04x}", u32::from(other))?,
            }
        }
        Ok(())
    }
}

/// The name of a field; one that is a word of Rust's has a mark in the code.
fn name(field: &Field) -> &'static str {
    let name = field.name();
    name.strip_prefix("r#").unwrap_or(name)
}
