//! The door of a client, and the one place where a write lets go of its caller.
//!
//! A write method runs as a whole on a task of its own: reading what it needs, writing, reading
//! back. While nothing of it was sent, a caller that leaves takes it along; from then on it runs to
//! its end, and everything below this file sees how it ended.

use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use kabao_api::{
    ActivateMember, AdjustMember, Adjustment, CallContext, CreateTemplate, DeleteTemplate, Error,
    GetMember, GetTemplate, ImportMember, InvalidateMember, ListMembers, ListTemplates, MediaApi,
    Member, MemberApi, MemberRequest, Page, Progress, Reason, Template, TemplateApi,
    TemplateRequest, UpdateMember, UpdateTemplate, UploadImage, UploadedImage, Upstream,
};
use kabao_models::{AnyAnswer, AnyEndpoint, Effect, Upload};
use tokio::task::JoinError;
use tracing::Instrument as _;

use crate::client::Client;

/// Runs a write method on a task of its own, as long as its caller waits or anything was sent.
async fn detach<T, F>(
    context: &CallContext,
    method: impl FnOnce(CallContext) -> F,
) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let context = context.clone().detached();
    let progress = context.progress().clone();
    let _abandon = AbandonOnDrop(progress.clone());
    let task = tokio::spawn(method(context).in_current_span());
    match select(task, pin!(progress.released())).await {
        Either::Left((Ok(done), _)) => done,
        Either::Left((Err(lost), _)) => Err(lost_task(lost, &progress)),
        Either::Right((early, _)) => Err(early),
    }
}

/// Abandons a method when its caller goes away.
struct AbandonOnDrop(Progress);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// The task panicked, or the runtime is shutting down.
fn lost_task(lost: JoinError, progress: &Progress) -> Error {
    if progress.may_have_executed() {
        let message = "the call ended before its time, after the request was sent";
        return Error::new(Reason::OutcomeUnknown, message).with_source(lost);
    }
    match lost.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(lost) => {
            Error::new(Reason::Internal, "the call ended before its time").with_source(lost)
        }
    }
}

macro_rules! detached {
    ($part:expr, $method:ident($context:expr, $request:expr)) => {{
        let (part, request) = (Arc::clone(&$part), $request);
        detach($context, move |context| async move {
            part.$method(&context, request).await
        })
        .await
    }};
}

#[async_trait]
impl Upstream for Client {
    async fn execute(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        match request.operation().effect {
            Effect::Read => self.parts().upstream.execute(context, request).await,
            Effect::Write => detached!(self.parts().upstream, execute(context, request)),
        }
    }

    fn refusal(&self, context: &CallContext, request: &dyn AnyEndpoint) -> Option<Error> {
        self.parts().upstream.refusal(context, request)
    }
}

#[async_trait]
impl MemberApi for Client {
    async fn get_member(&self, context: &CallContext, request: GetMember) -> Result<Member, Error> {
        self.parts().members.get_member(context, request).await
    }

    async fn list_members(
        &self,
        context: &CallContext,
        request: ListMembers,
    ) -> Result<Page<Member>, Error> {
        self.parts().members.list_members(context, request).await
    }

    async fn update_member(
        &self,
        context: &CallContext,
        request: UpdateMember,
    ) -> Result<Member, Error> {
        detached!(self.parts().members, update_member(context, request))
    }

    async fn adjust_balance(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        detached!(self.parts().members, adjust_balance(context, request))
    }

    async fn adjust_points(
        &self,
        context: &CallContext,
        request: AdjustMember,
    ) -> Result<Adjustment, Error> {
        detached!(self.parts().members, adjust_points(context, request))
    }

    async fn activate_member(
        &self,
        context: &CallContext,
        request: ActivateMember,
    ) -> Result<Member, Error> {
        detached!(self.parts().members, activate_member(context, request))
    }

    async fn invalidate_member(
        &self,
        context: &CallContext,
        request: InvalidateMember,
    ) -> Result<Member, Error> {
        detached!(self.parts().members, invalidate_member(context, request))
    }

    async fn import_member(
        &self,
        context: &CallContext,
        request: ImportMember,
    ) -> Result<Member, Error> {
        detached!(self.parts().members, import_member(context, request))
    }

    fn refusal(&self, context: &CallContext, request: &MemberRequest) -> Option<Error> {
        self.parts().members.refusal(context, request)
    }
}

#[async_trait]
impl TemplateApi for Client {
    async fn get_template(
        &self,
        context: &CallContext,
        request: GetTemplate,
    ) -> Result<Template, Error> {
        self.parts().templates.get_template(context, request).await
    }

    async fn list_templates(
        &self,
        context: &CallContext,
        request: ListTemplates,
    ) -> Result<Page<Template>, Error> {
        self.parts()
            .templates
            .list_templates(context, request)
            .await
    }

    async fn create_template(
        &self,
        context: &CallContext,
        request: CreateTemplate,
    ) -> Result<Template, Error> {
        detached!(self.parts().templates, create_template(context, request))
    }

    async fn update_template(
        &self,
        context: &CallContext,
        request: UpdateTemplate,
    ) -> Result<Template, Error> {
        detached!(self.parts().templates, update_template(context, request))
    }

    async fn delete_template(
        &self,
        context: &CallContext,
        request: DeleteTemplate,
    ) -> Result<(), Error> {
        detached!(self.parts().templates, delete_template(context, request))
    }

    fn refusal(&self, context: &CallContext, request: &TemplateRequest) -> Option<Error> {
        self.parts().templates.refusal(context, request)
    }
}

#[async_trait]
impl MediaApi for Client {
    fn limits(&self) -> Upload {
        self.parts().media.limits()
    }

    async fn upload_image(
        &self,
        context: &CallContext,
        request: UploadImage,
    ) -> Result<UploadedImage, Error> {
        detached!(self.parts().media, upload_image(context, request))
    }
}

#[cfg(test)]
mod tests;
