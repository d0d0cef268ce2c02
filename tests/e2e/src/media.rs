//! `kabao.v1.MediaService`: pictures of every family, in chunks.

use kabao_proto::kabao::v1::media_service_client::MediaServiceClient;
use kabao_proto::kabao::v1::{UploadImageRequest, UploadImageResponse};
use serde_json::json;
use tonic::{Code, Response, Status};

use crate::demo::{BRAND, BRAND_DIRECT, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::walk::PNG;
use crate::world::World;

/// The most that one chunk may have, as the proto says.
const CHUNK: usize = 1_048_576;

/// The account, the operation behind it, what addresses begin with, and the most that a picture may have: 2 MiB by the
/// pages of WeChat Pay, 1 MiB by that of official accounts.
const UPLOADS: [(&Demo, &str, &str, usize); 4] = [
    (
        &MERCHANT,
        "merchant.media.image_upload",
        "https://wxpaylogo.qpic.cn/",
        2_097_152,
    ),
    (
        &BRAND,
        "brand.media.image_upload",
        "https://wxpaylogo.qpic.cn/",
        2_097_152,
    ),
    (
        &BRAND_DIRECT,
        "brand_direct.media.image_upload",
        "https://wxpaylogo.qpic.cn/",
        2_097_152,
    ),
    (
        &OFFICIAL_ACCOUNT,
        "official_account.media.upload_image",
        "http://mmbiz.qpic.cn/",
        1_048_576,
    ),
];

/// Sends a file in chunks of a size.
async fn upload(
    world: &World,
    account: String,
    filename: &str,
    content: &[u8],
    size: usize,
) -> Result<Response<UploadImageResponse>, Status> {
    let first = UploadImageRequest {
        account,
        filename: filename.to_owned(),
        ..UploadImageRequest::default()
    };
    let rest = content.chunks(size).map(|chunk| UploadImageRequest {
        content: chunk.to_vec().into(),
        ..UploadImageRequest::default()
    });
    let chunks: Vec<_> = std::iter::once(first).chain(rest).collect();
    MediaServiceClient::new(world.channel())
        .upload_image(tokio_stream::iter(chunks))
        .await
}

/// A picture of so many bytes.
fn png(bytes: usize) -> Vec<u8> {
    let mut content = PNG.to_vec();
    content.resize(bytes, 0);
    content
}

#[tokio::test]
async fn a_picture_reaches_wechat_once_and_has_an_address() {
    let world = World::start().await;
    for (demo, operation, begin, most) in UPLOADS {
        // The largest that the documents allow, and one in small pieces.
        for (bytes, size) in [(most, CHUNK), (9, 2)] {
            let before = world.effects_of(operation).len();
            let answer = upload(&world, demo.account(), "face.png", &png(bytes), size).await;
            let url = answer.unwrap().into_inner().url;
            assert!(url.starts_with(begin), "{operation}: {url}");
            let effects = world.effects_of(operation);
            assert_eq!(effects.len(), before + 1, "{operation}");
            let changes = &effects.last().unwrap().changes;
            let told = changes
                .iter()
                .any(|change| change.after == Some(json!(url)));
            assert!(told, "{operation}: {url}");
        }
    }
}

#[tokio::test]
async fn what_the_documents_forbid_is_not_sent_and_the_limit_is_named() {
    let world = World::start().await;
    for (demo, operation, _, most) in UPLOADS {
        let bmp = if most > CHUNK { "face.gif" } else { "face.bmp" };
        for (filename, content, size, field, said) in [
            (
                "face.png",
                png(CHUNK + 1),
                CHUNK + 1,
                "content",
                CHUNK.to_string(),
            ),
            (
                "face.png",
                png(most + 1),
                CHUNK,
                "content",
                most.to_string(),
            ),
            ("face.png", Vec::new(), CHUNK, "content", String::new()),
            (
                "face.png",
                b"GIF89a".to_vec(),
                CHUNK,
                "content",
                "PNG".to_owned(),
            ),
            ("", png(9), CHUNK, "filename", "required".to_owned()),
            (bmp, png(9), CHUNK, "filename", ".png".to_owned()),
        ] {
            println!("{operation} {filename:?} {} bytes", content.len());
            let answer = upload(&world, demo.account(), filename, &content, size).await;
            let status = refused(Code::InvalidArgument, "FIELD_INVALID")
                .fields(&[field])
                .check(answer);
            assert!(status.message().contains(&said), "{}", status.message());
        }
        assert_eq!(world.requests_of(operation), 0, "{operation}");
    }
    let nobody = upload(&world, "accounts/nobody".to_owned(), "a.png", &png(9), 9).await;
    refused(Code::NotFound, "ACCOUNT_NOT_FOUND").check(nobody);
    let nameless = upload(&world, String::new(), "a.png", &png(9), 9).await;
    refused(Code::InvalidArgument, "NAME_INVALID")
        .fields(&["account"])
        .check(nameless);
}
