//! Editing the JSON text of an answer, byte for byte.
//!
//! A body is never parsed into values and written again: what an edit does not name stays as it
//! is, and what it puts in may be no JSON at all. So the scanner only looks for where values begin
//! and end, and believes everything between two quotation marks.

use std::ops::Range;

use serde_json::{Map, Value};

use super::RawEdit;

/// Applies a merge patch (RFC 7396) and then each raw edit in its turn.
pub(crate) fn edit(body: &[u8], merge: Option<&Value>, raw: &[RawEdit]) -> Result<Vec<u8>, String> {
    let mut body = body.to_vec();
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err("the answer has no body; replace_body makes one".to_owned());
    }
    if let Some(patch) = merge {
        apply(&mut body, &mut Vec::new(), patch)?;
    }
    for edit in raw {
        let path = pointer(&edit.path).ok_or("a path begins with a slash, or is empty")?;
        set(&mut body, &path, edit.value.as_bytes())?;
    }
    Ok(body)
}

/// Splits a JSON pointer (RFC 6901) into its parts.
pub(super) fn pointer(path: &str) -> Option<Vec<String>> {
    if path.is_empty() {
        return Some(Vec::new());
    }
    let parts = path.strip_prefix('/')?.split('/');
    Some(
        parts
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect(),
    )
}

fn apply(body: &mut Vec<u8>, path: &mut Vec<String>, patch: &Value) -> Result<(), String> {
    let Value::Object(members) = patch else {
        return set(body, path, patch.to_string().as_bytes());
    };
    let is_object = matches!(locate(body, path)?, Place::Present { value, .. }
        if body.get(value.start) == Some(&b'{'));
    if !is_object {
        return set(body, path, without_nulls(members).to_string().as_bytes());
    }
    for (name, patch) in members {
        path.push(name.clone());
        match patch {
            Value::Null => remove(body, path)?,
            patch => apply(body, path, patch)?,
        }
        path.pop();
    }
    Ok(())
}

/// What a patch gives when there is nothing to lay it over.
fn without_nulls(members: &Map<String, Value>) -> Value {
    let kept = members.iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::Object(members) => Some((name.clone(), without_nulls(members))),
        value => Some((name.clone(), value.clone())),
    });
    Value::Object(kept.collect())
}

/// Where a path leads.
enum Place {
    /// To a value that is there, and to what has to go with it when it is removed.
    Present {
        value: Range<usize>,
        whole: Range<usize>,
    },
    /// To a member or an item that could be added here.
    Absent {
        at: usize,
        comma: bool,
        name: Option<String>,
    },
}

fn set(body: &mut Vec<u8>, path: &[String], bytes: &[u8]) -> Result<(), String> {
    match locate(body, path)? {
        Place::Present { value, .. } => {
            body.splice(value, bytes.iter().copied());
        }
        Place::Absent { at, comma, name } => {
            let comma = if comma { "," } else { "" };
            let name = name.map_or_else(String::new, |name| format!("{}:", Value::from(name)));
            let text = [comma.as_bytes(), name.as_bytes(), bytes].concat();
            body.splice(at..at, text);
        }
    }
    Ok(())
}

fn remove(body: &mut Vec<u8>, path: &[String]) -> Result<(), String> {
    if let Place::Present { whole, .. } = locate(body, path)? {
        body.drain(whole);
    }
    Ok(())
}

/// Follows a path from the root.
fn locate(body: &[u8], path: &[String]) -> Result<Place, String> {
    let start = blanks_end(body, 0);
    let root = start..value_end(body, start).ok_or_else(|| no_json(start))?;
    let mut place = Place::Present {
        value: root.clone(),
        whole: root,
    };
    for (depth, part) in path.iter().enumerate() {
        let missing = || {
            let known: String = path
                .iter()
                .take(depth + 1)
                .map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")))
                .collect();
            format!("there is no {known} in the answer")
        };
        let Place::Present { value, .. } = &place else {
            return Err(missing());
        };
        place = step(body, value.start, part)?.ok_or_else(missing)?;
    }
    Ok(place)
}

