//! The portable upload of pictures.

use async_trait::async_trait;
use kabao_api::{CallContext, Error, MediaApi, UploadImage, UploadedImage};
use kabao_models::Upload;
use kabao_models::merchant::media::{ImageMeta, UPLOAD_IMAGE, UploadImage as Request};

use super::Merchant;
use crate::portable::{Names, require_same_account, upload_limits, uploaded};

const NAMES: Names = Names(&[("meta.filename", "filename"), ("file", "content")]);

#[async_trait]
impl MediaApi for Merchant {
    fn limits(&self) -> Upload {
        upload_limits(&UPLOAD_IMAGE)
    }

    async fn upload_image(
        &self,
        context: &CallContext,
        request: UploadImage,
    ) -> Result<UploadedImage, Error> {
        require_same_account(context, &request.account)?;
        let upload = Request {
            file: Some(request.content),
            meta: Some(ImageMeta {
                filename: Some(request.filename),
                ..ImageMeta::default()
            }),
            ..Request::default()
        };
        let answer = self.ground.call(context, upload).await;
        uploaded(answer.map_err(|error| NAMES.translate(error))?.media_url)
    }
}
