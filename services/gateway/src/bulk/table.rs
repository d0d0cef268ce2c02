//! Files of members: CSV with a header, or JSON lines.

mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use clap::ValueEnum;
use serde_json::{Map, Value};

use self::read::{csv, fault, json_lines};

/// What the commands themselves put behind a row that was refused; ignored when they read it.
pub(crate) const REASON: &str = "reason";
pub(crate) const MESSAGE: &str = "message";

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values with a header row, in UTF-8.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

/// A file that was read. It holds personal data, so it has no `Debug`.
pub(crate) struct Table {
    pub(crate) format: Format,
    header: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// One row.
pub(crate) struct Row {
    /// Where it begins, from 1.
    pub(crate) line: u64,
    /// What is given, by column. An empty cell gives nothing.
    pub(crate) cells: BTreeMap<String, String>,
    raw: Raw,
}

/// The row as it stood there.
enum Raw {
    Csv(Vec<String>),
    Json(Map<String, Value>),
}

/// What is wrong with a row. It names the column and never the value, which is personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: u64,
    pub(crate) column: String,
    pub(crate) what: String,
}

impl Format {
    /// The format that the end of a name says.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column.is_empty() {
            true => write!(f, "{}: {}", self.line, self.what),
            false => write!(f, "{}: {}: {}", self.line, self.column, self.what),
        }
    }
}

/// Reads the bytes of a file; `-` is standard input.
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return fs::read(path);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Table {
    /// Reads rows.
    ///
    /// # Errors
    /// Everything that makes it another table than the one that was meant: bytes that are no UTF-8, columns that
    /// nobody knows, rows of another length.
    pub(crate) fn read(format: Format, bytes: &[u8], columns: &[&str]) -> Result<Self, Vec<Fault>> {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let mut faults = Vec::new();
        let table = match format {
            Format::Csv => csv(bytes, &mut faults),
            Format::Jsonl => json_lines(bytes, &mut faults),
        };
        table.unknown_columns(columns, &mut faults);
        match faults.is_empty() {
            true => Ok(table),
            false => Err(faults),
        }
    }

    fn unknown_columns(&self, columns: &[&str], faults: &mut Vec<Fault>) {
        let is_known = |name: &str| columns.contains(&name) || [REASON, MESSAGE].contains(&name);
        let mut seen = BTreeSet::new();
        let mut look = |line: u64, name: &String| {
            if !is_known(name) && seen.insert(name.clone()) {
                let known = columns.join(", ");
                let what = format!("is no column of this command; there are {known}");
                faults.push(fault(line, name, what));
            }
        };
        for name in &self.header {
            look(1, name);
        }
        for row in &self.rows {
            for name in row.cells.keys() {
                look(row.line, name);
            }
        }
    }

    /// Writes rows as they stood there, each with a reason and a message.
    pub(crate) fn write_back<'a>(
        &self,
        refused: impl Iterator<Item = (&'a Row, &'a str, &'a str)>,
    ) -> Vec<u8> {
        match self.format {
            Format::Csv => self.csv_back(refused).unwrap_or_default(),
            Format::Jsonl => {
                let mut lines = String::new();
                for (row, reason, message) in refused {
                    let mut object = match &row.raw {
                        Raw::Json(object) => object.clone(),
                        Raw::Csv(_) => Map::new(),
                    };
                    object.insert(REASON.to_owned(), reason.into());
                    object.insert(MESSAGE.to_owned(), message.into());
                    lines.push_str(&Value::Object(object).to_string());
                    lines.push('\n');
                }
                lines.into_bytes()
            }
        }
    }

    fn csv_back<'a>(
        &self,
        refused: impl Iterator<Item = (&'a Row, &'a str, &'a str)>,
    ) -> Option<Vec<u8>> {
        let kept: Vec<usize> = (0..)
            .zip(&self.header)
            .filter(|(_, name)| ![REASON, MESSAGE].contains(&name.as_str()))
            .map(|(place, _)| place)
            .collect();
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        let chosen = |cells: &[String], more: [&str; 2]| {
            let cells = kept.iter().filter_map(|place| cells.get(*place).cloned());
            cells.chain(more.map(str::to_owned)).collect::<Vec<_>>()
        };
        writer
            .write_record(chosen(&self.header, [REASON, MESSAGE]))
            .ok()?;
        for (row, reason, message) in refused {
            if let Raw::Csv(cells) = &row.raw {
                writer.write_record(chosen(cells, [reason, message])).ok()?;
            }
        }
        writer.into_inner().ok()
    }
}

