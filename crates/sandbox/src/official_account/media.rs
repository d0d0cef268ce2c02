//! The upload of pictures.

use kabao_models::official_account::media::{UploadImage, UploadImageResponse};

use super::card::OK;
use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};
use crate::settings::UploadPart;

impl Serve for UploadImage {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<UploadImageResponse, Refused> {
        let context = Context::of(call);
        // A part without a file name is no file.
        self.filename.ok_or(Refused::MediaMissing)?;
        let picture = match context.rules.upload_part {
            UploadPart::Any => self.media.or(self.buffer),
            UploadPart::Media => self.media,
            UploadPart::Buffer => self.buffer,
        };
        let url = core.upload_picture(&context, &picture.ok_or(Refused::MediaMissing)?)?;
        let told = context.rules.upload_answer_errcode;
        Ok(UploadImageResponse {
            url: Some(url),
            errcode: told.then_some(0),
            errmsg: told.then(|| OK.to_owned()),
            ..UploadImageResponse::default()
        })
    }
}
