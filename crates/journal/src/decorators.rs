//! What stands around the parts of a client and gives its writes their memory.

mod members;
mod method;
mod templates;
mod upstream;

use std::sync::Arc;

use kabao_api::{MemberApi, TemplateApi, Upstream};

use self::members::JournalledMembers;
use self::templates::JournalledTemplates;
use self::upstream::JournalledUpstream;
use crate::account::AccountJournal;

impl AccountJournal {
    /// Gives every write of WeChat its memory.
    pub fn upstream(self: &Arc<Self>, pipeline: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        self.send_by(pipeline);
        Arc::new(JournalledUpstream(Arc::clone(self)))
    }

    /// Gives the portable changes of members their memory.
    pub fn members(self: &Arc<Self>, inner: Arc<dyn MemberApi>) -> Arc<dyn MemberApi> {
        self.read_by(&inner);
        Arc::new(JournalledMembers::new(Arc::clone(self), inner))
    }

    /// Gives the portable changes of templates their memory.
    pub fn templates(self: &Arc<Self>, inner: Arc<dyn TemplateApi>) -> Arc<dyn TemplateApi> {
        Arc::new(JournalledTemplates::new(Arc::clone(self), inner))
    }
}
