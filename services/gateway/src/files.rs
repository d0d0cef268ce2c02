//! The files that a configuration names: who else may use them, and how those are read again that may change while the
//! gateway runs, in full, and used only if all is well with them.

mod modes;
mod reloads;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use kabao_auth::sha256_hex;

pub(crate) use self::modes::{Modes, ROOT, loose};
pub(crate) use self::reloads::Reloads;

/// Something that is made of files, and can be made of them again.
pub(crate) trait Reload: fmt::Debug + Send + Sync + 'static {
    /// What it is, for people and as a label: `tls`.
    fn name(&self) -> &'static str;

    /// Reads the files again. Whatever is wrong with them, the good ones from before stay in use.
    ///
    /// # Errors
    ///
    /// [`Faults`], as long as the files are faulty.
    fn reload(&self) -> Result<Changed, Faults>;

    /// Whether the files were faulty when they were read last.
    fn is_refused(&self) -> bool;
}

/// The keys of the configuration whose files have other contents than before; empty if all are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed(pub(crate) Vec<&'static str>);

impl Changed {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The key of the configuration that names it.
    pub(crate) key: &'static str,
    /// What is wrong; never holds a secret.
    pub(crate) message: String,
}

/// Everything that is wrong with the files; never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, key: &'static str, message: impl Into<String>) {
        let message = message.into();
        self.0.push(Fault { key, message });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Passes `value` on if nothing was wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for Fault { key, message } in &self.0 {
            write!(f, "{separator}{key}: {message}")?;
            separator = "; ";
        }
        Ok(())
    }
}

/// A file that was read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) key: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents")
            .field("key", &self.key)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Contents {
    /// Reads a file of at most so many bytes.
    pub(crate) fn read(key: &'static str, path: &Path, most: usize) -> Result<Self, String> {
        let failed = |error: io::Error| unreadable(path, &error);
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > most {
            return Err(format!("{} is longer than {most} bytes", path.display()));
        }
        let path = path.to_owned();
        Ok(Self { key, path, bytes })
    }
}

/// How a file that cannot be read is reported.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}

/// What several files held when they were used, without holding it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digests(Vec<(&'static str, String)>);

impl Digests {
    pub(crate) fn of(files: &[Contents]) -> Self {
        let digests = files.iter().map(|file| (file.key, sha256_hex(&file.bytes)));
        Self(digests.collect())
    }

    /// Returns the keys whose files differ.
    pub(crate) fn changed_to(&self, new: &Self) -> Changed {
        let mut keys: Vec<_> = Vec::new();
        for (key, _) in self.0.iter().chain(&new.0) {
            let of = |digests: &Self| -> Vec<String> {
                let same = digests.0.iter().filter(|(other, _)| other == key);
                same.map(|(_, digest)| digest.clone()).collect()
            };
            if !keys.contains(key) && of(self) != of(new) {
                keys.push(*key);
            }
        }
        Changed(keys)
    }
}

/// Reads files that belong together until two readings agree: an exchange of all of them at once may fall between two.
pub(crate) fn read_together<T: PartialEq>(read: impl Fn() -> T) -> T {
    const TRIES: usize = 3;
    let mut last = read();
    for _ in 0..TRIES {
        let again = read();
        if again == last {
            break;
        }
        last = again;
    }
    last
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn contents(key: &'static str, text: &str) -> Contents {
        Contents {
            key,
            path: PathBuf::from(text),
            bytes: text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn what_changed_is_told_by_key() {
        let digests = |files: &[(&'static str, &str)]| {
            let files: Vec<_> = files
                .iter()
                .map(|(key, text)| contents(key, text))
                .collect();
            Digests::of(&files)
        };
        let before = digests(&[("cert", "a"), ("key", "b"), ("crl", "c"), ("crl", "d")]);
        assert!(before.changed_to(&before).is_empty());
        let after = digests(&[("cert", "a"), ("key", "x"), ("crl", "c"), ("crl", "y")]);
        assert_eq!(before.changed_to(&after), Changed(vec!["key", "crl"]));
        let fewer = digests(&[("cert", "a"), ("crl", "c"), ("crl", "d")]);
        assert_eq!(before.changed_to(&fewer), Changed(vec!["key"]));
        assert_eq!(fewer.changed_to(&before), Changed(vec!["key"]));
    }

    #[test]
    fn an_exchange_between_two_files_is_read_again() {
        // Certificate and key are exchanged after the certificate was read the first time.
        let readings = Cell::new(0);
        let read = read_together(|| {
            let count = readings.replace(readings.get() + 1);
            let certificate = if count == 0 { "old" } else { "new" };
            vec![contents("cert", certificate), contents("key", "new")]
        });
        assert!(read.iter().all(|file| file.bytes == b"new"), "{read:?}");
        assert_eq!(readings.get(), 3);
    }

    #[test]
    fn a_file_that_never_rests_is_taken_as_it_is_in_the_end() {
        let readings = Cell::new(0);
        let read = read_together(|| {
            let count = readings.replace(readings.get() + 1);
            contents("cert", &count.to_string())
        });
        assert_eq!(read.bytes, b"3");
    }

    #[test]
    fn a_file_that_is_too_long_or_missing_is_named() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let own = folder.join("Cargo.toml");
        let long = Contents::read("k", &own, 10).unwrap_err();
        assert!(
            long.ends_with("Cargo.toml is longer than 10 bytes"),
            "{long}"
        );
        let missing = Contents::read("k", &folder.join("none"), 10).unwrap_err();
        assert!(missing.starts_with("cannot read "), "{missing}");
        assert_eq!(Contents::read("k", &own, 1 << 20).unwrap().key, "k");
    }
}
