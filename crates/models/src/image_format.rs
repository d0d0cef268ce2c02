//! Kinds of pictures.

use std::fmt;

/// A kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// `.jpg`, `.jpeg`.
    Jpeg,
    /// `.png`.
    Png,
    /// `.bmp`.
    Bmp,
}

impl ImageFormat {
    const ALL: [Self; 3] = [Self::Jpeg, Self::Png, Self::Bmp];

    /// Recognises a picture by its first bytes.
    pub fn of_content(content: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| content.starts_with(format.magic()))
    }

    /// Recognises a picture by the ending of its file name.
    pub fn of_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| {
            format
                .endings()
                .iter()
                .any(|ending| lower.ends_with(ending))
        })
    }

    /// Returns the endings of file names, with their dots.
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &[".jpg", ".jpeg"],
            Self::Png => &[".png"],
            Self::Bmp => &[".bmp"],
        }
    }

    /// Returns the media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Bmp => "image/bmp",
        }
    }

    const fn magic(self) -> &'static [u8] {
        match self {
            Self::Jpeg => b"\xff\xd8\xff",
            Self::Png => b"\x89PNG\r\n\x1a\n",
            Self::Bmp => b"BM",
        }
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Bmp => "BMP",
        })
    }
}
