//! `docs/sandbox-settings.md` lists every choice that WeChat's documents leave open, with its
//! default, and is what the source says.
//!
//! `KABAO_WRITE_PAGES=1 cargo test -p kabao-sandbox --test settings_page` writes it anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::path::Path;

use kabao_sandbox::Settings;
use serde_json::Value;

const SOURCES: [&str; 5] = [
    include_str!("../src/settings.rs"),
    include_str!("../src/settings/brand.rs"),
    include_str!("../src/settings/merchant.rs"),
    include_str!("../src/settings/odd_values.rs"),
    include_str!("../src/settings/official_account.rs"),
];

/// The documentation of each field of each struct.
fn documented() -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for source in SOURCES {
        let mut owner = None;
        let mut doc: Vec<&str> = Vec::new();
        for line in source.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("///") {
                doc.push(text.trim());
                continue;
            }
            if let Some(rest) = line.strip_prefix("pub struct ") {
                owner = rest.strip_suffix(" {").map(str::to_owned);
            } else if line == "}" {
                owner = None;
            } else if let (Some(owner), Some((name, _))) = (
                &owner,
                line.strip_prefix("pub ")
                    .and_then(|rest| rest.split_once(": ")),
            ) {
                found.insert((owner.clone(), name.to_owned()), doc.join(" "));
            }
            if !line.starts_with("#[") {
                doc.clear();
            }
        }
    }
    found
}

fn page() -> String {
    let mut out = String::from(
        "# Settings of the sandbox\n\n\
         Where WeChat's documents are silent or contradict each other, the sandbox makes a choice that has a name.\n\
         `GET /settings` of the control API shows all of them, `PATCH /settings` changes some; in Rust they are\n\
         `kabao_sandbox::Settings`. A client should rely on neither answer.\n\n\
         Written from the source by a test; `KABAO_WRITE_PAGES=1 cargo test -p kabao-sandbox --test settings_page`\n\
         writes it anew.\n",
    );
    let documented = documented();
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    for (section, members) in defaults.as_object().unwrap() {
        let owner: String = section
            .split('_')
            .map(|word| {
                let (first, rest) = word.split_at(1);
                first.to_ascii_uppercase() + rest
            })
            .collect();
        out.push_str(&format!(
            "\n## `{section}`\n\n| setting | default | |\n| --- | --- | --- |\n"
        ));
        for (name, default) in members.as_object().unwrap() {
            let doc = documented
                .get(&(owner.clone(), name.clone()))
                .unwrap_or_else(|| panic!("{owner}.{name} has no documentation"));
            let default = match default {
                Value::Object(_) | Value::Array(_) if default.to_string().len() > 60 => {
                    "see the source".to_owned()
                }
                Value::Null => "none".to_owned(),
                other => format!("`{other}`"),
            };
            let doc = doc.replace('|', "\\|").replace('<', "\\<");
            out.push_str(&format!("| `{section}.{name}` | {default} | {doc} |\n"));
        }
    }
    out
}

#[test]
fn the_page_of_settings_is_what_the_source_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox-settings.md");
    let expected = page();
    assert!(
        expected.lines().count() > 100,
        "the page lists the settings"
    );
    if std::env::var_os("KABAO_WRITE_PAGES").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/sandbox-settings.md is out of date; run KABAO_WRITE_PAGES=1 cargo test -p kabao-sandbox --test settings_page"
    );
}
