//! `[[accounts]]`: one set of upstream credentials each.
//!
//! This module knows which keys belong to which family and where their values come from. Whether the values are any
//! good is for the client to say: it is built here, and its verdict is translated back into keys and files.

mod client;
mod credential;

use std::collections::BTreeMap;
use std::path::Path;

use kabao_api::{AccountId, Family};

use self::client::{Built, New};
use super::account::AccountSettings;
use super::document::{Node, Value};
use super::exposure::Exposure;
use super::material::Material;
use super::mistake::Collector;
use super::origin::Origin;
use super::section::{Section, Surroundings};
use super::upstream::{self, Upstream};
use super::{fixed, parallel};
use crate::files::Modes;

/// What all entries are read with.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    /// Whether they may let callers see their tokens.
    pub(super) exposure: Exposure,
    /// Which files with secrets are taken.
    pub(super) modes: Modes,
    /// What they have unless they say otherwise.
    pub(super) upstream: &'a Upstream,
    /// The folder with files of accounts, from which the paths in these start.
    pub(super) folder: Option<&'a Path>,
}

/// One entry before it is read.
struct Entry {
    number: usize,
    /// What mistakes call it.
    name: String,
    node: Node,
    /// The number and the place of an earlier one of the same name.
    first: Option<(usize, Origin)>,
}

/// Reads every `[[accounts]]` entry; those of files of their own stand among them. Most of the time goes into checks of
/// private keys, so it happens on several threads; mistakes are in the order of the entries all the same.
pub(super) fn read_all(root: &mut Section<'_>, rules: Rules<'_>) -> Vec<AccountSettings> {
    let entries = entries(root);
    let Surroundings {
        folder,
        now,
        environment,
        mistakes,
        present,
    } = *root.surroundings();
    let file = mistakes.file();
    let read = parallel::map(entries, present.threads(), |entry| {
        let mistakes = Collector::new(file);
        let surroundings = Surroundings {
            folder: match &entry.node.origin {
                Origin::Other { .. } => rules.folder.unwrap_or(folder),
                _ => folder,
            },
            now,
            environment,
            mistakes: &mistakes,
            present,
        };
        let account = read_entry(entry, &surroundings, rules);
        (account, mistakes)
    });
    let mut accounts = Vec::new();
    for (account, found) in read {
        mistakes.absorb(found);
        accounts.extend(account);
    }
    accounts
}

/// The entries in their order, with what they have to do with each other.
fn entries(root: &mut Section<'_>) -> Vec<Entry> {
    let nodes = root.tables("accounts");
    if nodes.is_empty() {
        root.mistake(
            "accounts",
            "there is none; a gateway without accounts answers nothing",
        );
    }
    let mut seen: BTreeMap<String, (usize, Origin)> = BTreeMap::new();
    let mut entries = Vec::new();
    for (index, node) in nodes.into_iter().enumerate() {
        let number = index + 1;
        let mut name = format!("#{number}");
        let mut first = None;
        match &node.value {
            // That was told.
            Value::Unreadable => continue,
            Value::Table(table) => {
                if let Some(Node {
                    value: Value::String(id),
                    ..
                }) = table.get("id")
                    && !id.is_empty()
                {
                    name.clone_from(id);
                }
                first = seen.insert(name.clone(), (number, node.origin.clone()));
            }
            _ => {}
        }
        entries.push(Entry {
            number,
            name,
            node,
            first,
        });
    }
    entries
}

fn read_entry(
    entry: Entry,
    surroundings: &Surroundings<'_>,
    rules: Rules<'_>,
) -> Option<AccountSettings> {
    let Entry {
        number,
        name,
        node: Node { value, origin },
        first,
    } = entry;
    let mistakes = surroundings.mistakes;
    let table = match value {
        Value::Table(table) => table,
        value => {
            let message = format!("must be a table, not {}", value.kind());
            mistakes.add(&origin, format!("accounts[#{number}]"), message);
            return None;
        }
    };
    let text = format!("{}\n{}", fixed::text(&table), rules.upstream.fingerprint);
    let section = Section::new(format!("accounts[{name}]"), origin, table, surroundings);
    match first {
        Some((_, first @ Origin::Other { .. })) => {
            let place = mistakes.place(&first);
            section.mistake("id", format!("the account in {place} has the same id"));
        }
        Some((first, _)) => {
            section.mistake("id", format!("account #{first} has the same id"));
        }
        None => {}
    }
    read(section, text, rules)
}

