//! The settings that a running process keeps until it ends.

use std::collections::BTreeMap;

use super::document::{Table, Value, join};

/// Keys that a reload takes over, with everything below them.
const RELOADED: [&str; 6] = [
    "accounts",
    "accounts_dir",
    "callers",
    "grpc.policy_file",
    "keys",
    "upstream",
];

/// Everything else that a configuration says, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fixed(BTreeMap<String, String>);

impl Fixed {
    pub(super) fn of(root: &Table) -> Self {
        let mut fixed = BTreeMap::new();
        collect(root, "", &mut fixed);
        Self(fixed)
    }

    /// The keys that are not the same in both, in order.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut keys: Vec<_> = self.0.keys().chain(other.0.keys()).collect();
        keys.sort();
        keys.dedup();
        let differs = |key: &&String| self.0.get(*key) != other.0.get(*key);
        keys.into_iter().filter(differs).cloned().collect()
    }
}

fn collect(table: &Table, path: &str, into: &mut BTreeMap<String, String>) {
    for (key, node) in table {
        let key = join(path, key);
        match &node.value {
            _ if RELOADED.contains(&key.as_str()) => {}
            Value::Table(inner) => collect(inner, &key, into),
            value => drop(into.insert(key, one(value))),
        }
    }
}

/// What a table says, whatever line it says it on.
pub(super) fn text(table: &Table) -> String {
    let entries = table.iter();
    let entries: Vec<_> = entries
        .map(|(key, node)| format!("{key:?}={}", one(&node.value)))
        .collect();
    format!("{{{}}}", entries.join(","))
}

fn one(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Date => "date".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| one(&item.value)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Table(inner) => text(inner),
        Value::Unreadable => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::super::mistake::Collector;
    use super::*;

    fn fixed(text: &str) -> Fixed {
        Fixed::of(&document::parse(text, None, &Collector::new("kabao.toml")))
    }

    #[test]
    fn what_needs_a_restart_is_told_by_its_key() {
        let before = fixed(
            "[grpc]\nlisten = \"127.0.0.1:1\"\npolicy_file = \"a\"\n[grpc.limits]\nmax_connections = 7\n[[accounts]]\nid = \"a\"",
        );
        assert_eq!(before.differences(&before), Vec::<String>::new());
        let after = fixed(
            "[log]\nlevel = \"debug\"\n[grpc]\npolicy_file = \"b\"\nlisten = \"127.0.0.1:1\"\n[grpc.limits]\nmax_connections = 8\n",
        );
        assert_eq!(
            before.differences(&after),
            ["grpc.limits.max_connections", "log.level"]
        );
    }
}
