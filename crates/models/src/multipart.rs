//! `multipart/form-data` bodies of the image uploads.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::error::{DecodeError, EncodeError};
use crate::image_format::ImageFormat;
use crate::json;
use crate::record::{Field, Inner, Kind, Place, Record, Ref, Shape, Value};
use crate::upload::{Upload, UploadedFile};

/// One part of a form.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// The name of the part.
    pub name: Cow<'static, str>,
    /// The file name told in the head of the part; a part without one is JSON.
    pub filename: Option<String>,
    /// What the part holds.
    pub content: Bytes,
}

/// The parts of an upload.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Multipart {
    /// The parts in their order.
    pub parts: Vec<Part>,
}

impl Multipart {
    /// Returns what is signed in place of the body: the JSON part, or nothing.
    pub(crate) fn signed(&self) -> Bytes {
        self.parts
            .iter()
            .find(|part| part.filename.is_none())
            .map(|part| part.content.clone())
            .unwrap_or_default()
    }

    /// Takes a part out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Part> {
        let place = self.parts.iter().position(|part| part.name == name)?;
        Some(self.parts.swap_remove(place))
    }

    /// Takes a part out that must be there.
    pub(crate) fn require(&mut self, name: &str) -> Result<Part, DecodeError> {
        self.take(name)
            .ok_or_else(|| DecodeError::body(format!("the part `{name}` is missing")))
    }
}

/// The fields of an upload that are parts, JSON parts before files.
fn fields(shape: &'static Shape) -> impl Iterator<Item = (usize, &'static Field)> {
    let all = shape.fields.iter().enumerate();
    let parts = all.filter(|(_, field)| field.place == Place::Part);
    let json = parts.clone().filter(|(_, field)| is_json(field));
    json.chain(parts.filter(|(_, field)| !is_json(field)))
}

fn is_json(field: &Field) -> bool {
    matches!(field.kind, Kind::Object(_))
}

/// Returns the file name, which stands in the JSON part or, in a family without one, in the head of
/// the file's part alone.
fn filename<'r>(request: &'r dyn Record, upload: &Upload) -> &'r str {
    let value = match upload.name_field.split_once('.') {
        Some((part, name)) => match request.named(part) {
            Ref::Object(about) => about.named(name),
            _ => Ref::Absent,
        },
        None => request.named(upload.name_field),
    };
    value.text().unwrap_or_default()
}

/// Returns the parts of an upload.
pub(crate) fn parts(request: &dyn Record, upload: &Upload) -> Result<Multipart, EncodeError> {
    let mut parts = Vec::new();
    for (index, field) in fields(request.shape()) {
        let (filename, content) = match request.get(index) {
            Ref::Object(about) => (None, json::write(about).map_err(EncodeError)?.into()),
            Ref::Bytes(file) => (Some(filename(request, upload).to_owned()), file.clone()),
            _ => continue,
        };
        parts.push(Part {
            name: field.name.into(),
            filename,
            content,
        });
    }
    Ok(Multipart { parts })
}

/// Takes over the parts of an upload.
pub(crate) fn take(request: &mut dyn Record, mut parts: Multipart) -> Result<(), DecodeError> {
    for (index, field) in fields(request.shape()) {
        let part = if is_json(field) || field.limits.required {
            parts.require(field.name)?
        } else {
            match parts.take(field.name) {
                Some(part) => part,
                None => continue,
            }
        };
        if is_json(field) {
            if let Some(about) = request.slot(index).and_then(|slot| slot.object()) {
                json::read(about, &part.content).map_err(DecodeError::json)?;
            }
            continue;
        }
        if let Some(slot) = request.slot(index) {
            slot.set(Value::Bytes(part.content));
        }
        let mut name = request.shape().fields.iter();
        let name = name.position(|field| field.place == Place::Filename);
        if let Some(slot) = name.and_then(|name| request.slot(name)) {
            match part.filename {
                Some(filename) => {
                    slot.set(Value::Text(filename.into()));
                }
                None => slot.clear(),
            }
        }
    }
    Ok(())
}

/// Returns the file of an upload.
pub(crate) fn file<'r>(request: &'r dyn Record, upload: &Upload) -> Option<UploadedFile<'r>> {
    let (field, content) = content(request)?;
    Some(UploadedFile {
        name_field: upload.name_field,
        name: filename(request, upload),
        content_field: field.name,
        content,
    })
}

/// Returns the first file that is there.
fn content(request: &dyn Record) -> Option<(&'static Field, &Bytes)> {
    fields(request.shape()).find_map(|(index, field)| match request.get(index) {
        Ref::Bytes(content) => Some((field, content)),
        _ => None,
    })
}

