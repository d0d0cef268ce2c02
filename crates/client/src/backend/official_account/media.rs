//! The portable upload of pictures.

use async_trait::async_trait;
use kabao_api::{CallContext, Error, MediaApi, UploadImage, UploadedImage};
use kabao_models::Upload;
use kabao_models::official_account::media::{UPLOAD_IMAGE, UploadImage as Request};

use super::OfficialAccount;
use crate::portable::{Names, require_same_account, upload_limits, uploaded};

const NAMES: Names = Names(&[("media", "content")]);

#[async_trait]
impl MediaApi for OfficialAccount {
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
            media: Some(request.content),
            filename: Some(request.filename),
            ..Request::default()
        };
        let answer = self.ground.call(context, upload).await;
        uploaded(answer.map_err(|error| NAMES.translate(error))?.url)
    }
}
