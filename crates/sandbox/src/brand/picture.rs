//! Uploaded pictures.

use kabao_models::brand::UploadedImage;

use super::{Core, Refused, Rule};
use crate::ledger::{Change, Effect};
use crate::random;

/// Uploads may have this many bytes.
const MAX_BYTES: usize = 2 << 20;

/// A picture that was uploaded.
pub(super) struct Picture {
    kind: Kind,
    pub(super) bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Jpg,
    Png,
    Bmp,
}

impl Picture {
    /// Card faces are JPG or PNG.
    pub(super) fn suits_a_card_face(&self) -> bool {
        self.kind != Kind::Bmp
    }
}

impl Kind {
    /// Recognises a file by its first bytes.
    fn of_content(file: &[u8]) -> Option<Self> {
        if file.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if file.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpg)
        } else if file.starts_with(b"BM") {
            Some(Self::Bmp)
        } else {
            None
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        let (_, suffix) = name.rsplit_once('.')?;
        match suffix.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" => Some(Self::Jpg),
            "png" => Some(Self::Png),
            "bmp" => Some(Self::Bmp),
            _ => None,
        }
    }
}

impl Core {
    /// Keeps an uploaded picture and returns its address.
    pub(super) fn upload_picture(
        &mut self,
        filename: &str,
        digest: &str,
        file: &[u8],
    ) -> Result<UploadedImage, Refused> {
        if file.is_empty() {
            return Err(Rule::ImageEmpty.into());
        }
        if file.len() > MAX_BYTES {
            return Err(Rule::ImageTooLarge.into());
        }
        let (Some(kind), Some(_)) = (Kind::of_content(file), Kind::of_name(filename)) else {
            return Err(Rule::ImageType.into());
        };
        if !kabao_auth::sha256_hex(file).eq_ignore_ascii_case(digest) {
            return Err(Rule::ImageMismatch.into());
        }
        let url = format!(
            "https://wxpaylogo.qpic.cn/wxpaylogo/{}/0",
            random::secret(32)
        );
        self.pictures.insert(
            url.clone(),
            Picture {
                kind,
                bytes: file.len(),
            },
        );
        self.effects.push(Effect {
            changes: vec![Change {
                field: "media_url".to_owned(),
                before: None,
                after: Some(url.as_str().into()),
            }],
            ..Effect::default()
        });
        Ok(UploadedImage {
            media_url: Some(url),
            ..UploadedImage::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;
    use kabao_models::brand::Card;

    use super::super::core::tests::{CARD, context, core, rule};
    use super::*;
    use crate::settings;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
    const BMP: &[u8] = b"BMrest";

    fn upload(core: &mut Core, name: &str, file: &[u8]) -> Result<UploadedImage, Refused> {
        core.upload_picture(name, &kabao_auth::sha256_hex(file), file)
    }

    #[test]
    fn content_name_size_and_digest_are_checked() {
        let large = [PNG, &vec![0; MAX_BYTES - PNG.len() + 1]].concat();
        let full = large.get(..MAX_BYTES).unwrap();
        for (name, file, expected) in [
            ("a.png", PNG, None),
            ("a.JPEG", b"\xff\xd8\xff\xe0".as_slice(), None),
            ("a.bmp", BMP, None),
            ("a.png", full, None),
            ("a.png", b"".as_slice(), Some(Rule::ImageEmpty)),
            ("a.png", large.as_slice(), Some(Rule::ImageTooLarge)),
            ("a.png", b"GIF89a".as_slice(), Some(Rule::ImageType)),
            ("a.gif", PNG, Some(Rule::ImageType)),
        ] {
            let found = upload(&mut core(), name, file)
                .err()
                .map(|refused| refused.rule);
            assert_eq!(found, expected, "{name}");
        }
        let digest = kabao_auth::sha256_hex(BMP);
        let other = core().upload_picture("a.png", &digest, PNG);
        assert_eq!(rule(other), Rule::ImageMismatch);
    }

    #[test]
    fn only_suitable_uploads_become_card_faces() {
        let mut core = core();
        let strict = settings::Brand {
            pictures_must_be_uploaded: true,
            ..settings::Brand::default()
        };
        let png = upload(&mut core, "a.png", PNG).unwrap();
        assert_eq!(png.strict_violations(), []);
        let bmp = upload(&mut core, "a.bmp", BMP).unwrap();
        let large = [PNG, &vec![0; 1 << 20]].concat();
        let large = upload(&mut core, "b.png", &large).unwrap();
        for (url, accepted) in [
            (png.media_url, true),
            (bmp.media_url, false),
            (large.media_url, false),
            (Some("https://example.com/face.png".into()), false),
        ] {
            let change = Card {
                card_picture_url: url,
                ..Card::default()
            };
            let result = core.update_template(&context(&strict), CARD, change);
            assert_eq!(result.is_ok(), accepted);
        }
    }
}
