//! How the modules of a crate depend on each other, and where the sandbox keeps its rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::repository::{expect_none, files, relative, root};

/// The folders of the workspace whose packages have no circles among their top-level modules.
///
/// Below the top level a family of the sandbox may: its state holds the records of its nouns, whose
/// files hold the commands on the state.
const FOLDERS: [&str; 3] = ["crates", "services", "tests"];

/// Every package of the workspace that has a library or a program.
fn packages() -> Vec<PathBuf> {
    let entries = FOLDERS.iter().flat_map(|folder| {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path())
    });
    let mut packages: Vec<PathBuf> = entries
        .filter(|package| package.join("src").is_dir())
        .collect();
    packages.sort();
    packages
}

#[test]
fn top_level_modules_do_not_depend_on_each_other_in_circles() {
    let packages = packages();
    assert!(packages.len() > 18, "{packages:?}");
    for package in packages {
        let circles: Vec<String> = circles(dependencies(&package.join("src")))
            .into_iter()
            .map(|(from, to)| format!("{}: {from} uses {to:?}", relative(&package)))
            .collect();
        expect_none(
            "take what these share into a module that uses none of them:",
            &circles,
        );
    }
}

/// Which top-level modules the code of each one uses, tests apart.
fn dependencies(source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let sources: Vec<(PathBuf, String)> = files()
        .into_iter()
        .filter(|path| path.starts_with(source) && path.extension().is_some_and(|e| e == "rs"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect();
    let module = |path: &Path| {
        let first = path.strip_prefix(source).unwrap().components().next();
        let first = first.unwrap().as_os_str().to_string_lossy().into_owned();
        first.trim_end_matches(".rs").to_owned()
    };
    let modules: BTreeSet<String> = sources.iter().map(|(path, _)| module(path)).collect();
    let passed_on: BTreeMap<&str, &str> = sources
        .iter()
        .filter(|(path, _)| module(path) == "lib")
        .flat_map(|(_, text)| passed_on(text))
        .collect();
    let tests: BTreeSet<PathBuf> = sources
        .iter()
        .flat_map(|(path, text)| test_modules(path, text))
        .collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in &sources {
        let own = module(path);
        if ["lib", "main", "bin"].contains(&own.as_str())
            || path
                .with_extension("")
                .ancestors()
                .any(|part| tests.contains(part))
        {
            continue;
        }
        let used = graph.entry(own.clone()).or_default();
        used.extend(
            used_in(text)
                .into_iter()
                .map(|name| passed_on.get(name).copied().unwrap_or(name))
                .filter(|name| *name != own && modules.contains(*name))
                .map(str::to_owned),
        );
    }
    graph
}

/// The modules that a file declares for tests only.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let folder = path.with_extension("");
    let folder = match path.file_name() {
        Some(name) if name == "lib.rs" || name == "main.rs" => path.parent().unwrap().to_owned(),
        _ => folder,
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| Some(pair[1].strip_suffix(';')?.rsplit_once("mod ")?.1))
        .map(|name| folder.join(name))
        .collect()
}

/// What `lib.rs` passes on, with the module that has it: `crate::Name` is a use of that module.
fn passed_on(root: &str) -> impl Iterator<Item = (&str, &str)> {
    let uses = root.split("use self::").skip(1).flat_map(paths);
    uses.filter(|(module, name)| module != name)
        .map(|(module, name)| (name, module))
}

/// The names behind `crate::` in the code of a file, up to its tests.
fn used_in(text: &str) -> BTreeSet<&str> {
    let tests = text.match_indices("#[cfg(test)]\n").find(|(at, head)| {
        let rest = &text[at + head.len()..];
        rest.lines()
            .next()
            .is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    });
    let code = tests.map_or(text, |(at, _)| &text[..at]);
    code.match_indices("crate::")
        .filter(|(at, _)| {
            let line = code[..*at].rsplit('\n').next().unwrap_or_default();
            !line.trim_start().starts_with("//")
        })
        .flat_map(|(at, head)| paths(&code[at + head.len()..]))
        .map(|(first, _)| first)
        .collect()
}

/// The first and the last name of each path at the beginning of a text: `a::{b, c::d}` has `a` and `b`, `a` and `d`.
fn paths(text: &str) -> Vec<(&str, &str)> {
    if let Some(group) = text.strip_prefix('{') {
        return members(group)
            .into_iter()
            .flat_map(|member| paths(member.trim()))
            .collect();
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let inner = rest.strip_prefix("::").map(paths).unwrap_or_default();
    if name.is_empty() {
        Vec::new()
    } else if inner.is_empty() {
        let alias = rest.strip_prefix(" as ").map(paths).unwrap_or_default();
        vec![(name, alias.first().map_or(name, |(alias, _)| *alias))]
    } else {
        inner.into_iter().map(|(_, last)| (name, last)).collect()
    }
}

/// The members of a group, up to the brace that closes it.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                members.push(&group[start..at]);
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    members
}

/// What is left when modules that use none of the others, or that none of them uses, are taken away.
fn circles(mut graph: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    loop {
        let left: BTreeSet<String> = graph
            .iter()
            .filter(|(name, uses)| {
                uses.iter().any(|used| graph.contains_key(used))
                    && graph.values().any(|uses| uses.contains(*name))
            })
            .map(|(name, _)| name.clone())
            .collect();
        if left.len() == graph.len() {
            return graph;
        }
        graph.retain(|name, uses| {
            uses.retain(|used| left.contains(used));
            left.contains(name)
        });
    }
}

#[test]
fn a_circle_is_found_and_what_only_leads_to_it_is_not() {
    let uses = |name: &str, used: &[&str]| {
        let used = used.iter().map(|used| (*used).to_owned()).collect();
        (name.to_owned(), used)
    };
    let graph = BTreeMap::from([
        uses("a", &["b"]),
        uses("b", &["c", "leaf"]),
        uses("c", &["b"]),
        uses("leaf", &[]),
    ]);
    let found = circles(graph);
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["b", "c"]);
}

