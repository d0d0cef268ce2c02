//! Where a log goes on that an earlier process has left, in order or not.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{LogFile, TORN_END, create, names};
use crate::audit::chain::{Line, Link};
use crate::audit::keys::{AuditKey, AuditKeys};

/// So much of the end of a file is looked at; no record is longer.
const TAIL: u64 = 1024 * 1024;

/// What an earlier process has left.
#[derive(Debug)]
pub(in crate::audit) struct Found {
    pub(in crate::audit) file: LogFile,
    /// The last line.
    pub(in crate::audit) link: Link,
    /// The file has no record yet.
    pub(in crate::audit) is_new: bool,
    /// The key of the file, if it is not the one that writes now.
    pub(in crate::audit) other_key: Option<AuditKey>,
    /// Bytes behind the last line that are none, since a crash has torn them; their end is among them.
    pub(in crate::audit) torn: Option<u64>,
}

/// Why a log does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResumeError {
    #[error("the audit log {} cannot be used", .0.display())]
    Io(PathBuf, #[source] io::Error),
    #[error("another process writes the audit log {}; each process needs one of its own", .0.display())]
    Locked(PathBuf),
    #[error(
        "the end of the audit log {} does not fit its key: it was changed, or the key is another one; look at it with \
         `kabao audit verify`, and move its files away to begin a new log",
        .0.display()
    )]
    Foreign(PathBuf),
}

/// Opens a log and finds its end.
pub(in crate::audit) fn resume(path: &Path, keys: &AuditKeys) -> Result<Found, ResumeError> {
    let failed = |error| ResumeError::Io(path.to_owned(), error);
    let lock = lock(path)?;
    let opened = OpenOptions::new().read(true).write(true).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => create(path).map_err(failed)?,
        Err(error) => return Err(failed(error)),
    };
    let end = End::of(&mut file).map_err(failed)?;
    let foreign = || ResumeError::Foreign(path.to_owned());
    let Some(last) = &end.last else {
        // Nothing whole is in it: it was begun and not more.
        if end.is_odd {
            return Err(foreign());
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let link = match names::rotated_of(path).map_err(failed)?.pop() {
            Some((_, old)) => last_of(&old, keys)?,
            None => Link::NONE,
        };
        let first = link.sequence.saturating_add(1);
        return Ok(Found {
            file: LogFile::new(path, file, first, 0, lock),
            link,
            is_new: true,
            other_key: None,
            torn: None,
        });
    };
    let (link, first, key) = checked(&mut file, last, keys)
        .map_err(failed)?
        .ok_or_else(foreign)?;
    if end.is_odd {
        return Err(foreign());
    }
    file.seek(SeekFrom::Start(end.length)).map_err(failed)?;
    let mut file = LogFile::new(path, file, first, end.length, lock);
    let mut torn = end.torn;
    if let Some(bytes) = &mut torn {
        // It stays for whoever looks into it; the next record says what it is.
        file.end_torn_line().map_err(failed)?;
        *bytes = bytes.saturating_add(u64::try_from(TORN_END.len()).unwrap_or(u64::MAX));
    }
    let is_current = keys
        .current()
        .is_some_and(|current| current.id() == key.id());
    Ok(Found {
        file,
        link,
        is_new: false,
        other_key: (!is_current).then_some(key),
        torn,
    })
}

/// The last line of an old file, which must be whole.
fn last_of(path: &Path, keys: &AuditKeys) -> Result<Link, ResumeError> {
    let failed = |error| ResumeError::Io(path.to_owned(), error);
    let mut file = File::open(path).map_err(failed)?;
    let end = End::of(&mut file).map_err(failed)?;
    let last = end.last.filter(|_| end.torn.is_none() && !end.is_odd);
    let checked = match &last {
        Some(last) => checked(&mut file, last, keys).map_err(failed)?,
        None => None,
    };
    let (link, _, _) = checked.ok_or_else(|| ResumeError::Foreign(path.to_owned()))?;
    Ok(link)
}

/// The last line, the number of the first one and the key, if both lines are genuine.
fn checked(
    file: &mut File,
    last: &str,
    keys: &AuditKeys,
) -> io::Result<Option<(Link, u64, AuditKey)>> {
    let head = first_line(file)?;
    Ok(Line::read(&head).and_then(|first| {
        let key = keys.of_id(first.text("key")?)?;
        let last = Line::read(last)?;
        let genuine = first.is_sealed_by(key) && last.is_sealed_by(key);
        genuine.then(|| (last.link, first.link.sequence, key.clone()))
    }))
}

fn first_line(file: &mut File) -> io::Result<String> {
    let mut head = Vec::new();
    file.rewind()?;
    file.take(64 * 1024).read_to_end(&mut head)?;
    let line = head.split(|byte| *byte == b'\n').next();
    Ok(String::from_utf8(line.unwrap_or_default().to_vec()).unwrap_or_default())
}

/// The end of a file.
struct End {
    length: u64,
    /// The last whole line that has the form of a record.
    last: Option<String>,
    /// Bytes behind it that are no whole line: a crash leaves so much of one, or zeros in its place.
    torn: Option<u64>,
    /// What is behind it was not left by a crash.
    is_odd: bool,
}

impl End {
    fn of(file: &mut File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let start = length.saturating_sub(TAIL);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let mut rest = tail.as_slice();
        let mut torn = Vec::new();
        while let Some(line) = last_line(&mut rest) {
            let (text, is_whole) = match line.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (line, false),
            };
            let text = str::from_utf8(text).ok();
            if let Some(text) = text.filter(|text| is_whole && Line::read(text).is_some()) {
                return Ok(Self {
                    length,
                    last: Some(text.to_owned()),
                    torn: bytes(&torn),
                    is_odd: is_odd(&torn),
                });
            }
            torn.splice(0..0, line.iter().copied());
        }
        Ok(Self {
            length,
            last: None,
            torn: bytes(&torn),
            is_odd: start > 0 || is_odd(&torn),
        })
    }
}

/// The last line with its end, which is taken off.
fn last_line<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (_, before_end) = rest.split_last()?;
    let start = before_end.iter().rposition(|byte| *byte == b'\n');
    let (head, line) = rest.split_at_checked(start.map_or(0, |at| at + 1))?;
    *rest = head;
    Some(line)
}

fn bytes(torn: &[u8]) -> Option<u64> {
    let count = u64::try_from(torn.len()).ok()?;
    (count > 0).then_some(count)
}

/// A crash leaves less than a line, or zeros; whole lines that are no records were put there by somebody.
fn is_odd(torn: &[u8]) -> bool {
    torn.contains(&b'\n') && !torn.contains(&0)
}

fn lock(path: &Path) -> Result<File, ResumeError> {
    let failed = |error| ResumeError::Io(path.to_owned(), error);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let lock = options.open(names::lock(path)).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(ResumeError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