/// Fills in the digest that the JSON part tells besides the file name, where it is left out.
pub(crate) fn fill_digest(request: &mut dyn Record, sha256: &dyn Fn(&[u8]) -> String) {
    let Some((_, file)) = content(request) else {
        return;
    };
    let file = file.clone();
    let Some((index, _)) = fields(request.shape()).find(|(_, field)| is_json(field)) else {
        return;
    };
    let Some(Inner::Object(about)) = request.slot(index).map(|slot| slot.inner()) else {
        return;
    };
    let mut members = about.shape().fields.iter();
    if let Some(digest) = members.position(|field| field.name != "filename")
        && about.get(digest).is_absent()
        && let Some(slot) = about.slot(digest)
    {
        slot.set(Value::Text(sha256(&file).into()));
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart")
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// An upload is not a well-formed `multipart/form-data` body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultipartError {
    /// The `Content-Type` is not `multipart/form-data` with a boundary.
    ContentType,
    /// The boundary lines or a part header are malformed.
    Syntax,
}

impl fmt::Display for MultipartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ContentType => "the content type is not multipart/form-data with a boundary",
            Self::Syntax => "the multipart body is malformed",
        })
    }
}

impl std::error::Error for MultipartError {}

/// Returns content type and body.
pub(crate) fn write(parts: &Multipart) -> (String, Bytes) {
    let boundary = boundary(parts);
    let content: usize = parts.parts.iter().map(|part| part.content.len()).sum();
    let mut body = Vec::with_capacity(content + parts.parts.len() * 512 + 64);
    for part in &parts.parts {
        let head = match &part.filename {
            None => format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\";\r\nContent-Type: application/json\r\n\r\n",
                part.name
            ),
            Some(filename) => {
                let filename: String = filename
                    .chars()
                    .filter(|c| !matches!(c, '"' | '\r' | '\n' | '\\'))
                    .collect();
                let media_type = ImageFormat::of_name(&filename)
                    .unwrap_or(ImageFormat::Jpeg)
                    .media_type();
                format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{filename}\";\r\nContent-Type: {media_type}\r\n\r\n",
                    part.name
                )
            }
        };
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (
        format!("multipart/form-data; boundary={boundary}"),
        Bytes::from(body),
    )
}

/// Chooses a boundary that does not occur in the content.
fn boundary(parts: &Multipart) -> String {
    let mut attempt = 0_u32;
    loop {
        let candidate = format!("kabao-{attempt:08x}-form-boundary");
        let needle = candidate.as_bytes();
        if parts
            .parts
            .iter()
            .all(|part| find(&part.content, needle).is_none())
        {
            return candidate;
        }
        attempt = attempt.wrapping_add(1);
    }
}

/// Splits a body into its parts; parts without a name are left out.
pub(crate) fn read(content_type: &str, body: &[u8]) -> Result<Multipart, MultipartError> {
    let mut parts = Vec::new();
    for section in Sections::of(content_type, body)? {
        let (head, content) = section?;
        let head = std::str::from_utf8(head).map_err(|_| MultipartError::Syntax)?;
        if let Some(name) = parameter(head, "name") {
            parts.push(Part {
                name: name.to_owned().into(),
                filename: parameter(head, "filename").map(str::to_owned),
                content: Bytes::copy_from_slice(content),
            });
        }
    }
    Ok(Multipart { parts })
}

/// Returns the content of the first part of a `multipart/form-data` body with this name, whatever
/// comes behind it. Of an upload the part `meta` is what is signed.
pub fn multipart_part<'b>(content_type: &str, body: &'b [u8], name: &str) -> Option<&'b [u8]> {
    for section in Sections::of(content_type, body).ok()? {
        let (head, content) = section.ok()?;
        if parameter(&String::from_utf8_lossy(head), "name") == Some(name) {
            return Some(content);
        }
    }
    None
}

/// The parts of a body: head and content.
struct Sections<'b> {
    rest: &'b [u8],
    /// What stands between two parts.
    marker: Vec<u8>,
}

impl<'b> Sections<'b> {
    fn of(content_type: &str, body: &'b [u8]) -> Result<Self, MultipartError> {
        let boundary = boundary_of(content_type, body).ok_or(MultipartError::ContentType)?;
        let marker = [b"\r\n--", boundary.as_bytes()].concat();
        let delimiter = after(&marker, 2);
        let start = find(body, delimiter).ok_or(MultipartError::Syntax)?;
        let rest = after(body, start + delimiter.len());
        Ok(Self { rest, marker })
    }

    fn split(&mut self, section: &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let (part, tail) = section.split_at_checked(find(section, &self.marker)?)?;
        self.rest = after(tail, self.marker.len());
        let (head, content) = part.split_at_checked(find(part, b"\r\n\r\n")?)?;
        Some((head, after(content, 4)))
    }
}

