//! The file that members are written into.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::member::State as MemberState;
use serde_json::{Map, Value};

use crate::bulk::table::Format;

/// The columns of a member. The last one is never quoted, so that a row that was cut off lacks it.
const MEMBER: [&str; 11] = [
    "name",
    "state",
    "upstream_state",
    "openid",
    "membership_number",
    "level",
    "balance",
    "points",
    "background_picture_url",
    "nickname",
    "change_in_progress",
];

/// The file that members are written into.
pub(super) struct Output {
    file: File,
    path: PathBuf,
    format: Format,
    /// Who is in it.
    pub(super) names: HashSet<String>,
}

impl Output {
    /// Opens the file, makes it if there is none, and takes away what a crash has cut off at its end.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let failed =
            |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
        let format = Format::of(path).ok_or_else(|| {
            format!(
                "--output {} ends in neither .csv nor .jsonl",
                path.display()
            )
        })?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.mode(0o600).open(path).map_err(failed)?;
        file.try_lock()
            .map_err(|error| format!("{} is used by another run: {error}", path.display()))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let foreign = || {
            format!(
                "{} is there already and is no export of members; name another file",
                path.display()
            )
        };
        let (names, whole) = match format {
            Format::Csv => csv_names(&text).ok_or_else(foreign)?,
            Format::Jsonl => json_names(&text).ok_or_else(foreign)?,
        };
        file.set_len(u64::try_from(whole).unwrap_or_default())
            .map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut output = Self {
            file,
            path: path.to_owned(),
            format,
            names,
        };
        if whole == 0 && format == Format::Csv {
            output.write(&record(MEMBER.map(str::to_owned).as_slice()))?;
        }
        Ok(output)
    }

    /// Writes members, and has them on the disk when it returns.
    pub(super) fn append(&mut self, members: &[proto::Member]) -> Result<(), String> {
        let mut bytes = Vec::new();
        for member in members {
            match self.format {
                Format::Csv => bytes.extend(record(&cells(member))),
                Format::Jsonl => {
                    let object = Value::Object(object(member));
                    bytes.extend(format!("{object}\n").into_bytes());
                }
            }
        }
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = self
            .file
            .write_all(bytes)
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| format!("{} cannot be written: {error}", self.path.display()))
    }
}

fn record(cells: &[String]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into memory does not fail.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}

/// The members in a file, and how much of it is whole; `None` if it is something else.
fn csv_names(text: &[u8]) -> Option<(HashSet<String>, usize)> {
    let mut names = HashSet::new();
    if text.is_empty() {
        return Some((names, 0));
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    // A row may be cut off in the middle of a character.
    let mut found = csv::ByteRecord::new();
    let mut whole = 0;
    while reader.read_byte_record(&mut found).ok()? {
        let end = usize::try_from(reader.position().byte()).ok()?;
        let is_last = end == text.len();
        let is_cut_off = is_last && !(text.ends_with(b"\n") && found.len() == MEMBER.len());
        if is_cut_off {
            break;
        }
        if whole == 0 {
            if found.iter().ne(MEMBER.map(str::as_bytes)) {
                return None;
            }
        } else {
            names.insert(str::from_utf8(found.get(0)?).ok()?.to_owned());
        }
        whole = end;
    }
    Some((names, whole))
}

fn json_names(text: &[u8]) -> Option<(HashSet<String>, usize)> {
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let text = str::from_utf8(text.get(..whole)?).ok()?;
    let names = text.lines().map(|line| {
        let object: Value = serde_json::from_str(line).ok()?;
        Some(object.get("name")?.as_str()?.to_owned())
    });
    Some((names.collect::<Option<_>>()?, whole))
}

fn state(member: &proto::Member) -> String {
    let name = MemberState::try_from(member.state).map_or("", |state| state.as_str_name());
    name.trim_start_matches("STATE_").to_owned()
}

fn cells(member: &proto::Member) -> [String; MEMBER.len()] {
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    [
        member.name.clone(),
        state(member),
        member.upstream_state.clone(),
        member.openid.clone(),
        member.membership_number.clone(),
        member.level.clone(),
        number(member.balance),
        number(member.points),
        member.background_picture_url.clone(),
        member.nickname.clone(),
        member.change_in_progress.to_string(),
    ]
}

fn object(member: &proto::Member) -> Map<String, Value> {
    let mut object = Map::new();
    for (column, cell) in MEMBER.into_iter().zip(cells(member)) {
        let value = match column {
            "balance" => member.balance.map_or(Value::Null, Value::from),
            "points" => member.points.map_or(Value::Null, Value::from),
            "change_in_progress" => Value::Bool(member.change_in_progress),
            _ => Value::String(cell),
        };
        if value != Value::Null && value != Value::String(String::new()) {
            object.insert(column.to_owned(), value);
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Vec<proto::Member> {
        let member = |code: &str, nickname: &str| proto::Member {
            name: format!("accounts/a/templates/t/members/{code}"),
            state: MemberState::Active.into(),
            points: Some(5),
            nickname: nickname.to_owned(),
            ..proto::Member::default()
        };
        vec![member("1", "林\n\"间\""), member("2", ""), member("3", "c")]
    }

    fn written(format: Format) -> Vec<u8> {
        let header = record(MEMBER.map(str::to_owned).as_slice());
        let mut text = match format {
            Format::Csv => header,
            Format::Jsonl => Vec::new(),
        };
        for member in members() {
            text.extend(match format {
                Format::Csv => record(&cells(&member)),
                Format::Jsonl => format!("{}\n", Value::Object(object(&member))).into_bytes(),
            });
        }
        text
    }

    /// However a file is cut off, what is left of it is whole rows, and the others are read again.
    #[test]
    fn what_a_crash_has_cut_off_is_found_at_every_byte() {
        type Names = fn(&[u8]) -> Option<(HashSet<String>, usize)>;
        let formats: [(Format, Names); 2] = [(Format::Csv, csv_names), (Format::Jsonl, json_names)];
        for (format, names) in formats {
            let text = written(format);
            let mut before = 0;
            for end in 0..=text.len() {
                let (found, whole) = names(&text[..end]).unwrap();
                assert!(whole <= end && found.len() >= before, "{format:?} {end}");
                assert_eq!(names(&text[..whole]).unwrap(), (found.clone(), whole));
                let expected: HashSet<_> = members()
                    .into_iter()
                    .take(found.len())
                    .map(|member| member.name)
                    .collect();
                assert_eq!(found, expected, "{format:?} {end}");
                before = found.len();
            }
            assert_eq!(before, 3);
        }
    }

    #[test]
    fn another_file_is_not_written_into() {
        assert!(csv_names(b"code,openid\n1,2\n").is_none());
        assert!(json_names(b"{\"code\": 1}\n").is_none());
    }

    #[test]
    fn a_member_is_an_object_of_what_is_known() {
        let object = object(&members()[1]);
        let expected = serde_json::json!({
            "name": "accounts/a/templates/t/members/2",
            "state": "ACTIVE",
            "points": 5,
            "change_in_progress": false,
        });
        assert_eq!(Value::Object(object), expected);
    }
}
