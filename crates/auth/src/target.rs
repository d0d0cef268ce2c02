//! Request targets, encoded once for signer and transport alike.

use std::fmt::Write as _;

use crate::Error;

/// Percent-encodes everything but `A-Z a-z 0-9 - . _ ~` as upper-case `%XX` of its UTF-8 bytes.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    push_encoded(&mut encoded, text);
    encoded
}

/// Builds path and query from a template such as `/v3/x/{card_id}`, path parameters and query pairs.
///
/// Query pairs keep their order; without any there is no `?`. An empty query value gives `name=`.
///
/// # Errors
/// [`Error::InvalidTarget`] if a parameter of the template is not given, a given one is not in the template,
/// or a value is empty, `.` or `..`, which servers and proxies would fold away.
pub fn build_target(
    template: &str,
    path: &[(&str, &str)],
    query: &[(&str, &str)],
) -> Result<String, Error> {
    let mut target = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('{') {
        let invalid = |name: &str| Error::InvalidTarget(name.to_owned());
        let (name, after) = after.split_once('}').ok_or_else(|| invalid(after))?;
        let (_, value) = path
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| invalid(name))?;
        if matches!(*value, "" | "." | "..") {
            return Err(invalid(name));
        }
        target.push_str(literal);
        push_encoded(&mut target, value);
        rest = after;
    }
    target.push_str(rest);
    if let Some((name, _)) = path
        .iter()
        .find(|(name, _)| !template.contains(&format!("{{{name}}}")))
    {
        return Err(Error::InvalidTarget((*name).to_owned()));
    }
    let mut separator = '?';
    for (name, value) in query {
        target.push(separator);
        push_encoded(&mut target, name);
        target.push('=');
        push_encoded(&mut target, value);
        separator = '&';
    }
    Ok(target)
}

fn push_encoded(target: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            target.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(target, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_unreserved_characters_is_encoded() {
        assert_eq!(percent_encode("azAZ09-._~"), "azAZ09-._~");
        assert_eq!(
            percent_encode("a b+c/d%|会"),
            "a%20b%2Bc%2Fd%25%7C%E4%BC%9A"
        );
    }

    #[test]
    fn a_target_needs_exactly_the_parameters_of_its_template() {
        let build =
            |path: &[(&str, &str)]| build_target("/v3/{card_id}/user-cards/{code}", path, &[]);
        assert_eq!(
            build(&[("code", "7"), ("card_id", "p")]).unwrap(),
            "/v3/p/user-cards/7"
        );
        let rows: [(&[(&str, &str)], &str); 5] = [
            (&[("card_id", "p")], "code"),
            (
                &[("card_id", "p"), ("code", "7"), ("openid", "o")],
                "openid",
            ),
            (&[("card_id", ""), ("code", "7")], "card_id"),
            (&[("card_id", "p"), ("code", "..")], "code"),
            (&[("card_id", "."), ("code", "7")], "card_id"),
        ];
        for (path, name) in rows {
            assert_eq!(
                build(path),
                Err(Error::InvalidTarget(name.to_owned())),
                "{path:?}"
            );
        }
    }
}