/// Takes one step into the object or the list that begins at `start`.
fn step(body: &[u8], start: usize, part: &str) -> Result<Option<Place>, String> {
    let is_object = match body.get(start) {
        Some(b'{') => true,
        Some(b'[') => false,
        _ => return Ok(None),
    };
    let children = children(body, start, is_object)?;
    let wanted = |(index, child): (usize, &Child)| {
        let same = if is_object {
            name(body, &child.key) == part
        } else {
            part.parse() == Ok(index)
        };
        same.then_some(index)
    };
    let Some(index) = children.entries.iter().enumerate().find_map(wanted) else {
        let appended = is_object || part == "-" || part.parse() == Ok(children.entries.len());
        return Ok(appended.then(|| Place::Absent {
            at: children
                .entries
                .last()
                .map_or(children.end, |last| last.value.end),
            comma: !children.entries.is_empty(),
            name: is_object.then(|| part.to_owned()),
        }));
    };
    let before = index.checked_sub(1).and_then(|at| children.entries.get(at));
    let after = children.entries.get(index + 1);
    Ok(children.entries.get(index).map(|child| Place::Present {
        value: child.value.clone(),
        whole: match (before, after) {
            (_, Some(after)) => child.key.start..after.key.start,
            (Some(before), None) => before.value.end..child.value.end,
            (None, None) => child.key.start..child.value.end,
        },
    }))
}

/// One member of an object, or one item of a list.
struct Child {
    /// The name with its quotation marks; of an item the place where it begins.
    key: Range<usize>,
    value: Range<usize>,
}

struct Children {
    entries: Vec<Child>,
    /// Where the closing bracket stands.
    end: usize,
}

fn children(body: &[u8], start: usize, is_object: bool) -> Result<Children, String> {
    let close = if is_object { b'}' } else { b']' };
    let mut entries = Vec::new();
    let mut at = blanks_end(body, start + 1);
    loop {
        if body.get(at) == Some(&close) {
            return Ok(Children { entries, end: at });
        }
        let mut key = at..at;
        if is_object {
            key.end = string_end(body, at).ok_or_else(|| no_json(at))?;
            at = blanks_end(body, key.end);
            if body.get(at) != Some(&b':') {
                return Err(no_json(at));
            }
            at = blanks_end(body, at + 1);
        }
        let value = at..value_end(body, at).ok_or_else(|| no_json(at))?;
        at = blanks_end(body, value.end);
        entries.push(Child { key, value });
        match body.get(at) {
            Some(b',') => at = blanks_end(body, at + 1),
            Some(byte) if *byte == close => {}
            _ => return Err(no_json(at)),
        }
    }
}

fn name(body: &[u8], key: &Range<usize>) -> String {
    let text = body.get(key.clone()).unwrap_or_default();
    serde_json::from_slice(text).unwrap_or_else(|_| String::from_utf8_lossy(text).into_owned())
}

fn blanks_end(body: &[u8], start: usize) -> usize {
    let rest = body.get(start..).unwrap_or_default();
    let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace());
    start + blanks.count()
}

