//! The file that lines are appended to, through failed writes, crashes and rotations.

mod names;
mod resume;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

pub(crate) use self::names::files_of;
pub(super) use self::resume::{Found, ResumeError, resume};

/// What ends a torn line: no record has a zero in it.
const TORN_END: [u8; 2] = *b"\0\n";

/// An open file of the log.
///
/// What was written since the last sync is kept, since after a failed sync nobody knows what of it is on the disk: the
/// next try cuts the file to what is certain, and writes the rest once more.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// The number of its first record.
    first: u64,
    /// Bytes that are on the disk.
    durable: u64,
    /// What follows them.
    behind: Vec<u8>,
    broken: bool,
    /// Keeps other processes away.
    _lock: File,
}

impl LogFile {
    /// Goes on at the end of an open file that has so many bytes.
    fn new(path: &Path, file: File, first: u64, durable: u64, lock: File) -> Self {
        Self {
            path: path.to_owned(),
            file,
            first,
            durable,
            behind: Vec::new(),
            broken: false,
            _lock: lock,
        }
    }

    /// Ends what a crash has left of a line, so that nobody takes it for a record, whatever is in it.
    fn end_torn_line(&mut self) -> io::Result<()> {
        self.push(&TORN_END)
    }

    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        self.push(&bytes)
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.behind.extend_from_slice(bytes);
        if self.broken {
            return Ok(());
        }
        let written = self.file.write_all(bytes);
        self.broken = written.is_err();
        written
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.broken {
            self.file.set_len(self.durable)?;
            self.file.seek(SeekFrom::Start(self.durable))?;
            self.file.write_all(&self.behind)?;
        }
        if self.behind.is_empty() {
            return Ok(());
        }
        let synced = self.file.sync_data().and_then(|()| self.require_name());
        self.broken = synced.is_err();
        synced?;
        self.durable = self.len();
        self.behind.clear();
        Ok(())
    }

    /// What is written to a file that was removed, or has another name by now, nobody finds.
    fn require_name(&self) -> io::Result<()> {
        let (own, named) = (self.file.metadata()?, fs::metadata(&self.path));
        match named.map(|named| (named.dev(), named.ino()) == (own.dev(), own.ino())) {
            Ok(true) => Ok(()),
            Ok(false) => Err(io::Error::other(
                "another file has the name of the log; put its own back, or restart the gateway",
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(io::Error::other(
                "the file of the log was removed; put it back, or restart the gateway",
            )),
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Bytes of the file.
    pub(super) fn len(&self) -> u64 {
        let behind = u64::try_from(self.behind.len()).unwrap_or(u64::MAX);
        self.durable.saturating_add(behind)
    }

    /// Gives the file its place among the old ones and begins a new one, whose first record will have this number. The
    /// file must be synced. If it fails, it goes on with the file that it has.
    pub(super) fn rotate(&mut self, first: u64) -> io::Result<()> {
        if self.is_behind() {
            return Err(io::Error::other("what was written is not on the disk"));
        }
        let old = names::rotated(&self.path, self.first);
        if old.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(&self.path, &old)?;
        match create(&self.path) {
            Ok(file) => {
                self.file = file;
                self.first = first;
                self.durable = 0;
                Ok(())
            }
            Err(error) => {
                fs::rename(&old, &self.path)?;
                Err(error)
            }
        }
    }

    /// Removes the oldest files until so many old ones are left, and goes on behind one that cannot be removed.
    pub(super) fn keep(&self, files: usize) -> io::Result<()> {
        let old = names::rotated_of(&self.path)?;
        let surplus = old.len().saturating_sub(files);
        let removed = old
            .iter()
            .take(surplus)
            .map(|(_, path)| fs::remove_file(path));
        removed.fold(Ok(()), io::Result::and)
    }
}

/// Makes a new file that only its owner may read, and its name durable.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    let file = options.open(path)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let name = format!("kabao-audit-file-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        folder
    }

    #[test]
    fn what_is_written_to_a_file_without_its_name_is_written_once_it_has_it_again() {
        let folder = folder("name");
        let (path, away) = (folder.join("audit.jsonl"), folder.join("away"));
        let file = create(&path).unwrap();
        let lock = File::create(folder.join("lock")).unwrap();
        let mut log = LogFile::new(&path, file, 1, 0, lock);
        log.append("one").unwrap();
        log.sync().unwrap();
        for (line, has_other) in [("two", false), ("three", true)] {
            fs::rename(&path, &away).unwrap();
            if has_other {
                fs::copy(&away, &path).unwrap();
            }
            log.append(line).unwrap();
            log.sync().unwrap_err();
            assert!(log.rotate(9).is_err() && log.is_behind());
            fs::rename(&away, &path).unwrap();
            log.sync().unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_failed_is_written_once_when_the_disk_is_back() {
        let folder = folder("disk");
        let path = folder.join("audit.jsonl");
        let file = create(&path).unwrap();
        let lock = File::create(folder.join("lock")).unwrap();
        let mut log = LogFile::new(&path, file, 1, 0, lock);
        log.append("one").unwrap();
        log.sync().unwrap();
        // Half of the next line gets there, then nothing does: a handle that only reads refuses writes.
        log.append("two").unwrap();
        let working = std::mem::replace(&mut log.file, File::open(&path).unwrap());
        log.append("three").unwrap_err();
        log.append("four").unwrap();
        log.sync().unwrap_err();
        assert!(log.is_behind());
        let half = OpenOptions::new().append(true).open(&path);
        half.unwrap().write_all(b"thr").unwrap();
        log.file = working;
        log.sync().unwrap();
        assert!(!log.is_behind());
        log.append("five").unwrap();
        log.sync().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "one\ntwo\nthree\nfour\nfive\n");
        assert_eq!(log.len(), u64::try_from(text.len()).unwrap());
        fs::remove_dir_all(&folder).unwrap();
    }
}
