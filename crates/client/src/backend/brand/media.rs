//! The portable upload of pictures.

use async_trait::async_trait;
use kabao_api::{CallContext, Error, MediaApi, UploadImage, UploadedImage};
use kabao_models::Upload;
use kabao_models::brand::direct_media::UploadDirectImage;
use kabao_models::brand::media::{ImageMeta, UPLOAD_IMAGE, UploadImage as Request};

use super::Brand;
use crate::portable::{Names, require_same_account, upload_limits, uploaded};

const NAMES: Names = Names(&[("meta.filename", "filename"), ("file", "content")]);

#[async_trait]
impl MediaApi for Brand {
    fn limits(&self) -> Upload {
        upload_limits(&UPLOAD_IMAGE)
    }

    async fn upload_image(
        &self,
        context: &CallContext,
        request: UploadImage,
    ) -> Result<UploadedImage, Error> {
        require_same_account(context, &request.account)?;
        let UploadImage {
            filename, content, ..
        } = request;
        let upload = Request {
            file: Some(content),
            meta: Some(ImageMeta {
                filename: Some(filename),
                ..ImageMeta::default()
            }),
            ..Request::default()
        };
        let answer = self.call::<UploadDirectImage>(context, upload).await;
        uploaded(answer.map_err(|error| NAMES.translate(error))?.media_url)
    }
}
