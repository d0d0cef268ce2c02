//! A test double of what will remember changes: it notes every write before and after.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kabao_api::{
    ActivateMember, AdjustMember, Adjustment, CallContext, CreateTemplate, DeleteTemplate, Error,
    GetMember, GetTemplate, ImportMember, InvalidateMember, ListMembers, ListTemplates, MediaApi,
    Member, MemberApi, Page, Reason, Template, TemplateApi, UpdateMember, UpdateTemplate,
    UploadImage, UploadedImage, Upstream,
};
use kabao_models::{AnyAnswer, AnyEndpoint, Effect, Upload};

use crate::decorator::Decorator;

/// One write as a decorator has seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The method of the portable API, or the operation of the family.
    pub(super) what: &'static str,
    /// How it ended; `None` until then.
    pub(super) outcome: Option<Result<(), Reason>>,
}

/// What was noted, in the order in which it began.
#[derive(Clone, Default)]
pub(super) struct Journal(Arc<Mutex<Vec<Entry>>>);

impl Journal {
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().clone()
    }

    /// Takes its time before and after, as a store would.
    async fn note<T>(
        &self,
        what: &'static str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let place = {
            let mut entries = self.0.lock().unwrap();
            entries.push(Entry {
                what,
                outcome: None,
            });
            entries.len() - 1
        };
        tokio::task::yield_now().await;
        let done = work.await;
        tokio::task::yield_now().await;
        let outcome = done.as_ref().map(drop).map_err(Error::reason);
        self.0.lock().unwrap()[place].outcome = Some(outcome);
        done
    }
}

/// Something with a journal around it.
struct Noted<T: ?Sized>(Journal, Arc<T>);

impl Decorator for Journal {
    fn members(&self, inner: Arc<dyn MemberApi>) -> Arc<dyn MemberApi> {
        Arc::new(Noted(self.clone(), inner))
    }

    fn templates(&self, inner: Arc<dyn TemplateApi>) -> Arc<dyn TemplateApi> {
        Arc::new(Noted(self.clone(), inner))
    }

    fn media(&self, inner: Arc<dyn MediaApi>) -> Arc<dyn MediaApi> {
        Arc::new(Noted(self.clone(), inner))
    }

    fn upstream(&self, inner: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        Arc::new(Noted(self.clone(), inner))
    }
}

#[async_trait]
impl Upstream for Noted<dyn Upstream> {
    async fn execute(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let operation = request.operation();
        let work = self.1.execute(context, request);
        match operation.effect {
            Effect::Read => work.await,
            Effect::Write => self.0.note(operation.id, work).await,
        }
    }
}

macro_rules! noted {
    (
        $api:ident {
            reads { $($read:ident($read_request:ty) -> $read_answer:ty;)* }
            writes { $($write:ident($request:ty) -> $answer:ty;)* }
        }
    ) => {
        #[async_trait]
        impl $api for Noted<dyn $api> {
            $(async fn $read(
                &self,
                context: &CallContext,
                request: $read_request,
            ) -> Result<$read_answer, Error> {
                self.1.$read(context, request).await
            })*

            $(async fn $write(
                &self,
                context: &CallContext,
                request: $request,
            ) -> Result<$answer, Error> {
                let work = self.1.$write(context, request);
                self.0.note(stringify!($write), work).await
            })*
        }
    };
}

noted! {
    MemberApi {
        reads {
            get_member(GetMember) -> Member;
            list_members(ListMembers) -> Page<Member>;
        }
        writes {
            update_member(UpdateMember) -> Member;
            adjust_balance(AdjustMember) -> Adjustment;
            adjust_points(AdjustMember) -> Adjustment;
            activate_member(ActivateMember) -> Member;
            invalidate_member(InvalidateMember) -> Member;
            import_member(ImportMember) -> Member;
        }
    }
}

noted! {
    TemplateApi {
        reads {
            get_template(GetTemplate) -> Template;
            list_templates(ListTemplates) -> Page<Template>;
        }
        writes {
            create_template(CreateTemplate) -> Template;
            update_template(UpdateTemplate) -> Template;
            delete_template(DeleteTemplate) -> ();
        }
    }
}

#[async_trait]
impl MediaApi for Noted<dyn MediaApi> {
    fn limits(&self) -> Upload {
        self.1.limits()
    }

    async fn upload_image(
        &self,
        context: &CallContext,
        request: UploadImage,
    ) -> Result<UploadedImage, Error> {
        let work = self.1.upload_image(context, request);
        self.0.note("upload_image", work).await
    }
}
