//! `kabao.v1.MediaService`.

use kabao_api::{Error, UploadImage};
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::media_service_server::MediaService;
use tonic::{Request, Response, Status, Streaming};

use super::arguments::Arguments;
use crate::call::Call;
use crate::generation::Generations;
use crate::idempotency;
use crate::upload::{self, Unread};

/// Uploads pictures to whatever family the account is of.
#[derive(Clone, Debug)]
pub struct MediaGrpc {
    generations: Generations,
}

impl MediaGrpc {
    /// Serves `accounts`.
    pub fn new(generations: impl Into<Generations>) -> Self {
        Self {
            generations: generations.into(),
        }
    }
}

#[tonic::async_trait]
impl MediaService for MediaGrpc {
    async fn upload_image(
        &self,
        request: Request<Streaming<proto::UploadImageRequest>>,
    ) -> Result<Response<proto::UploadImageResponse>, Status> {
        let mut call = Call::of(&request).renaming(idempotency::in_metadata);
        let mut chunks = request.into_inner();
        let first = chunks.message().await?.unwrap_or_default();
        let mut arguments = Arguments::default();
        let id = arguments.account("account", &first.account);
        let mut request_id = arguments.request_id(String::new(), call.idempotency());
        let id = arguments.finish(id).map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, &id)?;
        call.settle(&account, &mut request_id);
        context.request_id.clone_from(&request_id);
        let limits = account.media.limits();
        let content = |chunk: proto::UploadImageRequest| Ok(chunk.content);
        let file = upload::collect(
            &limits,
            &first.filename,
            first.content,
            &mut chunks,
            content,
        )
        .await
        .map_err(|unread| match unread {
            Unread::Refused(violation) => call.refuse(&Error::field_invalid([violation])),
            Unread::Broken(status) => status,
        })?;
        call.write_down(&mut context, request_id.as_ref(), Vec::new)?;
        let upload = UploadImage::new(id, first.filename, file);
        match account.media.upload_image(&context, upload).await {
            Ok(image) => Ok(Response::new(proto::UploadImageResponse { url: image.url })),
            Err(error) => Err(call.refuse(&error)),
        }
    }
}
