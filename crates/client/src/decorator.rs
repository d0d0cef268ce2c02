//! What else may stand between the callers of an account and WeChat.

use std::sync::Arc;

use kabao_api::{MediaApi, MemberApi, TemplateApi, Upstream};

/// Puts something around the parts of a client: a journal, a cache, an account of quotas.
///
/// From a caller to WeChat, a portable write passes the task that lets go of its caller, what
/// [`members`](Decorator::members), [`templates`](Decorator::templates) or
/// [`media`](Decorator::media) put there, the backend of the family, what
/// [`upstream`](Decorator::upstream) put there, and the pipeline; an operation of the family passes
/// the task, `upstream` and the pipeline. So whatever stands here sees every call, and how every
/// write ended, also if its caller has left meanwhile.
pub trait Decorator: Send + Sync {
    /// Stands around the portable operations on members.
    fn members(&self, inner: Arc<dyn MemberApi>) -> Arc<dyn MemberApi> {
        inner
    }

    /// Stands around the portable operations on templates.
    fn templates(&self, inner: Arc<dyn TemplateApi>) -> Arc<dyn TemplateApi> {
        inner
    }

    /// Stands around the portable upload of pictures.
    fn media(&self, inner: Arc<dyn MediaApi>) -> Arc<dyn MediaApi> {
        inner
    }

    /// Stands around every call of WeChat, whatever way it came.
    fn upstream(&self, inner: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        inner
    }
}

/// Nothing stands there.
impl Decorator for () {}
