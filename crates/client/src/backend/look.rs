//! What a portable method asks WeChat for first, and whether there is room for that: found by running it up to there.
//!
//! So no backend says twice what it asks for. Whatever refuses the call before that is for the call itself to say.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use kabao_api::{
    CallContext, Entry, Error, MemberApi, MemberRequest, PlannedValue, Reason, TemplateApi,
    TemplateRequest, Upstream,
};
use kabao_models::AnyEndpoint;

/// The look at one call: its entry, by which it is known where the call would be made.
pub(super) struct Look {
    context: CallContext,
    is_refused: AtomicBool,
}

type Method<'m, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'm>>;

/// Looks at a call of [`MemberApi`].
pub(super) fn at_member(
    api: &impl MemberApi,
    context: &CallContext,
    request: &MemberRequest,
) -> Option<Error> {
    use MemberRequest as Of;
    let (look, context) = &Look::begin(context);
    match request {
        Of::Get(request) => look.refusal(api.get_member(context, request.clone())),
        Of::List(request) => look.refusal(api.list_members(context, request.clone())),
        Of::Update(request) => look.refusal(api.update_member(context, request.clone())),
        Of::AdjustBalance(request) => look.refusal(api.adjust_balance(context, request.clone())),
        Of::AdjustPoints(request) => look.refusal(api.adjust_points(context, request.clone())),
        Of::Activate(request) => look.refusal(api.activate_member(context, request.clone())),
        Of::Invalidate(request) => look.refusal(api.invalidate_member(context, request.clone())),
        Of::Import(request) => look.refusal(api.import_member(context, request.clone())),
    }
}

/// Looks at a call of [`TemplateApi`].
pub(super) fn at_template(
    api: &impl TemplateApi,
    context: &CallContext,
    request: &TemplateRequest,
) -> Option<Error> {
    use TemplateRequest as Of;
    let (look, context) = &Look::begin(context);
    match request {
        Of::Get(request) => look.refusal(api.get_template(context, request.clone())),
        Of::List(request) => look.refusal(api.list_templates(context, request.clone())),
        Of::Create(request) => look.refusal(api.create_template(context, request.clone())),
        Of::Update(request) => look.refusal(api.update_template(context, request.clone())),
        Of::Delete(request) => look.refusal(api.delete_template(context, request.clone())),
    }
}

impl Look {
    fn begin(context: &CallContext) -> (Arc<Self>, CallContext) {
        let look = Arc::new(Self {
            context: context.clone(),
            is_refused: AtomicBool::new(false),
        });
        let context = context.clone().with_entry(Arc::<Self>::clone(&look));
        (look, context)
    }

    /// Returns the look that a call is part of; any other call is one.
    pub(super) fn of(context: &CallContext) -> Option<Arc<Self>> {
        let entry: Arc<dyn Entry> = Arc::clone(context.entry()?);
        let entry: Arc<dyn Any + Send + Sync> = entry;
        entry.downcast().ok()
    }

    /// Stands in the place of the call.
    pub(super) fn ask(&self, upstream: &dyn Upstream, request: &dyn AnyEndpoint) -> Error {
        match upstream.refusal(&self.context, request) {
            Some(error) => {
                self.is_refused.store(true, Ordering::Relaxed);
                error
            }
            None => Error::new(Reason::Internal, "the call was looked at and not made"),
        }
    }

    /// Runs a method as far as it comes at once.
    fn refusal<T>(&self, mut method: Method<'_, T>) -> Option<Error> {
        let mut context = Context::from_waker(Waker::noop());
        match method.as_mut().poll(&mut context) {
            Poll::Ready(Err(error)) if self.is_refused.load(Ordering::Relaxed) => Some(error),
            _ => None,
        }
    }
}

impl Entry for Look {
    fn planned(&self) -> Option<PlannedValue> {
        None
    }

    fn plan(&self, _: PlannedValue) {}

    /// It is no call.
    fn may_send(&self) -> bool {
        false
    }

    fn may_still_leave(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
