//! `accounts_dir`: a folder with a file for each account.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{self, Node, PREFIX, Table, Value};
use super::mistake::Collector;
use super::origin::Origin;
use super::parallel;
use super::present::Present;
use super::section::Surroundings;

const KEY: &str = "accounts_dir";

/// Reads the accounts of the folder that `accounts_dir` names, in the order of their files, to those that stand in the
/// configuration itself. Returns the folder, from which the paths in these files start.
///
/// Files are those whose names end with `.toml` and begin with no dot. A file is the table of its account, whose `id`
/// is the name of the file unless it says another one.
pub(super) fn read(root: &mut Table, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let (name, origin) = named(root, surroundings)?;
    if name.is_empty() {
        surroundings.mistakes.add(&origin, KEY, "must not be empty");
        return None;
    }
    let folder = surroundings.folder.join(name);
    let entries = match surroundings.present.list(&folder) {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!("cannot list {}: {error}", folder.display());
            surroundings.mistakes.add(&origin, KEY, message);
            return None;
        }
    };
    let files = entries.into_iter().filter(|entry| is_account(entry));
    let (mistakes, present) = (surroundings.mistakes, surroundings.present);
    let main = mistakes.file();
    let read = parallel::map(files.collect(), present.threads(), |file: PathBuf| {
        let mistakes = Collector::new(main);
        (account(&file, present, &mistakes), mistakes)
    });
    let mut accounts = Vec::new();
    for (account, found) in read {
        mistakes.absorb(found);
        accounts.push(account);
    }
    let empty = || Node {
        value: Value::Array(Vec::new()),
        origin: origin.clone(),
    };
    let known = root.entry("accounts".to_owned()).or_insert_with(empty);
    // Whatever else stands there is told where it is read.
    if let Value::Array(known) = &mut known.value {
        known.append(&mut accounts);
    }
    Some(folder)
}

/// What the environment says of the key, or else the file; anything but a text is told where it is read.
fn named(root: &Table, surroundings: &Surroundings<'_>) -> Option<(String, Origin)> {
    let variable = format!("{PREFIX}ACCOUNTS_DIR");
    if let Some(name) = surroundings.environment.get(&variable) {
        return Some((name.to_owned(), Origin::Environment(variable)));
    }
    match root.get(KEY) {
        Some(Node {
            value: Value::String(name),
            origin,
        }) => Some((name.clone(), origin.clone())),
        _ => None,
    }
}

fn is_account(entry: &Path) -> bool {
    let name = entry.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.ends_with(".toml") && !name.starts_with('.'))
}

fn account(file: &Path, present: &Present, mistakes: &Collector) -> Node {
    let name: Arc<str> = file.display().to_string().into();
    let origin = Origin::Other {
        file: Arc::clone(&name),
        line: 1,
        column: 1,
    };
    let mut table = match present.read(file) {
        Ok(read) => document::parse(&read.text, Some(&name), mistakes),
        Err(error) => {
            let message = format!("cannot be read: {error}");
            mistakes.add(&origin, "", message);
            return Node {
                value: Value::Unreadable,
                origin,
            };
        }
    };
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    table.entry("id".to_owned()).or_insert_with(|| Node {
        value: Value::String(stem.unwrap_or_default().to_owned()),
        origin: origin.clone(),
    });
    Node {
        value: Value::Table(table),
        origin,
    }
}
