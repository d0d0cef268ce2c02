//! `multipart/form-data` bodies of the image uploads.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::endpoint::{DecodeError, EncodeError};
use crate::upload::ImageFormat;

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
    /// Adds a JSON part, if there is something to tell.
    pub(crate) fn json<T: Serialize>(
        mut self,
        name: &'static str,
        value: &Option<T>,
    ) -> Result<Self, EncodeError> {
        if let Some(value) = value {
            let content = serde_json::to_vec(value).map_err(EncodeError)?;
            self.parts.push(Part {
                name: name.into(),
                filename: None,
                content: content.into(),
            });
        }
        Ok(self)
    }

    /// Adds a file, if there is one.
    pub(crate) fn file(
        mut self,
        name: &'static str,
        filename: Option<&str>,
        content: &Option<Bytes>,
    ) -> Self {
        if let Some(content) = content {
            self.parts.push(Part {
                name: name.into(),
                filename: Some(filename.unwrap_or_default().to_owned()),
                content: content.clone(),
            });
        }
        self
    }

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

    /// Takes a JSON part out that must be there, and parses it.
    pub(crate) fn require_json<T: DeserializeOwned>(
        &mut self,
        name: &str,
    ) -> Result<T, DecodeError> {
        serde_json::from_slice(&self.require(name)?.content).map_err(DecodeError::json)
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
    let boundary = multipart_boundary(content_type, body).ok_or(MultipartError::ContentType)?;
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut parts = Vec::new();
    let start = find(body, delimiter).ok_or(MultipartError::Syntax)?;
    let mut rest = after(body, start + delimiter.len());
    while let Some(section) = rest.strip_prefix(b"\r\n") {
        let marker = [b"\r\n", delimiter].concat();
        let end = find(section, &marker).ok_or(MultipartError::Syntax)?;
        let (part, tail) = section
            .split_at_checked(end)
            .ok_or(MultipartError::Syntax)?;
        let split = find(part, b"\r\n\r\n").ok_or(MultipartError::Syntax)?;
        let (header, content) = part.split_at_checked(split).ok_or(MultipartError::Syntax)?;
        let content = after(content, 4);
        let header = std::str::from_utf8(header).map_err(|_| MultipartError::Syntax)?;
        if let Some(name) = parameter(header, "name") {
            parts.push(Part {
                name: name.to_owned().into(),
                filename: parameter(header, "filename").map(str::to_owned),
                content: Bytes::copy_from_slice(content),
            });
        }
        rest = after(tail, marker.len());
    }
    Ok(Multipart { parts })
}

/// Returns the boundary of a `multipart/form-data` body: the one that the content type names, or,
/// where it names none (an SDK in wide use sends it so), that of the first line.
pub fn multipart_boundary<'a>(content_type: &'a str, body: &'a [u8]) -> Option<&'a str> {
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
        let file = Some(Bytes::from_static(b"x"));
        let plain = Multipart::default().file("media", Some("a.png"), &file);
        assert_eq!(plain.signed(), Bytes::new());
        let signed =
            Multipart::default()
                .json("meta", &Some(1))
                .unwrap()
                .file("file", Some("a.png"), &file);
        assert_eq!(signed.signed(), Bytes::from_static(b"1"));
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
