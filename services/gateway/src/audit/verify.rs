//! Whether a log is what was written.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::chain::{Line, Link};
use super::hash::Hash;
use super::keys::AuditKeys;

/// What `kabao serve` prints on standard output besides records.
const READY: &[u8] = b"kabao ready\n";

/// A log in which nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// The numbers of the first and of the last record; `None` if there is no record.
    pub(crate) records: Option<(u64, u64)>,
    /// The hash of the last record: whoever keeps it elsewhere notices if records are cut off.
    pub(crate) hash: Hash,
    /// The record was found that has the hash which was asked for.
    pub(crate) has_anchor: bool,
    /// Bytes that crashes have left, and that the log itself tells of.
    pub(crate) torn: u64,
    /// Bytes of a line at the end that a crash has left, and that no record tells of yet.
    pub(crate) unfinished: u64,
    /// Records that were left out, as the log tells.
    pub(crate) left_out: u64,
}

/// The first thing that is wrong.
#[derive(Debug)]
pub(crate) struct Flaw {
    pub(crate) file: PathBuf,
    /// The line, from 1; 0 for the file as a whole.
    pub(crate) line: u64,
    pub(crate) what: String,
}

/// Verifies the files of a log, in the order of their first records. `anchor` is the hash of a record that must be
/// among them.
///
/// # Errors
///
/// The first line that is not what was written, and what is wrong with it.
pub(crate) fn verify(
    files: &[PathBuf],
    keys: &AuditKeys,
    anchor: Option<Hash>,
) -> Result<Verified, Flaw> {
    let mut ordered = Vec::new();
    for path in files {
        let first = first_sequence(path).map_err(|error| unreadable(path, &error))?;
        ordered.push((first.unwrap_or(u64::MAX), path));
    }
    ordered.sort();
    let mut walk = Walk {
        keys,
        anchor,
        key: None,
        link: None,
        verified: Verified {
            records: None,
            hash: Hash::NONE,
            has_anchor: false,
            torn: 0,
            unfinished: 0,
            left_out: 0,
        },
    };
    for (_, path) in ordered {
        walk.file(path)?;
    }
    Ok(walk.verified)
}

fn unreadable(path: &Path, error: &io::Error) -> Flaw {
    Flaw {
        file: path.to_owned(),
        line: 0,
        what: format!("cannot be read: {error}"),
    }
}

/// The number of the first record of a file.
fn first_sequence(path: &Path) -> io::Result<Option<u64>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 {
        let text = str::from_utf8(&line).ok();
        let read = text.and_then(|text| Line::read(text.trim_end_matches('\n')));
        if let Some(read) = read {
            return Ok(Some(read.link.sequence));
        }
        line.clear();
    }
    Ok(None)
}

struct Walk<'k> {
    keys: &'k AuditKeys,
    anchor: Option<Hash>,
    /// The id of the key of the present file.
    key: Option<String>,
    link: Option<Link>,
    verified: Verified,
}

impl Walk<'_> {
    fn file(&mut self, path: &Path) -> Result<(), Flaw> {
        let flaw = |line: u64, what: String| Flaw {
            file: path.to_owned(),
            line,
            what,
        };
        let unread = |error: io::Error| unreadable(path, &error);
        if self.verified.unfinished > 0 {
            let what = "follows on a file that ends in the middle of a line";
            return Err(flaw(0, what.to_owned()));
        }
        self.key = None;
        let mut reader = BufReader::new(File::open(path).map_err(unread)?);
        let mut bytes = Vec::new();
        let mut torn: Option<Torn> = None;
        for number in 1.. {
            bytes.clear();
            if reader.read_until(b'\n', &mut bytes).map_err(unread)? == 0 {
                break;
            }
            if bytes == READY {
                continue;
            }
            let whole = bytes.strip_suffix(b"\n");
            let text = whole.and_then(|line| str::from_utf8(line).ok());
            let Some(line) = text.and_then(Line::read) else {
                torn.get_or_insert_with(|| Torn::at(number)).add(&bytes);
                continue;
            };
            let told = torn.take();
            let says = line.number("bytes").filter(|_| line.is("torn"));
            if let Some(torn) = told
                && says != Some(torn.length)
            {
                return Err(flaw(torn.line, NO_RECORD.to_owned()));
            }
            self.line(&line).map_err(|what| flaw(number, what))?;
            self.verified.torn = self.verified.torn.saturating_add(says.unwrap_or(0));
        }
        if let Some(torn) = torn {
            if torn.was_written {
                return Err(flaw(torn.line, NO_RECORD.to_owned()));
            }
            self.verified.unfinished = torn.length;
        }
        Ok(())
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), String> {
        if line.is("open") {
            self.key = line.text("key").map(str::to_owned);
        }
        let id = self
            .key
            .as_deref()
            .ok_or("is not the beginning of a file, which a record of the kind `open` is")?;
        let key = self
            .keys
            .of_id(id)
            .ok_or_else(|| format!("is of a key ({id}) that the key file does not have"))?;
        if !line.is_sealed_by(key) {
            return Err("was changed, or written without the key: its hash is wrong".to_owned());
        }
        if let Some(link) = self.link {
            let Link { sequence, hash } = line.before;
            if sequence != link.sequence {
                let expected = link.sequence.saturating_add(1);
                let found = line.link.sequence;
                return Err(match found > expected {
                    true => format!("is record {found}; {expected} to {} are missing", found - 1),
                    false => format!("is record {found} once more; {expected} was to follow"),
                });
            }
            if hash != link.hash {
                return Err(
                    "does not follow on the record before: one of them was put in".to_owned(),
                );
            }
        }
        self.link = Some(line.link);
        let first = self
            .verified
            .records
            .map_or(line.link.sequence, |(first, _)| first);
        self.verified.records = Some((first, line.link.sequence));
        self.verified.hash = line.link.hash;
        self.verified.has_anchor |= self.anchor == Some(line.link.hash);
        if line.is("left_out") {
            for name in ["changes", "refusals"] {
                let count = line.number(name).unwrap_or(0);
                self.verified.left_out = self.verified.left_out.saturating_add(count);
            }
        }
        Ok(())
    }
}

const NO_RECORD: &str = "is no record, and no record tells that a crash has left it";

/// Bytes that are no record.
struct Torn {
    /// The line in which they begin.
    line: u64,
    length: u64,
    /// They are whole lines, and no crash leaves those.
    was_written: bool,
}

impl Torn {
    fn at(line: u64) -> Self {
        Self {
            line,
            length: 0,
            was_written: true,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(length);
        self.was_written &= bytes.ends_with(b"\n") && !bytes.contains(&0);
    }
}