impl<'b> Iterator for Sections<'b> {
    type Item = Result<(&'b [u8], &'b [u8]), MultipartError>;

    fn next(&mut self) -> Option<Self::Item> {
        let section = std::mem::take(&mut self.rest).strip_prefix(b"\r\n")?;
        Some(self.split(section).ok_or(MultipartError::Syntax))
    }
}

/// Returns the boundary of a `multipart/form-data` body: the one that the content type names, or,
/// where it names none (an SDK in wide use sends it so), that of the first line.
fn boundary_of<'a>(content_type: &'a str, body: &'a [u8]) -> Option<&'a str> {
    let mut pieces = content_type.split(';').map(str::trim);
    if !pieces.next()?.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = pieces.find_map(|piece| {
        piece
            .split_once('=')
            .filter(|(name, _)| name.eq_ignore_ascii_case("boundary"))
    });
    let boundary = match named {
        Some((_, value)) => value.trim_matches('"'),
        None => {
            let line = body.get(..find(body, b"\r\n")?)?;
            std::str::from_utf8(line.strip_prefix(b"--")?).ok()?
        }
    };
    (!boundary.is_empty() && boundary.len() <= 200).then_some(boundary)
}

/// Finds a quoted parameter of `Content-Disposition`.
fn parameter<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let line = header.split("\r\n").find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    })?;
    line.split(';').map(str::trim).find_map(|piece| {
        let (key, value) = piece.split_once('=')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim_matches('"'))
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn after(bytes: &[u8], start: usize) -> &[u8] {
    bytes.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_even_with_a_boundary_inside() {
        let meta = Part {
            name: "meta".into(),
            filename: None,
            content: Bytes::from_static(b"{\"filename\":\"a.png\"}"),
        };
        let file = |name: &'static str| Part {
            name: name.into(),
            filename: Some("a.png".to_owned()),
            content: Bytes::from_static(b"\x89PNG\r\n--kabao-00000000-form-boundary\r\nrest"),
        };
        for parts in [vec![meta, file("file")], vec![file("media")]] {
            let parts = Multipart { parts };
            let (content_type, body) = write(&parts);
            assert_eq!(read(&content_type, &body).unwrap(), parts);
        }
    }

    #[test]
    fn only_the_json_part_is_signed() {
        let part = |name: &'static str, filename: Option<&str>| Part {
            name: name.into(),
            filename: filename.map(str::to_owned),
            content: Bytes::from_static(b"1"),
        };
        let mut parts = Multipart {
            parts: vec![part("media", Some("a.png"))],
        };
        assert_eq!(parts.signed(), Bytes::new());
        parts.parts.push(part("meta", None));
        assert_eq!(parts.signed(), Bytes::from_static(b"1"));
    }

    const META: &[u8] = b"{ \"filename\":\"a.png\" }";

    fn body(first: &str, second: &str) -> Vec<u8> {
        format!(
            "--b\r\n{first}\r\n\r\n{}\r\n--b\r\n{second}\r\n\r\n\u{0}\r\n--c\r\n--b--\r\n",
            String::from_utf8_lossy(META)
        )
        .into_bytes()
    }

    #[test]
    fn a_part_is_found_as_sdks_spell_it() {
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
                assert_eq!(
                    multipart_part(content_type, &body, "meta"),
                    Some(META),
                    "{meta}"
                );
            }
        }
        let body = body(file, file);
        assert_eq!(
            multipart_part("multipart/form-data; boundary=b", &body, "meta"),
            None
        );
    }

    #[test]
    fn other_bodies_have_no_parts() {
        let meta = body("Content-Disposition: form-data; name=\"meta\"", "x: y");
        for content_type in ["application/json", "multipart/form-data; boundary="] {
            assert_eq!(multipart_part(content_type, &meta, "meta"), None);
        }
        let unfinished = b"--b\r\nunfinished";
        let content_type = "multipart/form-data; boundary=b";
        assert_eq!(multipart_part(content_type, unfinished, "meta"), None);
        assert_eq!(read(content_type, unfinished), Err(MultipartError::Syntax));
    }

    #[test]
    fn a_missing_part_is_named() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\nx\r\n--b--\r\n";
        let mut parts = read("multipart/form-data; boundary=b", body).unwrap();
        assert!(parts.require("file").is_ok());
        assert_eq!(
            parts.require("meta").unwrap_err().to_string(),
            "the part `meta` is missing"
        );
        assert_eq!(
            read("application/json", body),
            Err(MultipartError::ContentType)
        );
    }
}
