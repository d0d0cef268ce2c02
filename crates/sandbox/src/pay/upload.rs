//! What counts as the signed body of an image upload: the content of the part `meta`.

use kabao_models::multipart_boundary;

/// Returns the bytes of `meta`, or nothing if the body is no `multipart/form-data` with that part.
pub(super) fn signed_part<'b>(content_type: Option<&str>, body: &'b [u8]) -> Option<&'b [u8]> {
    let boundary = multipart_boundary(content_type?, body)?;
    let delimiter = [b"--", boundary.as_bytes()].concat();
    let mut rest = body.get(find(body, &delimiter)? + delimiter.len()..)?;
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, &[b"\r\n", delimiter.as_slice()].concat())?;
        let (part, after) = part.split_at_checked(end)?;
        let head = find(part, b"\r\n\r\n")?;
        let (head, content) = part.split_at_checked(head)?;
        if names_meta(head) {
            return content.get(4..);
        }
        rest = after.get(2 + delimiter.len()..)?;
    }
    None
}

/// Tells whether the head of a part names `meta`. SDKs differ in what else stands there.
fn names_meta(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    head.split("\r\n").any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("content-disposition")
                && value
                    .split(';')
                    .any(|piece| matches!(piece.trim(), "name=\"meta\"" | "name=meta"))
        })
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &[u8] = b"{ \"filename\":\"a.png\" }";

    fn body(first: &str, second: &str) -> Vec<u8> {
        format!(
            "--b\r\n{first}\r\n\r\n{}\r\n--b\r\n{second}\r\n\r\n\u{0}\r\n--c\r\n--b--\r\n",
            String::from_utf8_lossy(META)
        )
        .into_bytes()
    }

    #[test]
    fn the_meta_part_is_found_as_sdks_spell_it() {
        let file = "Content-Disposition: form-data; name=\"file\"; filename=\"meta.png\";\r\nContent-Type: image/png";
        for meta in [
            "Content-Disposition: form-data; name=\"meta\";\r\nContent-Type: application/json",
            "content-disposition: form-data; name=\"meta\"",
            "Content-Type: application/json\r\nContent-Disposition: form-data; name=meta",
        ] {
            let body = body(meta, file);
            for content_type in [
                "multipart/form-data; boundary=b",
                "Multipart/Form-Data;boundary=\"b\"",
                "multipart/form-data",
            ] {
                assert_eq!(signed_part(Some(content_type), &body), Some(META), "{meta}");
            }
        }
        assert_eq!(
            signed_part(Some("multipart/form-data; boundary=b"), &body(file, file)),
            None
        );
    }

    #[test]
    fn other_bodies_have_no_meta_part() {
        let meta = body("Content-Disposition: form-data; name=\"meta\"", "x: y");
        for content_type in [
            None,
            Some("application/json"),
            Some("multipart/form-data; boundary="),
        ] {
            assert_eq!(signed_part(content_type, &meta), None);
        }
        assert_eq!(
            signed_part(
                Some("multipart/form-data; boundary=b"),
                b"--b\r\nunfinished"
            ),
            None
        );
    }
}
