//! Uploaded pictures.

use kabao_models::brand::UploadedImage;

use super::{Core, Refused, Rule};
use crate::ledger::Effect;
use crate::picture::{self, Flaw};

impl Core {
    /// Keeps an uploaded picture and returns its address.
    pub(super) fn upload_picture(
        &mut self,
        filename: &str,
        digest: &str,
        file: &[u8],
    ) -> Result<UploadedImage, Refused> {
        let picture = picture::upload(filename, digest, file).map_err(|flaw| match flaw {
            Flaw::Empty => Rule::ImageEmpty,
            Flaw::TooLarge => Rule::ImageTooLarge,
            Flaw::Type => Rule::ImageType,
            Flaw::Mismatch => Rule::ImageMismatch,
        })?;
        let url = picture.url.clone();
        self.pictures.insert(url.clone(), picture);
        self.give(Effect::default().gives("media_url", url.as_str()));
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

    use super::super::testing::{CARD, context, core, rule};
    use super::*;
    use crate::settings;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
    const BMP: &[u8] = b"BMrest";

    fn upload(core: &mut Core, name: &str, file: &[u8]) -> Result<UploadedImage, Refused> {
        core.upload_picture(name, &kabao_auth::sha256_hex(file), file)
    }

    #[test]
    fn content_name_size_and_digest_are_checked() {
        let most = picture::MAX_BYTES;
        let large = [PNG, &vec![0; most - PNG.len() + 1]].concat();
        let full = large.get(..most).unwrap();
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
