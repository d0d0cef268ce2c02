//! The values of one account, from wherever they come, and what was wrong with getting them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use kabao_auth::sha256_hex;
use kabao_models::Secret;
use kabao_pkcs11::KeyUri;

use super::document::{Node, Value};
use super::present::{Contents, Present};
use super::section::{Located, Section};
use crate::files::{Modes, unreadable};

/// Reads the values of an account; one that is missing or unreadable is reported once and read as empty.
#[derive(Debug)]
pub(super) struct Material<'s, 'c> {
    section: &'s mut Section<'c>,
    /// All that stands in the section.
    entry: String,
    /// The files that were read, by key.
    files: BTreeMap<&'static str, ReadFile>,
    /// The digests of those of its parts.
    digests_of_parts: Vec<String>,
    /// Which files with secrets are taken.
    modes: Modes,
    faulty: RefCell<BTreeSet<String>>,
}

/// A file, and a digest of what was in it when it was read for this account: another one may find it changed.
#[derive(Debug)]
struct ReadFile {
    path: PathBuf,
    digest: String,
}

impl<'s, 'c> Material<'s, 'c> {
    pub(super) fn new(section: &'s mut Section<'c>, entry: String, modes: Modes) -> Self {
        Self {
            section,
            entry,
            files: BTreeMap::new(),
            digests_of_parts: Vec::new(),
            modes,
            faulty: RefCell::default(),
        }
    }

