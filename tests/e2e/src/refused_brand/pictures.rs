//! Pictures: what is none is not sent.

use kabao_proto::kabao::brand::v1::direct_media_service_client::DirectMediaServiceClient;
use kabao_proto::kabao::brand::v1::media_service_client::MediaServiceClient;
use kabao_proto::kabao::brand::v1::{UploadDirectImageRequest, UploadImageRequest};

use super::at_the_door;
use crate::walk_brand::{PROVIDER, Stage};

/// Kinds that WeChat does not take, by name and by content, and an empty picture, with the field that is to blame.
const PICTURES: [(&str, &[u8], &str); 3] = [
    ("a.gif", b"GIF89a", "filename"),
    ("a.png", b"GIF89a", "content"),
    ("a.png", b"", "content"),
];

pub(super) async fn refused(stage: &Stage<'_, '_>) {
    for (filename, content, field) in PICTURES {
        let channel = stage.world().channel();
        let account = stage.caller.demo.account();
        let filename = filename.to_owned();
        let content = content.to_vec().into();
        let answer = if stage.caller.operations == PROVIDER.operations {
            let chunk = UploadImageRequest {
                account,
                filename,
                content,
            };
            MediaServiceClient::new(channel)
                .upload_image(tokio_stream::iter([chunk]))
                .await
        } else {
            let chunk = UploadDirectImageRequest {
                account,
                filename,
                content,
            };
            DirectMediaServiceClient::new(channel)
                .upload_direct_image(tokio_stream::iter([chunk]))
                .await
        };
        at_the_door(&[field]).check(answer);
    }
}
