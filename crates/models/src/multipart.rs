//! `multipart/form-data` bodies of the image uploads: a JSON part `meta` and a part `file`.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::endpoint::{DecodeError, EncodeError};

/// The two parts of an upload.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Multipart {
    /// The JSON text of the part `meta`; these bytes are signed.
    pub meta: Bytes,
    /// The content of the part `file`.
    pub file: Bytes,
    /// The file name told in the header of the part `file`.
    pub filename: String,
}

impl Multipart {
    /// Joins a JSON part and a file.
    pub(crate) fn new<T: Serialize>(
        meta: &T,
        file: Bytes,
        filename: String,
    ) -> Result<Self, EncodeError> {
        let meta = serde_json::to_vec(meta).map_err(EncodeError)?;
        Ok(Self {
            meta: meta.into(),
            file,
            filename,
        })
    }

    /// Parses the JSON part.
    pub(crate) fn read_meta<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        serde_json::from_slice(&self.meta).map_err(DecodeError::json)
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart")
            .field("file_bytes", &self.file.len())
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
    /// The part `meta` is missing.
    NoMeta,
    /// The part `file` is missing.
    NoFile,
}

impl fmt::Display for MultipartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ContentType => "the content type is not multipart/form-data with a boundary",
            Self::Syntax => "the multipart body is malformed",
            Self::NoMeta => "the part `meta` is missing",
            Self::NoFile => "the part `file` is missing",
        })
    }
}

impl std::error::Error for MultipartError {}

/// Returns content type and body.
pub(crate) fn write(parts: &Multipart) -> (String, Bytes) {
    let boundary = boundary(parts);
    let filename: String = parts
        .filename
        .chars()
        .filter(|c| !matches!(c, '"' | '\r' | '\n' | '\\'))
        .collect();
    let mut body = Vec::with_capacity(parts.file.len() + parts.meta.len() + 512);
    let mut line = |text: &str| {
        body.extend_from_slice(text.as_bytes());
        body.extend_from_slice(b"\r\n");
    };
    line(&format!("--{boundary}"));
    line("Content-Disposition: form-data; name=\"meta\";");
    line("Content-Type: application/json");
    line("");
    body.extend_from_slice(&parts.meta);
    let head = format!(
        "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\";\r\nContent-Type: {}\r\n\r\n",
        image_type(&filename),
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&parts.file);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
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
        if find(&parts.file, needle).is_none() && find(&parts.meta, needle).is_none() {
            return candidate;
        }
        attempt = attempt.wrapping_add(1);
    }
}

fn image_type(filename: &str) -> &'static str {
    let suffix = filename
        .rsplit_once('.')
        .map_or("", |(_, suffix)| suffix)
        .to_ascii_lowercase();
    match suffix.as_str() {
        "png" => "image/png",
        "bmp" => "image/bmp",
        _ => "image/jpeg",
    }
}

/// Splits a body into its parts.
pub(crate) fn read(content_type: &str, body: &[u8]) -> Result<Multipart, MultipartError> {
    let boundary = multipart_boundary(content_type, body).ok_or(MultipartError::ContentType)?;
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut meta = None;
    let mut file = None;
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
        match parameter(header, "name") {
            Some("meta") => meta = Some(Bytes::copy_from_slice(content)),
            Some("file") => {
                let name = parameter(header, "filename").unwrap_or_default().to_owned();
                file = Some((Bytes::copy_from_slice(content), name));
            }
            _ => {}
        }
        rest = after(tail, marker.len());
    }
    let (file, filename) = file.ok_or(MultipartError::NoFile)?;
    Ok(Multipart {
        meta: meta.ok_or(MultipartError::NoMeta)?,
        file,
        filename,
    })
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
        let parts = Multipart {
            meta: Bytes::from_static(b"{\"filename\":\"a.png\"}"),
            file: Bytes::from_static(b"\x89PNG\r\n--kabao-00000000-form-boundary\r\nrest"),
            filename: "a.png".to_owned(),
        };
        let (content_type, body) = write(&parts);
        assert_eq!(read(&content_type, &body).unwrap(), parts);
    }

    #[test]
    fn a_missing_part_is_named() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\nx\r\n--b--\r\n";
        assert_eq!(
            read("multipart/form-data; boundary=b", body),
            Err(MultipartError::NoMeta)
        );
        assert_eq!(
            read("application/json", body),
            Err(MultipartError::ContentType)
        );
    }
}
