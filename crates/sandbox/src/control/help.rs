//! The control API for `--help`.

use std::fmt::Write as _;

use super::endpoints::ENDPOINTS;
use super::families;
use crate::described::Parameter;
use crate::fault::Fault;

/// Where descriptions begin, and where lines end.
const LEFT: usize = 38;
const RIGHT: usize = 118;

/// Lists every endpoint of the control API, every action and every kind of fault, with the members
/// that they take.
pub fn control_help() -> String {
    let mut out = String::from(
        "Control API (JSON; errors name the field; unknown members and query parameters are errors; what has a ? may be\n\
         left out):\n",
    );
    for endpoint in &ENDPOINTS {
        let head = format!("{} {}", endpoint.method, in_capitals(endpoint.path));
        entry(&mut out, 2, &head, endpoint.about);
        members(&mut out, 4, endpoint.query);
        members(&mut out, 4, endpoint.takes);
    }
    for family in families::ALL {
        let _ = write!(out, "\nActions of the {family} family:\n");
        for action in families::of(family).actions() {
            entry(&mut out, 2, action.name, action.about);
            members(&mut out, 4, action.takes);
        }
    }
    for family in families::ALL {
        let _ = write!(out, "\nState of the {family} family:\n");
        for (name, about) in families::of(family).parts() {
            entry(&mut out, 2, name, about);
        }
    }
    out.push_str("\nFaults, by kind:\n");
    for variant in Fault::VARIANTS {
        entry(&mut out, 2, variant.word, variant.about);
        members(&mut out, 4, variant.members);
    }
    out
}

/// `/accounts/{account}` as `/accounts/ACCOUNT`.
fn in_capitals(path: &str) -> String {
    let name = |part: &str| Some(part.strip_prefix('{')?.strip_suffix('}')?.to_uppercase());
    let part = |part: &str| name(part).unwrap_or_else(|| part.to_owned());
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn members(out: &mut String, indent: usize, parameters: &[Parameter]) {
    for parameter in parameters {
        let optional = if parameter.optional { "?" } else { "" };
        let head = format!("{}{optional}", parameter.name);
        let about = format!("{}: {}", parameter.kind, parameter.about.trim());
        entry(out, indent, &head, &about);
        members(out, indent + 2, parameter.members);
    }
}

/// Writes a head, and what it means beside it.
fn entry(out: &mut String, indent: usize, head: &str, about: &str) {
    let mut line = format!("{:indent$}{head:<width$} ", "", width = LEFT - indent - 1);
    for word in about.split_whitespace() {
        let word = word.replace("[`", "`").replace("`]", "`");
        if line.chars().count() + word.chars().count() > RIGHT {
            let _ = writeln!(out, "{}", line.trim_end());
            line = " ".repeat(LEFT);
        }
        let _ = write!(line, "{word} ");
    }
    let _ = writeln!(out, "{}", line.trim_end());
}
