//! Log lines as JSON, one object a line.
//!
//! The formatter of `tracing-subscriber` reads the fields of a span back for every line, and again to add one. Here what
//! is written once is copied.

mod members;

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use tracing::span::Record;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use self::members::{Escaped, Members, Repeats};

/// Writes the fields of spans, and lines with the members `timestamp`, `level`, those of the event, `target` and, within
/// spans, `spans` from the outermost to the innermost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines;

impl<'w> FormatFields<'w> for Lines {
    /// Writes the members of an object without its braces, so that more can follow.
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut members = Members::new(&mut writer, false);
        fields.record(&mut members);
        members.end()
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        let mut repeats = Repeats {
            written: &current.fields,
            found: false,
        };
        fields.record(&mut repeats);
        let is_repeated = repeats.found;
        let is_first = current.fields.is_empty();
        let mut members = Members::new(&mut current.fields, !is_first);
        fields.record(&mut members);
        members.end()?;
        if is_repeated {
            renew(&mut current.fields)?;
        }
        Ok(())
    }
}

impl<S> FormatEvent<S, Self> for Lines
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Self>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, "\",\"level\":\"{}\"", metadata.level())?;
        let mut members = Members::new(&mut writer, true);
        event.record(&mut members);
        members.end()?;
        writer.write_str(",\"target\":\"")?;
        Escaped(&mut writer).write_str(metadata.target())?;
        writer.write_char('"')?;
        if let Some(scope) = context.event_scope() {
            let mut before = ",\"spans\":[{";
            for span in scope.from_root() {
                writer.write_str(before)?;
                before = ",{";
                if let Some(fields) = span.extensions().get::<FormattedFields<Self>>()
                    && !fields.is_empty()
                {
                    writer.write_str(fields)?;
                    writer.write_char(',')?;
                }
                writer.write_str("\"name\":\"")?;
                Escaped(&mut writer).write_str(span.name())?;
                writer.write_str("\"}")?;
            }
            writer.write_char(']')?;
        }
        writer.write_str("}\n")
    }
}

/// Has each member once, with the value that was written last.
fn renew(members: &mut String) -> fmt::Result {
    let object = format!("{{{members}}}");
    let object: Map<String, Value> = serde_json::from_str(&object).map_err(|_| fmt::Error)?;
    let object = serde_json::to_string(&object).map_err(|_| fmt::Error)?;
    let inner = object.strip_prefix('{').and_then(|o| o.strip_suffix('}'));
    inner.ok_or(fmt::Error)?.clone_into(members);
    Ok(())
}

#[cfg(test)]
mod tests;
