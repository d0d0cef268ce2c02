//! Where lines go.

use std::io::{self, Write as _};

use super::file::LogFile;

/// A file, or standard output.
#[derive(Debug)]
pub(super) enum Sink {
    File(Box<LogFile>),
    /// What was not taken yet.
    Stdout(Vec<u8>),
}

impl Sink {
    /// Takes a line. What fails is tried again by [`sync`](Self::sync).
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        match self {
            Self::File(file) => file.append(line),
            Self::Stdout(unwritten) => {
                unwritten.extend_from_slice(line.as_bytes());
                unwritten.push(b'\n');
                Ok(())
            }
        }
    }

    /// Sees to it that everything is where it goes: on the disk, or taken by whoever reads standard output.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.sync(),
            Self::Stdout(unwritten) => {
                let mut stdout = io::stdout().lock();
                while !unwritten.is_empty() {
                    match stdout.write(unwritten)? {
                        0 => return Err(io::ErrorKind::WriteZero.into()),
                        written => drop(unwritten.drain(..written)),
                    }
                }
                stdout.flush()
            }
        }
    }

    /// Whether a later [`sync`](Self::sync) has anything to do.
    pub(super) fn is_behind(&self) -> bool {
        match self {
            Self::File(file) => file.is_behind(),
            Self::Stdout(unwritten) => !unwritten.is_empty(),
        }
    }

    pub(super) fn file(&mut self) -> Option<&mut LogFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Stdout(_) => None,
        }
    }
}