const FAMILIES: [(&str, Family); 3] = [
    ("merchant", Family::Merchant),
    ("brand", Family::Brand),
    ("official_account", Family::OfficialAccount),
];

const PAY: &[&str] = &[
    "mchid",
    "private_key_file",
    "private_key_uri",
    "certificate_file",
    "serial_no",
    "keys",
    "public_key_file",
    "public_key_id",
    "apiv3_key_file",
    "apiv3_key_env",
    "wechatpay_serial",
    "platform_ca_file",
];

/// Which keys belong to which families; `id`, `family`, `base_url`, `backup_base_url`, `extra_ca_file` and those
/// of `[upstream]` belong to all.
const KEYS: [(&[Family], &[&str]); 3] = [
    (&[Family::Merchant, Family::Brand], PAY),
    (&[Family::Brand], &["brand_id"]),
    (
        &[Family::OfficialAccount],
        &[
            "appid",
            "app_secret_file",
            "app_secret_env",
            "expose_tokens",
        ],
    ),
];

/// `text` is all that the account is made of, without the contents of files.
fn read(mut section: Section<'_>, text: String, rules: Rules<'_>) -> Option<AccountSettings> {
    let id = section.required_string("id").and_then(|id| {
        AccountId::new(id.value.as_str())
            .map_err(|error| {
                let why = error.violations().first().map_or_else(
                    || error.message(),
                    |violation| violation.description.as_str(),
                );
                section.reject(&id, why);
            })
            .ok()
    });
    for (key, instead) in [
        ("app_secret", "`app_secret_file` or `app_secret_env`"),
        ("apiv3_key", "`apiv3_key_file` or `apiv3_key_env`"),
        ("private_key", "`private_key_file`"),
    ] {
        let why = format!("a secret does not stand in the configuration itself; use {instead}");
        section.refuse(key, &why);
    }
    if !section.has("family") {
        section.mistake(
            "family",
            "is required: `merchant`, `brand` or `official_account`",
        );
    }
    let Some(family) = section.word("family", &FAMILIES) else {
        // Without a family nobody knows what belongs here; only outright strangers are reported.
        let anywhere = ["base_url", "backup_base_url", "extra_ca_file"];
        let of_families = KEYS.iter().flat_map(|(_, keys)| *keys);
        for key in of_families.chain(&anywhere).chain(&upstream::KEYS) {
            section.ignore(key);
        }
        section.finish();
        return None;
    };
    refuse_keys_of_others(&mut section, family);
    let exposes_tokens =
        family == Family::OfficialAccount && section.boolean("expose_tokens", false);
    if exposes_tokens && let Some(fault) = rules.exposure.fault() {
        section.mistake("expose_tokens", fault);
    }

    let mut material = Material::new(&mut section, text, rules.modes);
    // What is wrong with the id has been told; the rest is looked at all the same.
    let name = id.as_ref().map_or("unnamed", AccountId::as_str);
    let built = match family {
        Family::Merchant => client::merchant(&mut material, name, rules.upstream),
        Family::Brand => client::brand(&mut material, name, rules.upstream),
        Family::OfficialAccount => {
            client::official_account(&mut material, name, rules.upstream, exposes_tokens)
        }
    };
    section.finish();
    id?;
    match built? {
        Built::Known(known) => Some(known),
        Built::New(New {
            client,
            about,
            certificate_expires,
            fingerprint,
        }) => Some(AccountSettings {
            client,
            about,
            exposes_tokens,
            certificate_expires,
            fingerprint,
        }),
    }
}

fn refuse_keys_of_others(section: &mut Section<'_>, family: Family) {
    for (families, keys) in KEYS {
        if families.contains(&family) {
            continue;
        }
        let owners: Vec<_> = families
            .iter()
            .map(|family| format!("`{}`", family.as_str()))
            .collect();
        let why = format!(
            "belongs to family {}, this account is `{}`",
            owners.join(" or "),
            family.as_str()
        );
        for key in keys {
            section.refuse(key, &why);
        }
    }
}
