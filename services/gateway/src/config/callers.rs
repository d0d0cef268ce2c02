//! `[[callers]]`: who calls with a bearer token.

use std::collections::BTreeMap;

use kabao_api::CallerId;
use kabao_auth::TokenDigest;

use super::document::{Node, Value};
use super::section::Section;
use crate::tokens::CallerSettings;

/// Tokens of one caller: the one in use, and the one that comes or goes.
const MOST: usize = 2;

/// Reads every `[[callers]]` entry.
pub(super) fn read_all(root: &mut Section<'_>) -> Vec<CallerSettings> {
    let mut callers: Vec<CallerSettings> = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (index, node) in root.tables("callers").into_iter().enumerate() {
        let number = index.saturating_add(1);
        let Some(mut section) = entry(root, node, "callers", "name", number) else {
            continue;
        };
        let name = section.required_string("name").and_then(|name| {
            if let Some(first) = names.insert(name.value.clone(), number) {
                section.reject(&name, format!("caller #{first} has the same name"));
            }
            let parsed = CallerId::new(&name.value).ok();
            if parsed.is_none() {
                section.reject(&name, "must be 1 to 255 bytes without control characters");
            }
            parsed
        });
        section.refuse(
            "token",
            "a secret does not stand in the configuration itself; use `token_sha256` with what `sha256sum` says of it",
        );
        let texts = section.strings("token_sha256");
        if !section.has("token_sha256") {
            section.mistake(
                "token_sha256",
                "is required: a list of one or two digests of tokens",
            );
        } else if texts.as_ref().is_some_and(Vec::is_empty) {
            section.mistake("token_sha256", "must hold one or two digests of tokens");
        }
        let texts = texts.unwrap_or_default();
        if texts.len() > MOST {
            section.mistake(
                "token_sha256",
                "holds more than two: the token in use and the one that comes or goes",
            );
        }
        let mut tokens = Vec::new();
        for text in &texts {
            match TokenDigest::from_hex(&text.value) {
                Some(digest) => {
                    let mut others = callers.iter().flat_map(|caller| &caller.tokens);
                    if others.any(|other| *other == digest) {
                        section.reject(text, "is the token of another caller, too");
                    }
                    tokens.push(digest);
                }
                None => section.reject(
                    text,
                    "is not a SHA-256 in 64 hexadecimal digits, as `sha256sum` prints it",
                ),
            }
        }
        section.finish();
        callers.extend(name.map(|name| CallerSettings { name, tokens }));
    }
    callers
}

/// Opens one entry of an array of tables, which is known by what it says under `key`.
pub(super) fn entry<'a>(
    root: &Section<'a>,
    node: Node,
    array: &str,
    key: &str,
    number: usize,
) -> Option<Section<'a>> {
    let Node { value, origin } = node;
    let Value::Table(table) = value else {
        let message = format!("must be a table, not {}", value.kind());
        let path = format!("{array}[#{number}]");
        root.surroundings().mistakes.add(&origin, path, message);
        return None;
    };
    let name = match table.get(key) {
        Some(Node {
            value: Value::String(name),
            ..
        }) if !name.is_empty() => name.clone(),
        _ => format!("#{number}"),
    };
    let path = format!("{array}[{name}]");
    Some(Section::new(path, origin, table, root.surroundings()))
}
