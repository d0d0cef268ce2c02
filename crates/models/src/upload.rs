//! What the documents ask of an uploaded picture.

use std::fmt;

use crate::image_format::ImageFormat;
use crate::violation::{Breach, LengthUnit};

/// The documented limits of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The largest file, in bytes.
    pub max_bytes: usize,
    /// The kinds of pictures that are taken.
    pub formats: &'static [ImageFormat],
    /// The longest file name, in characters.
    pub max_name_chars: usize,
    /// The path of the field that holds the file name.
    pub name_field: &'static str,
}

/// The file in an upload, and the names of the fields that hold it.
#[derive(Clone, Copy)]
pub struct UploadedFile<'r> {
    /// The path of the field that holds the file name.
    pub name_field: &'static str,
    /// The file name; empty if there is none.
    pub name: &'r str,
    /// The path of the field that holds the content.
    pub content_field: &'static str,
    /// The content.
    pub content: &'r [u8],
}

/// Shows the size only.
impl fmt::Debug for UploadedFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadedFile")
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

impl Upload {
    /// Returns why a file name is refused.
    pub fn check_name(&self, name: &str) -> Option<Breach> {
        let actual = name.chars().count();
        if name.is_empty() {
            Some(Breach::Required)
        } else if actual > self.max_name_chars {
            Some(Breach::TooLong {
                limit: self.max_name_chars,
                actual,
                unit: LengthUnit::Characters,
            })
        } else {
            match ImageFormat::of_name(name) {
                Some(format) if self.formats.contains(&format) => None,
                _ => Some(Breach::FileEnding {
                    formats: self.formats,
                }),
            }
        }
    }

    /// Returns why the content of a file is refused whose name is `name`.
    pub fn check_content(&self, name: &str, content: &[u8]) -> Option<Breach> {
        if content.is_empty() {
            return Some(Breach::Required);
        }
        if content.len() > self.max_bytes {
            return Some(Breach::FileTooLarge {
                limit: self.max_bytes,
            });
        }
        let found = ImageFormat::of_content(content).filter(|found| self.formats.contains(found));
        match (found, ImageFormat::of_name(name)) {
            (None, _) => Some(Breach::FileFormat {
                formats: self.formats,
            }),
            (Some(content), Some(name)) if content != name => {
                Some(Breach::FileMismatch { content, name })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Endpoint;
    use crate::{brand, official_account};

    const PAY: Upload = Upload {
        max_bytes: 32,
        formats: &[ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Png],
        max_name_chars: 128,
        name_field: "meta.filename",
    };

    #[track_caller]
    fn check(limits: Upload, name: &str, content: &[u8], expected: Option<&str>) {
        let found = limits
            .check_name(name)
            .or_else(|| limits.check_content(name, content));
        assert_eq!(
            found.map(|reason| reason.to_string()).as_deref(),
            expected,
            "{name}"
        );
    }

    #[test]
    fn only_images_with_a_fitting_name_pass() {
        let png = b"\x89PNG\r\n\x1a\nrest".as_slice();
        check(PAY, "会员.PNG", png, None);
        check(PAY, "a.jpeg", b"\xff\xd8\xff\xe0", None);
        check(PAY, "a.bmp", b"BM..", None);
        check(PAY, "", b"BM", Some("is required"));
        let endings = "must end in .jpg, .jpeg, .bmp or .png";
        check(PAY, "a.gif", b"GIF89a", Some(endings));
        check(PAY, "a.png", b"", Some("is required"));
        let formats = "must be a JPEG, BMP or PNG image";
        check(PAY, "a.png", b"<html>", Some(formats));
        let mismatch = "is a BMP image, the file name says PNG";
        check(PAY, "a.png", b"BM..", Some(mismatch));
        let long = format!("{}.png", "汉".repeat(125));
        let limit = "has 129 characters, at most 128 are allowed";
        check(PAY, &long, b"BM", Some(limit));
        let large = [png, &[0; 32]].concat();
        check(PAY, "a.png", &large, Some("has more than 32 bytes"));
        let few = Upload {
            formats: &[ImageFormat::Jpeg, ImageFormat::Png],
            ..PAY
        };
        check(few, "a.bmp", b"BM", Some("must end in .jpg, .jpeg or .png"));
        check(few, "a.png", b"BM", Some("must be a JPEG or PNG image"));
    }

    #[test]
    fn requests_report_what_is_wrong_with_their_file_and_servers_decide_for_themselves() {
        let request = official_account::media::UploadImage {
            media: Some(b"BM".as_slice().into()),
            filename: Some("a.bmp".to_owned()),
            ..Default::default()
        };
        let fields: Vec<_> = request
            .violations()
            .into_iter()
            .map(|violation| violation.field)
            .collect();
        assert_eq!(fields, ["filename", "media"]);
        assert_eq!(request.strict_violations(), []);
        let empty = brand::media::UploadImage::default();
        let fields: Vec<_> = empty
            .violations()
            .into_iter()
            .map(|violation| violation.field)
            .collect();
        assert_eq!(fields, ["file", "meta"], "nothing twice");
    }
}