impl Row {
    /// All that is given but what the commands themselves have put there, in one order.
    pub(crate) fn content(&self) -> impl Iterator<Item = (&str, &str)> {
        self.cells
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| ![REASON, MESSAGE].contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = ["name", "add", "initial_values.level"];

    fn read(format: Format, text: &str) -> Result<Table, Vec<String>> {
        Table::read(format, text.as_bytes(), &COLUMNS)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn both_formats_give_the_same_cells_with_their_lines() {
        let csv = "\u{feff}name,add,initial_values.level,message\r\na,1,,old\r\n\r\n,,,\r\n\"b\",-2, Gold ,\r\n";
        let json = "{\"name\":\"a\",\"add\":1,\"message\":\"old\"}\n\n\
             {\"name\":\"b\",\"add\":\"-2\",\"initial_values\":{\"level\":\"Gold\"}}";
        for (format, text, lines) in [(Format::Csv, csv, [2, 5]), (Format::Jsonl, json, [1, 3])] {
            let Ok(table) = read(format, text) else {
                panic!("{format:?}")
            };
            let rows: Vec<Vec<_>> = table
                .rows
                .iter()
                .map(|row| row.content().collect())
                .collect();
            let expected: [Vec<_>; 2] = [
                vec![("add", "1"), ("name", "a")],
                vec![
                    ("add", "-2"),
                    ("initial_values.level", "Gold"),
                    ("name", "b"),
                ],
            ];
            assert_eq!(rows, expected);
            let found: Vec<_> = table.rows.iter().map(|row| row.line).collect();
            assert_eq!(found, lines);
        }
    }

    #[test]
    fn what_makes_it_another_table_is_told_all_at_once() {
        let Err(faults) = read(Format::Csv, "name,ad,name\na,1\nb,2,3,4\n") else {
            panic!("the table is read")
        };
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(
            faults[0].starts_with("1: name: is a column twice"),
            "{faults:?}"
        );
        assert_eq!(faults[1], "2: has 2 cells, and the header has 3");
        assert_eq!(faults[2], "3: has 4 cells, and the header has 3");
        assert!(faults[3].starts_with("1: ad: is no column"), "{faults:?}");
        let Err(faults) = read(Format::Jsonl, "{\"add\": [1]}\nsecret\n{\"x\": 1}") else {
            panic!("the table is read")
        };
        assert_eq!(faults[0], "1: add: is a list, and no column holds one");
        assert_eq!(faults[1], "2: is no JSON object");
        assert!(faults[2].starts_with("3: x: is no column"), "{faults:?}");
        let faults = Table::read(Format::Csv, b"name\n\xd5\xc5\n", &COLUMNS).err();
        assert!(faults.unwrap()[0].to_string().contains("UTF-8"));
        let Err(faults) = read(Format::Csv, "") else {
            panic!("the table is read")
        };
        assert!(faults[0].contains("header"), "{faults:?}");
    }

    #[test]
    fn refused_rows_are_written_back_as_they_stood_with_reason_and_message() {
        let csv = "add,name,reason,message\n1,\"a,b\",OLD,old\n2,c,,\n";
        let Ok(table) = read(Format::Csv, csv) else {
            panic!("it is read")
        };
        let refused = table
            .rows
            .iter()
            .take(1)
            .map(|row| (row, "NEW", "new, \"too\""));
        let back = String::from_utf8(table.write_back(refused)).unwrap();
        let expected = "add,name,reason,message\n1,\"a,b\",NEW,\"new, \"\"too\"\"\"\n";
        assert_eq!(back, expected);
        assert!(read(Format::Csv, &back).is_ok());
        let Ok(table) = read(Format::Jsonl, "{\"name\":\"a\",\"add\":1}") else {
            panic!("it is read")
        };
        let refused = table.rows.iter().map(|row| (row, "NEW", "new"));
        let back = String::from_utf8(table.write_back(refused)).unwrap();
        let back: Value = serde_json::from_str(&back).unwrap();
        let expected =
            serde_json::json!({"name": "a", "add": 1, "reason": "NEW", "message": "new"});
        assert_eq!(back, expected);
    }
}
