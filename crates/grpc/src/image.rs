//! What an uploaded image must be, checked before anything is sent.
//!
//! Limits of `brand.media.image_upload` (page P4015900513): JPG, BMP or PNG up to 2 MB, file name of 1
//! to 128 characters.

use kabao_api::FieldViolation;

/// Bytes of a file.
pub(crate) const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Characters of a file name.
const MAX_NAME: usize = 128;

/// A kind of image: its magic bytes and the endings of its files.
struct Kind {
    name: &'static str,
    magic: &'static [u8],
    endings: &'static [&'static str],
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "PNG",
        magic: b"\x89PNG\r\n\x1a\n",
        endings: &[".png"],
    },
    Kind {
        name: "JPEG",
        magic: b"\xff\xd8\xff",
        endings: &[".jpg", ".jpeg"],
    },
    Kind {
        name: "BMP",
        magic: b"BM",
        endings: &[".bmp"],
    },
];

/// Checks a file name.
pub(crate) fn check_name(name: &str) -> Result<(), FieldViolation> {
    let refuse = |description: String| Err(FieldViolation::new("filename", description));
    let length = name.chars().count();
    if name.is_empty() {
        return refuse("is required in the first chunk".to_owned());
    }
    if length > MAX_NAME {
        return refuse(format!(
            "has {length} characters, at most {MAX_NAME} are allowed"
        ));
    }
    match kind_of_name(name) {
        Some(_) => Ok(()),
        None => refuse("must end in .jpg, .jpeg, .bmp or .png".to_owned()),
    }
}

/// Checks the content of a file whose name was checked.
pub(crate) fn check_content(name: &str, content: &[u8]) -> Result<(), FieldViolation> {
    let refuse = |description: String| Err(FieldViolation::new("content", description));
    if content.is_empty() {
        return refuse("is required".to_owned());
    }
    match (
        KINDS.iter().find(|kind| content.starts_with(kind.magic)),
        kind_of_name(name),
    ) {
        (None, _) => refuse("must be a JPEG, BMP or PNG image".to_owned()),
        (Some(found), Some(named)) if found.name != named.name => refuse(format!(
            "is a {} image, the file name says {}",
            found.name, named.name
        )),
        _ => Ok(()),
    }
}

/// The violation of a file that is too large.
pub(crate) fn too_large() -> FieldViolation {
    FieldViolation::new("content", format!("has more than {MAX_BYTES} bytes"))
}

fn kind_of_name(name: &str) -> Option<&'static Kind> {
    let lower = name.to_ascii_lowercase();
    KINDS
        .iter()
        .find(|kind| kind.endings.iter().any(|ending| lower.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, content: &[u8], expected: Option<&str>) {
        let found = check_name(name)
            .and_then(|()| check_content(name, content))
            .err();
        assert_eq!(
            found.map(|violation| violation.to_string()).as_deref(),
            expected
        );
    }

    #[test]
    fn only_images_with_a_fitting_name_pass() {
        check("会员.PNG", b"\x89PNG\r\n\x1a\nrest", None);
        check("a.jpeg", b"\xff\xd8\xff\xe0", None);
        check("a.bmp", b"BM..", None);
        check("", b"BM", Some("filename is required in the first chunk"));
        check(
            "a.gif",
            b"GIF89a",
            Some("filename must end in .jpg, .jpeg, .bmp or .png"),
        );
        check("a.png", b"", Some("content is required"));
        check(
            "a.png",
            b"<html>",
            Some("content must be a JPEG, BMP or PNG image"),
        );
        check(
            "a.png",
            b"BM..",
            Some("content is a BMP image, the file name says PNG"),
        );
        let long = format!("{}.png", "汉".repeat(125));
        check(
            &long,
            b"BM",
            Some("filename has 129 characters, at most 128 are allowed"),
        );
    }
}