#[test]
fn uses_are_found_in_groups_over_several_lines_and_through_what_the_root_passes_on() {
    let text = "use crate::{\n    one,\n    two::{Two, deep::Three},\n};\n// crate::three\n\
                let x = crate::four::x;\n#[cfg(test)]\nmod tests {\n use crate::five;\n}\n";
    assert_eq!(
        used_in(text).into_iter().collect::<Vec<_>>(),
        ["four", "one", "two"]
    );
    let root =
        "mod a;\npub use self::a::{One, b::Two};\npub use self::{a::Three, c::Four as Five};\n";
    assert_eq!(
        passed_on(root).collect::<Vec<_>>(),
        [("One", "a"), ("Two", "a"), ("Three", "a"), ("Five", "c")]
    );
}

/// The families, in the order of the table of ARCHITECTURE.md that says where each keeps a rule.
const FAMILIES: [&str; 3] = ["merchant", "brand", "official_account"];

/// The files that the table names: of each row those of each family.
fn table_of_rules() -> Vec<[BTreeSet<String>; 3]> {
    let document = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = document.split_once("| noun | merchant | brand | official_account |");
    let table = table.expect("ARCHITECTURE.md has the table").1;
    let rows: Vec<_> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.split('|').skip(2).map(|cell| {
                let names = cell.split('`').filter(|part| part.ends_with(".rs"));
                names.map(str::to_owned).collect()
            });
            [(); 3].map(|()| cells.next().unwrap_or_default())
        })
        .collect();
    assert!(rows.len() > 15, "the table has rows");
    rows
}

fn folder_of_rules(family: &str) -> PathBuf {
    root().join("crates/sandbox/src").join(family)
}

#[test]
fn every_file_of_a_family_stands_where_the_table_says() {
    let mut missing = Vec::new();
    for row in table_of_rules() {
        for (family, names) in FAMILIES.iter().zip(row) {
            let paths = names.iter().map(|name| folder_of_rules(family).join(name));
            missing.extend(
                paths
                    .filter(|path| !path.is_file())
                    .map(|path| relative(&path)),
            );
        }
    }
    expect_none("the table of ARCHITECTURE.md names these:", &missing);
}

#[test]
fn what_several_families_have_has_a_row_in_the_table() {
    let files = FAMILIES.map(|family| -> BTreeSet<String> {
        let entries = fs::read_dir(folder_of_rules(family)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(".rs")).collect()
    });
    let rows = table_of_rules();
    let mut missing = Vec::new();
    for (place, family) in FAMILIES.iter().enumerate() {
        for name in &files[place] {
            let is_shared = files.iter().filter(|names| names.contains(name)).count() > 1;
            if is_shared && !rows.iter().any(|row| row[place].contains(name)) {
                missing.push(relative(&folder_of_rules(family).join(name)));
            }
        }
    }
    expect_none(
        "a noun of several families needs a row in the table of ARCHITECTURE.md:",
        &missing,
    );
}

#[test]
fn every_family_tests_its_operations_and_its_refusals_at_the_same_place() {
    let missing: Vec<String> = FAMILIES
        .iter()
        .flat_map(|family| {
            ["operations/tests.rs", "refused/tests.rs"]
                .map(|tests| folder_of_rules(family).join(tests))
        })
        .filter(|path| !path.is_file())
        .map(|path| relative(&path))
        .collect();
    expect_none("a reader of one family looks here in the others:", &missing);
}
