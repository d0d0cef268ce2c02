//! Reads rows, whatever they are written in.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Fault, Format, Raw, Row, Table};

pub(super) fn fault(line: u64, column: &str, what: impl Into<String>) -> Fault {
    Fault {
        line,
        column: column.to_owned(),
        what: what.into(),
    }
}

const NOT_UTF_8: &str = "is not in UTF-8; spreadsheets call what is needed \"CSV UTF-8\"";

pub(super) fn csv(bytes: &[u8], faults: &mut Vec<Fault>) -> Table {
    let mut table = Table {
        format: Format::Csv,
        header: Vec::new(),
        rows: Vec::new(),
    };
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut record = ::csv::ByteRecord::new();
    let mut lines = Lines::new(bytes);
    loop {
        let line = lines.at(reader.position().byte());
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                faults.push(fault(line, "", error.to_string()));
                break;
            }
        }
        let cells: Option<Vec<String>> = record
            .iter()
            .map(|cell| Some(str::from_utf8(cell).ok()?.trim().to_owned()))
            .collect();
        let Some(cells) = cells else {
            faults.push(fault(line, "", NOT_UTF_8));
            continue;
        };
        if table.header.is_empty() {
            for (place, name) in cells.iter().enumerate() {
                if cells.iter().take(place).any(|other| other == name) {
                    faults.push(fault(line, name, "is a column twice"));
                }
            }
            table.header = cells;
            continue;
        }
        // What a spreadsheet leaves below the last row.
        if cells.iter().all(String::is_empty) {
            continue;
        }
        if cells.len() != table.header.len() {
            let what = format!(
                "has {} cells, and the header has {}",
                cells.len(),
                table.header.len()
            );
            faults.push(fault(line, "", what));
            continue;
        }
        let given = table.header.iter().cloned().zip(cells.iter().cloned());
        table.rows.push(Row {
            line,
            cells: given.filter(|(_, cell)| !cell.is_empty()).collect(),
            raw: Raw::Csv(cells),
        });
    }
    if table.header.is_empty() {
        faults.push(fault(
            1,
            "",
            "a header row is missing: the names of the columns",
        ));
    }
    table
}

/// Counts lines. The reader's own count is that of the end of the row before.
struct Lines<'a> {
    bytes: &'a [u8],
    seen: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            seen: 0,
            line: 1,
        }
    }

    /// The line of the first row from a place on; places only grow.
    fn at(&mut self, place: u64) -> u64 {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let rest = self.bytes.get(place..).unwrap_or_default();
        let empty = rest.iter().take_while(|byte| [b'\r', b'\n'].contains(byte));
        let start = place + empty.count();
        let passed = self.bytes.get(self.seen..start).unwrap_or_default();
        let ends = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line += u64::try_from(ends).unwrap_or_default();
        self.seen = start;
        self.line
    }
}

pub(super) fn json_lines(bytes: &[u8], faults: &mut Vec<Fault>) -> Table {
    let mut rows = Vec::new();
    for (line, bytes) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let Ok(text) = str::from_utf8(bytes) else {
            faults.push(fault(line, "", NOT_UTF_8));
            continue;
        };
        if text.trim().is_empty() {
            continue;
        }
        // The words of the parser could quote a value.
        let Ok(Value::Object(object)) = serde_json::from_str(text) else {
            faults.push(fault(line, "", "is no JSON object"));
            continue;
        };
        let mut cells = BTreeMap::new();
        flatten("", &object, line, &mut cells, faults);
        rows.push(Row {
            line,
            cells,
            raw: Raw::Json(object),
        });
    }
    Table {
        format: Format::Jsonl,
        header: Vec::new(),
        rows,
    }
}

/// `{"initial_values": {"level": "Gold"}}` is the column `initial_values.level`.
fn flatten(
    prefix: &str,
    object: &Map<String, Value>,
    line: u64,
    cells: &mut BTreeMap<String, String>,
    faults: &mut Vec<Fault>,
) {
    for (name, value) in object {
        let name = format!("{prefix}{name}");
        let text = match value {
            Value::Null => continue,
            Value::Object(inner) => {
                flatten(&format!("{name}."), inner, line, cells, faults);
                continue;
            }
            Value::Array(_) => {
                faults.push(fault(line, &name, "is a list, and no column holds one"));
                continue;
            }
            Value::String(text) => text.trim().to_owned(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
        };
        if !text.is_empty() {
            cells.insert(name, text);
        }
    }
}
