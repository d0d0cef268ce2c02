//! The upload of pictures.

use kabao_models::merchant::media::{UploadImage, UploadedImage};

use super::{Core, Refused, Rule};
use crate::ledger::Effect;
use crate::picture::{self, Flaw};

impl Core {
    /// Takes a picture and returns its address.
    pub(super) fn upload_picture(
        &mut self,
        request: &UploadImage,
    ) -> Result<UploadedImage, Refused> {
        let meta = request.meta.clone().unwrap_or_default();
        let picture = picture::upload(
            meta.filename.as_deref().unwrap_or_default(),
            meta.sha256.as_deref().unwrap_or_default(),
            request.file.as_deref().unwrap_or_default(),
        )
        .map_err(|flaw| match flaw {
            Flaw::Empty => Rule::ImageEmpty,
            Flaw::TooLarge => Rule::ImageTooLarge,
            Flaw::Type => Rule::ImageType,
            Flaw::Mismatch => Rule::ImageMismatch,
        })?;
        self.give(Effect::default().gives("media_url", picture.url.as_str()));
        Ok(UploadedImage {
            media_url: Some(picture.url),
            ..UploadedImage::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;
    use kabao_models::merchant::media::ImageMeta;

    use super::*;
    use crate::refusal::Refusal;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    fn upload(name: &str, digest_of: &[u8], file: &[u8]) -> Result<UploadedImage, Refused> {
        let request = UploadImage {
            file: Some(file.to_vec().into()),
            meta: Some(ImageMeta {
                filename: Some(name.to_owned()),
                sha256: Some(kabao_auth::sha256_hex(digest_of)),
                ..ImageMeta::default()
            }),
            ..UploadImage::default()
        };
        Core::default().upload_picture(&request)
    }

    #[test]
    fn content_name_size_and_digest_are_checked() {
        let image = upload("a.png", PNG, PNG).unwrap();
        assert_eq!(image.strict_violations(), []);
        let mut large = PNG.to_vec();
        large.resize(picture::MAX_BYTES, 0);
        assert!(upload("a.png", &large, &large).is_ok());
        large.push(0);
        for (name, digest_of, file, expected) in [
            (
                "a.png",
                b"".as_slice(),
                b"".as_slice(),
                (400, "PARAM_ERROR"),
            ),
            ("a.png", &large, &large, (400, "PARAM_ERROR")),
            ("a.png", b"GIF89a", b"GIF89a", (403, "REQUEST_BLOCKED")),
            ("a.gif", PNG, PNG, (403, "REQUEST_BLOCKED")),
            ("a.png", b"BM", PNG, (403, "REQUEST_BLOCKED")),
        ] {
            let refusal = Refusal::from(upload(name, digest_of, file).unwrap_err());
            assert_eq!((refusal.status, &*refusal.code), expected, "{name}");
        }
    }
}
