//! `grpc.policy_file`: which callers may use which methods for which accounts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kabao_grpc::{Group, Methods, Pattern, Policy, Rule, method_named, methods};

use super::callers::entry;
use super::document;
use super::mistake::Collector;
use super::section::{Located, Section, Surroundings};
use super::suggest;
use crate::files::unreadable;

/// The policy that was read.
#[derive(Clone, Debug)]
pub struct PolicySettings {
    /// Where it stands.
    pub file: PathBuf,
    /// What it says.
    pub policy: Arc<Policy>,
}

impl PolicySettings {
    /// Reads the file that the key names; its mistakes join the others, each at its own place.
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let file = section.path("policy_file")?;
        let text = match section.surroundings().present.read(&file.value) {
            Ok(read) => read.text,
            Err(error) => {
                section.reject(&file, unreadable(&file.value, &error));
                return None;
            }
        };
        let mistakes = Collector::new(file.value.display().to_string());
        let outer = section.surroundings();
        let surroundings = Surroundings {
            folder: file.value.parent().unwrap_or(Path::new("")),
            now: outer.now,
            environment: outer.environment,
            mistakes: &mistakes,
            present: outer.present,
        };
        let root = Section::root(document::parse(&text, None, &mistakes), &surroundings);
        let rules = rules(root);
        outer.mistakes.absorb(mistakes);
        Some(Self {
            file: file.value,
            policy: Arc::new(Policy::new(rules)),
        })
    }
}

fn rules(mut root: Section<'_>) -> Vec<Rule> {
    let nodes = root.tables("callers");
    if nodes.is_empty() {
        root.mistake(
            "callers",
            "there is none; a policy without `[[callers]]` lets nobody in",
        );
    }
    let mut rules = Vec::new();
    for (index, node) in nodes.into_iter().enumerate() {
        let place = root.surroundings().mistakes.place(&node.origin);
        let Some(mut section) = entry(&root, node, "callers", "name", index.saturating_add(1))
        else {
            continue;
        };
        let name = section.required_string("name");
        let caller = name.and_then(|name| pattern(&section, &name));
        let accounts = several(
            &mut section,
            "accounts",
            "names of accounts, such as \"acme-*\"",
        );
        let accounts = accounts.iter().filter_map(|name| pattern(&section, name));
        let accounts: Vec<_> = accounts.collect();
        let wanted = several(
            &mut section,
            "methods",
            "`read`, `write`, `money`, `admin`, `secrets`, or full names of methods",
        );
        let methods = wanted.iter().filter_map(|name| method(&section, name));
        let methods = methods.collect();
        let weight = section.number("weight", 1, (1, 1000));
        section.finish();
        rules.extend(caller.map(|caller| Rule {
            caller,
            accounts,
            methods,
            weight,
            place,
        }));
    }
    root.finish();
    rules
}

/// The texts of a list that must not be empty.
fn several(section: &mut Section<'_>, key: &'static str, what: &str) -> Vec<Located<String>> {
    let texts = section.strings(key);
    if !section.has(key) {
        section.mistake(key, format!("is required: a list of {what}"));
    } else if texts.as_ref().is_some_and(Vec::is_empty) {
        section.mistake(key, format!("must not be empty; it is a list of {what}"));
    }
    texts.unwrap_or_default()
}

fn pattern(section: &Section<'_>, text: &Located<String>) -> Option<Pattern> {
    text.value
        .parse()
        .map_err(|error: kabao_grpc::PatternError| section.reject(text, error.to_string()))
        .ok()
}

fn method(section: &Section<'_>, text: &Located<String>) -> Option<Methods> {
    let name = text.value.as_str();
    let group = Group::ALL.into_iter().find(|group| group.as_str() == name);
    let found = group
        .map(Methods::Group)
        .or_else(|| method_named(name).map(Methods::One));
    if found.is_none() {
        section.reject(text, no_method(name));
    }
    found
}

/// What is said of a method that there is none of.
pub(crate) fn no_method(name: &str) -> String {
    let groups = Group::ALL.map(Group::as_str);
    match suggest::similar(name, groups.into_iter().chain(methods())) {
        Some(similar) => format!("is no method and no group of methods; did you mean `{similar}`?"),
        None => format!(
            "is no method and no group of methods; write {}, or a full name such as `kabao.v1.MemberService/GetMember`",
            groups.map(|group| format!("`{group}`")).join(", ")
        ),
    }
}