/// Returns the place after the value that begins at `start`.
fn value_end(body: &[u8], start: usize) -> Option<usize> {
    match body.get(start)? {
        b'"' => string_end(body, start),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            let mut at = start;
            loop {
                match body.get(at)? {
                    b'"' => {
                        at = string_end(body, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.checked_sub(1)?,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let rest = body.get(start..)?;
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b",:]}".contains(byte);
            let length = rest.iter().position(ends).unwrap_or(rest.len());
            (length > 0).then_some(start + length)
        }
    }
}

fn string_end(body: &[u8], start: usize) -> Option<usize> {
    if body.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    loop {
        match body.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn no_json(at: usize) -> String {
    format!("the answer is no JSON from byte {at} on")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The table of RFC 7396, appendix A, on objects.
    #[test]
    fn a_merge_patch_does_what_the_rfc_lists() {
        for (original, patch, expected) in [
            (r#"{"a":"b"}"#, json!({"a": "c"}), r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, json!({"b": "c"}), r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, json!({"a": null}), "{}"),
            (r#"{"a":"b","b":"c"}"#, json!({"a": null}), r#"{"b":"c"}"#),
            (r#"{"a":"b","b":"c"}"#, json!({"b": null}), r#"{"a":"b"}"#),
            (r#"{"a":["b"]}"#, json!({"a": "c"}), r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, json!({"a": ["b"]}), r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                json!({"a": {"b": "d", "c": null}}),
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, json!({"a": [1]}), r#"{"a":[1]}"#),
            (r#"["a","b"]"#, json!(["c", "d"]), r#"["c","d"]"#),
            (r#"{"a":"b"}"#, json!(["c"]), r#"["c"]"#),
            (r#"{"a":"foo"}"#, json!("bar"), r#""bar""#),
            (r#"{"e":null}"#, json!({"a": 1}), r#"{"e":null,"a":1}"#),
            ("[1,2]", json!({"a": "b", "c": null}), r#"{"a":"b"}"#),
            (
                "{}",
                json!({"a": {"bb": {"ccc": null}}}),
                r#"{"a":{"bb":{}}}"#,
            ),
        ] {
            let edited = edit(original.as_bytes(), Some(&patch), &[]).unwrap();
            assert_eq!(String::from_utf8(edited).unwrap(), expected, "{patch}");
        }
    }

    #[test]
    fn what_an_edit_does_not_name_stays_byte_for_byte() {
        let body = br#" { "b" : 1.50, "a\u0062":"\u00e9\"}", "list":[ {"x":1}, 2 ] ,"z":1e400 } "#;
        let check = |raw: &[RawEdit], expected: &str| {
            let edited = edit(body, None, raw).unwrap();
            assert_eq!(String::from_utf8(edited).unwrap(), expected, "{raw:?}");
        };
        check(&[], std::str::from_utf8(body).unwrap());
        check(
            &[
                RawEdit::new("/ab", "12345678901234567890123"),
                RawEdit::new("/list/0/x", "12.5"),
                RawEdit::new("/list/-", "null"),
                RawEdit::new("/new~1~0", "tru"),
            ],
            r#" { "b" : 1.50, "a\u0062":12345678901234567890123, "list":[ {"x":12.5}, 2,null ] ,"z":1e400,"new/~":tru } "#,
        );
        let merged = edit(body, Some(&json!({"ab": null, "list": {"n": 1}})), &[]).unwrap();
        assert_eq!(
            String::from_utf8(merged).unwrap(),
            r#" { "b" : 1.50, "list":{"n":1} ,"z":1e400 } "#
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_put_in_as_they_are_and_may_be_edited_again() {
        let raw = [
            RawEdit::new("/a", b"\"\x14\xff\""),
            RawEdit::new("/b", b"{\"c\":\"\xe4\"}"),
            RawEdit::new("/b/d", "0"),
        ];
        let edited = edit(br#"{"a":"x"}"#, None, &raw).unwrap();
        assert_eq!(
            edited,
            b"{\"a\":\"\x14\xff\",\"b\":{\"c\":\"\xe4\",\"d\":0}}"
        );
        let whole = edit(b"{}", None, &[RawEdit::new("", "not JSON")]).unwrap();
        assert_eq!(whole, b"not JSON");
    }

    #[test]
    fn an_edit_that_cannot_be_done_says_why() {
        for (body, path, problem) in [
            ("", "/a", "no body"),
            (" \n", "", "no body"),
            (r#"{"a":1}"#, "/a/b", "there is no /a/b in the answer"),
            (r#"{"a":1}"#, "/b/c/d", "there is no /b/c in the answer"),
            (r#"{"a":[1]}"#, "/a/2", "there is no /a/2 in the answer"),
            (r#"{"a":[1]}"#, "/a/x", "there is no /a/x in the answer"),
            (r#"{"a":[1]}"#, "a", "a path begins with a slash"),
            (r#"{"a":[1"#, "/a", "no JSON from byte 0 on"),
            (r#"{"a" 1}"#, "/a", "no JSON from byte 5 on"),
            (r#"{"a":1 2}"#, "/b", "no JSON from byte 7 on"),
            (r#"{,}"#, "/b", "no JSON from byte 1 on"),
        ] {
            let error = edit(body.as_bytes(), None, &[RawEdit::new(path, "0")]).unwrap_err();
            assert!(error.contains(problem), "{body} {path}: {error}");
        }
    }
}
