//! What became of the rows of a file, beside it: so that a run which broke off goes on, and nothing is sent twice.
//!
//! The gateway remembers every change as well, but for a time, and it cannot see that a file was edited. The lines
//! that say what is about to be sent are on the disk before it leaves. There is no personal data in them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

const VERSION: u64 = 1;

/// What a file is compared with before it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) command: &'static str,
    pub(crate) server: String,
    pub(crate) id: String,
    pub(crate) contents: String,
    pub(crate) rows: usize,
}

/// How far a row got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Never sent.
    #[default]
    New,
    /// Sent for the first time then, in seconds since 1970, and without an end.
    Sent(i64),
    /// Done, and sent for the first time then.
    Done(i64),
    /// Refused for good.
    Refused {
        reason: String,
        message: String,
        /// Whether it stands in an error file.
        is_reported: bool,
    },
}

/// The state of a file.
pub(crate) struct State {
    file: File,
    path: PathBuf,
    rows: Vec<Progress>,
    /// An error file that was about to be written.
    unfinished: Option<(PathBuf, Vec<usize>)>,
    is_new: bool,
}

impl State {
    /// Opens the state of a file, and makes it if there is none.
    ///
    /// # Errors
    /// If it belongs to other contents, to another gateway or to another command, or somebody uses it.
    pub(crate) fn open(path: &Path, header: &Header) -> Result<Self, String> {
        let failed = |error: std::io::Error| {
            format!(
                "{} cannot be written: {error}; --state names another file",
                path.display()
            )
        };
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.mode(0o600).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!("{} is used by another run", path.display()));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        // A line that a crash has cut off was never relied upon.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(u64::try_from(whole).unwrap_or_default())
            .map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut state = Self {
            file,
            path: path.to_owned(),
            rows: vec![Progress::New; header.rows],
            unfinished: None,
            is_new: whole == 0,
        };
        let mut lines = text.get(..whole).unwrap_or_default().lines();
        match lines.next() {
            None => {
                state.append(&header.line())?;
                state.sync()?;
                sync_folder(path).map_err(failed)?;
            }
            Some(first) => {
                header.compare(path, first)?;
                for line in lines {
                    state
                        .apply(line)
                        .ok_or_else(|| format!("{} is damaged; nothing is sent", path.display()))?;
                }
            }
        }
        Ok(state)
    }

    /// Tells whether nothing has ever been sent by it.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// How far each row got.
    pub(crate) fn rows(&self) -> &[Progress] {
        &self.rows
    }

    /// Says that rows are about to be sent; on the disk when it returns.
    pub(crate) fn sent(&mut self, rows: &[usize], now: i64) -> Result<(), String> {
        let fresh: Vec<usize> = rows
            .iter()
            .copied()
            .filter(|row| self.rows.get(*row) == Some(&Progress::New))
            .collect();
        if fresh.is_empty() {
            return Ok(());
        }
        self.write(&json!({"sent": fresh, "at": now}))?;
        self.sync()
    }

    /// Says that a row was not sent after all.
    pub(crate) fn unsent(&mut self, row: usize) -> Result<(), String> {
        self.write(&json!({"unsent": row}))
    }

    /// Says that a row is done.
    pub(crate) fn done(&mut self, row: usize) -> Result<(), String> {
        self.write(&json!({"done": row}))
    }

    /// Says that a row was refused for good.
    pub(crate) fn refused(
        &mut self,
        row: usize,
        reason: &str,
        message: &str,
    ) -> Result<(), String> {
        self.write(&json!({"refused": row, "reason": reason, "message": message}))
    }

    /// Says that refused rows are about to be written into an error file; on the disk when it returns.
    pub(crate) fn reporting(&mut self, file: &Path, rows: &[usize]) -> Result<(), String> {
        self.write(&json!({"reporting": rows, "file": file.display().to_string()}))?;
        self.sync()
    }

    /// Says that the error file is on the disk.
    pub(crate) fn reported(&mut self) -> Result<(), String> {
        self.write(&json!({"reported": true}))?;
        self.sync()
    }

    /// The error file that an earlier run was about to write, with its rows.
    pub(crate) fn unfinished_report(&self) -> Option<(PathBuf, Vec<usize>)> {
        self.unfinished.clone()
    }

    fn write(&mut self, line: &Value) -> Result<(), String> {
        let line = line.to_string();
        self.apply(&line)
            .ok_or_else(|| format!("{} takes no such line", self.path.display()))?;
        self.append(&line)
    }

    fn append(&mut self, line: &str) -> Result<(), String> {
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        written.map_err(|error| format!("{} cannot be written: {error}", self.path.display()))
    }

    pub(crate) fn sync(&mut self) -> Result<(), String> {
        let synced = self.file.sync_data();
        synced.map_err(|error| format!("{} cannot be synced: {error}", self.path.display()))
    }

    /// Does what a line says.
    fn apply(&mut self, line: &str) -> Option<()> {
        let line: Value = serde_json::from_str(line).ok()?;
        if let Some(rows) = line.get("sent") {
            let at = line.get("at")?.as_i64()?;
            for row in numbers(rows)? {
                *self.rows.get_mut(row)? = Progress::Sent(at);
            }
        } else if let Some(row) = line.get("done") {
            let progress = self.row(row)?;
            match progress {
                Progress::Sent(at) => *progress = Progress::Done(*at),
                _ => return None,
            }
        } else if let Some(row) = line.get("unsent") {
            *self.row(row)? = Progress::New;
        } else if let Some(row) = line.get("refused") {
            let text = |key: &str| Some(line.get(key)?.as_str()?.to_owned());
            *self.row(row)? = Progress::Refused {
                reason: text("reason")?,
                message: text("message")?,
                is_reported: false,
            };
        } else if let Some(rows) = line.get("reporting") {
            let file = PathBuf::from(line.get("file")?.as_str()?);
            self.unfinished = Some((file, numbers(rows)?));
        } else if line.get("reported").is_some() {
            let (_, rows) = self.unfinished.take()?;
            for row in rows {
                if let Progress::Refused { is_reported, .. } = self.rows.get_mut(row)? {
                    *is_reported = true;
                }
            }
        } else {
            return None;
        }
        Some(())
    }

    fn row(&mut self, number: &Value) -> Option<&mut Progress> {
        let number = usize::try_from(number.as_u64()?).ok()?;
        self.rows.get_mut(number)
    }
}

