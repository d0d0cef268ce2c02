//! The uploads of pictures.

use kabao_models::brand::UploadedImage;
use kabao_models::brand::direct_media::UploadDirectImage;
use kabao_models::brand::media::UploadImage;

use super::{Core, Refused, text};
use crate::serve::{Call, Serve};

impl Serve for UploadImage {
    type Core = Core;

    fn serve(self, core: &mut Core, _: &Call) -> Result<UploadedImage, Refused> {
        let meta = self.meta.unwrap_or_default();
        let file = self.file.unwrap_or_default();
        core.upload_picture(text(&meta.filename), text(&meta.sha256), &file)
    }
}

impl Serve for UploadDirectImage {
    type Core = Core;

    fn serve(self, core: &mut Core, _: &Call) -> Result<UploadedImage, Refused> {
        let meta = self.meta.unwrap_or_default();
        let file = self.file.unwrap_or_default();
        core.upload_picture(text(&meta.filename), text(&meta.file_digest), &file)
    }
}
