//! Pictures: sent in chunks.

use kabao_proto::kabao::merchant::v1::UploadImageRequest;
use kabao_proto::kabao::merchant::v1::media_service_client::MediaServiceClient;
use serde_json::json;

use super::Journey;
use crate::demo::MERCHANT;
use crate::walk::PNG;

impl Journey<'_> {
    /// Uploads a picture in two chunks.
    pub(super) async fn picture(&mut self) {
        let id = "merchant.media.image_upload";
        let (first, second) = PNG.split_at(4);
        let chunks = [
            UploadImageRequest {
                account: MERCHANT.account(),
                filename: "card-face.png".to_owned(),
                content: first.to_vec().into(),
            },
            UploadImageRequest {
                content: second.to_vec().into(),
                ..UploadImageRequest::default()
            },
        ];
        let answer = MediaServiceClient::new(self.world.channel())
            .upload_image(tokio_stream::iter(chunks))
            .await
            .unwrap()
            .into_inner();
        let url = answer.media_url.unwrap();
        assert!(url.starts_with("https://"), "{url}");
        let effects = self.world.effects_of(id);
        assert_eq!(effects.len(), 1);
        assert_eq!(effects[0].changes[0].after, Some(json!(url)));
        self.walk.done(id, &json!({ "media_url": url }));
    }
}