    /// What is served already.
    pub(super) fn present(&self) -> &'c Present {
        self.section.surroundings().present
    }

    /// A digest of the entry and of the files that were read for it.
    pub(super) fn fingerprint(&self) -> String {
        let folder = self.section.surroundings().folder;
        let mut content = format!("{}\n{}", folder.display(), self.entry);
        let own = self.files.values().map(|file| &file.digest);
        for digest in own.chain(&self.digests_of_parts) {
            // Writing to a text does not fail.
            let _ = write!(content, "\n{digest}");
        }
        sha256_hex(content.as_bytes())
    }

    /// Reads each table of an array as material of its own, whose files and mistakes belong to this one, too.
    pub(super) fn parts<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Material<'_, 'c>) -> T,
    ) -> Vec<T> {
        let mut parts = Vec::new();
        for (index, Node { value, origin }) in self.section.tables(key).into_iter().enumerate() {
            let Value::Table(table) = value else {
                self.mistake(key, "must be an array of tables");
                continue;
            };
            let path = format!(
                "{}[#{}]",
                self.section.path_of(key),
                index.saturating_add(1)
            );
            let mut section = Section::new(path, origin, table, self.section.surroundings());
            let mut part = Material::new(&mut section, String::new(), self.modes);
            parts.push(read(&mut part));
            let (files, is_faulty) = (part.files, !part.faulty.into_inner().is_empty());
            let digests = files.into_values().map(|file| file.digest);
            self.digests_of_parts.extend(digests);
            if is_faulty {
                self.mark(key);
            }
            section.finish();
        }
        parts
    }

    /// Declares a key that is valid elsewhere but wrong here, and says why.
    pub(super) fn refuse(&mut self, key: &'static str, why: &str) {
        if self.has(key) {
            self.mark(key);
        }
        self.section.refuse(key, why);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.section.has(key)
    }

    pub(super) fn ignore(&mut self, key: &'static str) {
        self.section.ignore(key);
    }

    /// Whether anything was wrong so far.
    pub(super) fn has_mistakes(&self) -> bool {
        !self.faulty.borrow().is_empty()
    }

    /// Whether something was wrong with a key.
    pub(super) fn is_faulty(&self, key: &str) -> bool {
        self.faulty.borrow().contains(key)
    }

    /// Reports a mistake of a key.
    pub(super) fn mistake(&self, key: &str, message: impl Into<String>) {
        self.faulty.borrow_mut().insert(key.to_owned());
        self.section.mistake(key, message);
    }

    /// Reports what the client says about the value of a key, unless the key is known to be faulty.
    pub(super) fn complain(&self, key: &str, description: &str) {
        if self.is_faulty(key) {
            return;
        }
        match self.files.get(key) {
            Some(file) => self
                .section
                .mistake(key, format!("{}: {description}", file.path.display())),
            None => self.section.mistake(key, description),
        }
    }

    /// A string that may be absent.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let text = self.section.string(key);
        if text.is_none() && self.has(key) {
            self.mark(key);
        }
        text.map(|text| text.value)
    }

    /// One of some words, which may be absent.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &'static [(&'static str, T)],
    ) -> Option<T> {
        let word = self.section.word(key, words);
        if word.is_none() && self.has(key) {
            self.mark(key);
        }
        word
    }

    /// A whole number of calls, which may be absent.
    pub(super) fn count(&mut self, key: &'static str, (least, most): (u32, u32)) -> Option<usize> {
        let is_there = self.has(key);
        let number = self.section.number(key, least, (least, most));
        usize::try_from(number).ok().filter(|_| is_there)
    }

    /// A duration, which may be absent.
    pub(super) fn wait(
        &mut self,
        key: &'static str,
        (least, most): (Duration, Duration),
    ) -> Option<Duration> {
        let is_there = self.has(key);
        let limit = self.section.duration(key, least, (least, most));
        Some(limit).filter(|_| is_there)
    }

    /// A string that must be there.
    pub(super) fn required(&mut self, key: &'static str) -> String {
        let text = self.section.required_string(key);
        if text.is_none() {
            self.mark(key);
        }
        text.map(|text| text.value).unwrap_or_default()
    }

    /// A merchant number or brand id: digits, in a string.
    pub(super) fn number(&mut self, key: &'static str) -> String {
        let number = self.required(key);
        let plain = number.len() <= 32 && number.bytes().all(|byte| byte.is_ascii_digit());
        if !plain {
            self.mistake(key, "must be 1 to 32 digits, in quotation marks");
            return String::new();
        }
        number
    }

    /// The content of a file that may be absent.
    pub(super) fn file(&mut self, key: &'static str) -> Option<String> {
        let path = self.section.path(key);
        if path.is_none() && self.has(key) {
            self.mark(key);
        }
        self.content(key, path?)
    }

    /// The content of a file that only the gateway may read.
    pub(super) fn secret_file(&mut self, key: &'static str) -> Option<Secret> {
        let text = Secret::from(self.file(key)?);
        if text.expose().trim().is_empty() {
            self.complain(key, "is empty");
            self.mark(key);
        }
        if let Some(fault) = self
            .files
            .get(key)
            .and_then(|file| self.modes.fault(&file.path))
        {
            self.mistake(key, fault);
        }
        Some(text)
    }

    /// Where a private key lies that is not in a file.
    pub(super) fn key_uri(&mut self, key: &'static str) -> Option<KeyUri> {
        let text = self.text(key)?;
        let uri = match text.parse::<KeyUri>() {
            Ok(uri) => uri.relative_to(self.section.surroundings().folder),
            Err(error) => {
                self.mistake(key, error.to_string());
                return None;
            }
        };
        if let Some(fault) = uri.pin_file().and_then(|file| self.modes.fault(file)) {
            self.mistake(key, fault);
            return None;
        }
        Some(uri)
    }

    /// A secret from a file or an environment variable. A line break at the end of the file does not count.
    pub(super) fn secret(
        &mut self,
        file_key: &'static str,
        variable_key: &'static str,
        required: bool,
    ) -> Option<Secret> {
        let secret = self
            .secret_file(file_key)
            .map(|text| Secret::new(text.expose().trim_end_matches(['\r', '\n'])));
        let variable = self.section.string(variable_key);
        match (self.has(file_key), self.has(variable_key)) {
            (true, true) => {
                let message =
                    format!("stands beside `{file_key}`; only one of the two can be used");
                self.mistake(variable_key, message);
            }
            (false, false) if required => {
                self.mistake(file_key, format!("is required, or `{variable_key}`"));
            }
            (false, true) => {
                let Some(variable) = variable else {
                    self.mark(variable_key);
                    return None;
                };
                let value = self.section.surroundings().environment.get(&variable.value);
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    return Some(Secret::new(value));
                }
                let message = format!("the environment variable {} is not set", variable.value);
                self.mistake(variable_key, message);
            }
            _ => {}
        }
        secret
    }

    fn content(&mut self, key: &'static str, path: Located<PathBuf>) -> Option<String> {
        match self.section.surroundings().present.read(&path.value) {
            Ok(Contents { text, digest }) => {
                let path = path.value;
                self.files.insert(key, ReadFile { path, digest });
                Some(text)
            }
            Err(error) => {
                self.mistake(key, unreadable(&path.value, &error));
                None
            }
        }
    }

    /// Notes that something was wrong which has been told.
    pub(super) fn spoil(&self) {
        self.mark("");
    }

    /// Notes that a key was reported already.
    fn mark(&self, key: &str) {
        self.faulty.borrow_mut().insert(key.to_owned());
    }
}
