//! Uploaded pictures of the two WeChat Pay families: one rule, two tables of errors.

use kabao_models::ImageFormat;

use crate::random;

/// Uploads may have this many bytes.
pub(crate) const MAX_BYTES: usize = 2 << 20;

/// A picture that was uploaded.
pub(crate) struct Picture {
    pub(crate) url: String,
    pub(crate) format: ImageFormat,
    pub(crate) bytes: usize,
}

/// Why a picture is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Empty,
    TooLarge,
    Type,
    /// The digest is that of another file.
    Mismatch,
}

/// Looks at an upload and gives it an address.
pub(crate) fn upload(filename: &str, digest: &str, file: &[u8]) -> Result<Picture, Flaw> {
    if file.is_empty() {
        return Err(Flaw::Empty);
    }
    if file.len() > MAX_BYTES {
        return Err(Flaw::TooLarge);
    }
    let (Some(format), Some(_)) = (
        ImageFormat::of_content(file),
        ImageFormat::of_name(filename),
    ) else {
        return Err(Flaw::Type);
    };
    if !kabao_auth::sha256_hex(file).eq_ignore_ascii_case(digest) {
        return Err(Flaw::Mismatch);
    }
    Ok(Picture {
        url: format!(
            "https://wxpaylogo.qpic.cn/wxpaylogo/{}/0",
            random::secret(32)
        ),
        format,
        bytes: file.len(),
    })
}
