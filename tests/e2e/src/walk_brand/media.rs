//! Pictures: sent in chunks.

use kabao_proto::kabao::brand::v1::direct_media_service_client::DirectMediaServiceClient;
use kabao_proto::kabao::brand::v1::media_service_client::MediaServiceClient;
use kabao_proto::kabao::brand::v1::{UploadDirectImageRequest, UploadImageRequest};

use serde_json::json;

use super::{PROVIDER, Stage};

/// The smallest part of a picture that shows its type, in two chunks.
const PNG: [&[u8]; 2] = [b"\x89PNG", b"\r\n\x1a\n"];

/// Uploads a picture, whose address cards may name from now on.
pub(super) async fn upload(stage: &mut Stage<'_, '_>) {
    let channel = stage.world().channel();
    let account = stage.caller.demo.account();
    let filename = "card-face.png".to_owned();
    let [first, second] = PNG.map(<[u8]>::to_vec);
    let answer = if stage.caller.operations == PROVIDER.operations {
        let chunks = [
            UploadImageRequest {
                account,
                filename,
                content: first.into(),
            },
            UploadImageRequest {
                content: second.into(),
                ..UploadImageRequest::default()
            },
        ];
        MediaServiceClient::new(channel)
            .upload_image(tokio_stream::iter(chunks))
            .await
    } else {
        let chunks = [
            UploadDirectImageRequest {
                account,
                filename,
                content: first.into(),
            },
            UploadDirectImageRequest {
                content: second.into(),
                ..UploadDirectImageRequest::default()
            },
        ];
        DirectMediaServiceClient::new(channel)
            .upload_direct_image(tokio_stream::iter(chunks))
            .await
    };
    let url = answer.unwrap().into_inner().media_url.unwrap();
    assert!(url.starts_with("https://"), "{url}");
    let id = format!("{}.media.image_upload", stage.caller.operations);
    stage.walk.done(&id, &json!({ "media_url": url }));
}