impl Header {
    fn line(&self) -> String {
        json!({
            "version": VERSION,
            "command": self.command,
            "server": self.server,
            "batch_id": self.id,
            "contents": self.contents,
            "rows": self.rows,
        })
        .to_string()
    }

    /// Refuses to go on with anything else than what was begun.
    fn compare(&self, path: &Path, line: &str) -> Result<(), String> {
        let state = path.display();
        let found: Value = serde_json::from_str(line).unwrap_or_default();
        let text = |key: &str| found.get(key).and_then(Value::as_str).unwrap_or_default();
        if found.get("version").and_then(Value::as_u64) != Some(VERSION) {
            return Err(format!(
                "{state} is none of this program's; --state names another file"
            ));
        }
        if text("command") != self.command {
            return Err(format!(
                "{state} belongs to `kabao {}`; --state names another file",
                text("command")
            ));
        }
        if text("contents") != self.contents {
            return Err(format!(
                "the file (with --parent) is not what was sent under the batch id {}: it was changed since, and going on \
                 could do changes twice. Put it back as it was to resume; put rows that are new or corrected into a file of \
                 their own. ({state} remembers what was sent)",
                text("batch_id")
            ));
        }
        if text("batch_id") != self.id {
            return Err(format!(
                "the file was begun under the batch id {}. To resume, give that one; to do every change of it once \
                 more, give --state with a new file beside --batch-id. ({state} remembers what was sent)",
                text("batch_id")
            ));
        }
        if text("server") != self.server {
            return Err(format!(
                "the file was begun with --server {}. To resume, give that one; to send it to another gateway, give \
                 --state with a new file. ({state} remembers what was sent)",
                text("server")
            ));
        }
        Ok(())
    }
}

fn numbers(values: &Value) -> Option<Vec<usize>> {
    let numbers = values.as_array()?.iter();
    numbers
        .map(|number| usize::try_from(number.as_u64()?).ok())
        .collect()
}

/// Makes the name of a file durable.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn header() -> Header {
        Header {
            command: "adjust",
            server: "localhost:50051".to_owned(),
            id: "batch-1".to_owned(),
            contents: "abc".to_owned(),
            rows: 4,
        }
    }

    fn path(name: &str) -> PathBuf {
        let name = format!("kabao-state-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn what_was_written_is_there_again_also_after_a_line_that_was_cut_off() {
        let path = path("again");
        let mut state = State::open(&path, &header()).unwrap();
        assert!(state.is_new());
        state.sent(&[0, 1, 2], 100).unwrap();
        state.done(0).unwrap();
        state
            .refused(1, "MEMBER_NOT_FOUND", "no such member")
            .unwrap();
        state.reporting(Path::new("a.csv"), &[1]).unwrap();
        state.reported().unwrap();
        // What is sent again keeps the time of the first time.
        state.sent(&[2], 200).unwrap();
        assert_eq!(state.rows()[0], Progress::Done(100));
        let expected = state.rows().to_vec();
        drop(state);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"done\": 2");
        fs::write(&path, text).unwrap();
        for _ in 0..2 {
            let state = State::open(&path, &header()).unwrap();
            assert!(!state.is_new());
            assert_eq!(state.rows(), expected);
            assert_eq!(state.rows()[2], Progress::Sent(100));
            assert_eq!(state.rows()[3], Progress::New);
            assert!(matches!(
                state.rows()[1],
                Progress::Refused {
                    is_reported: true,
                    ..
                }
            ));
            assert_eq!(state.unfinished_report(), None);
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn another_content_id_gateway_or_command_is_refused_and_so_is_a_second_run() {
        let path = path("other");
        let state = State::open(&path, &header()).unwrap();
        let refused = |header: &Header| State::open(&path, header).err().unwrap();
        assert!(refused(&header()).contains("another run"));
        drop(state);
        let change = |change: fn(&mut Header)| {
            let mut header = header();
            change(&mut header);
            refused(&header)
        };
        let error = change(|header| header.contents = "abd".to_owned());
        assert!(
            error.contains("not what was sent under the batch id batch-1"),
            "{error}"
        );
        let error = change(|header| header.id = "batch-2".to_owned());
        assert!(
            error.contains("begun under the batch id batch-1"),
            "{error}"
        );
        let error = change(|header| header.server = "elsewhere:1".to_owned());
        assert!(
            error.contains("begun with --server localhost:50051"),
            "{error}"
        );
        let error = change(|header| header.command = "import");
        assert!(error.contains("`kabao adjust`"), "{error}");
        fs::write(&path, "a,b\n1,2\n").unwrap();
        assert!(refused(&header()).contains("none of this program's"));
        fs::remove_file(&path).unwrap();
    }
}
