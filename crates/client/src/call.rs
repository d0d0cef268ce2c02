//! One call: its bounds, and how far it got.

use std::sync::Arc;

use kabao_api::{AccountId, CallContext, CallId, CallerKey, Entry, Progress, Urgency, Witness};
use kabao_models::{AnyEndpoint, Effect, Operation};

use crate::bounds::Bounds;
use crate::settings::Settings;

/// What one call sends, as far as decisions depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    pub(crate) operation: &'static Operation,
    /// Whether sending it twice does no more than sending it once.
    pub(crate) is_repeatable: bool,
    /// Whether the caller could ask for it once more.
    pub(crate) is_repeatable_by_caller: bool,
    /// The members that its answer is documented to have.
    pub(crate) answer_members: &'static [&'static str],
}

impl Sending {
    pub(crate) fn of(request: &dyn AnyEndpoint, context: &CallContext) -> Self {
        // An absolute value that stands for a difference is not written again without a look at what
        // others have written since; whoever keeps the entry looks.
        let planned = context.entry().and_then(|entry| entry.planned());
        let stands_for_difference = planned.is_some_and(|value| value.is_difference);
        let is_repeatable = request.is_safe_to_repeat()
            && (request.request_number().is_some() || !stands_for_difference);
        Self {
            operation: request.operation(),
            is_repeatable,
            is_repeatable_by_caller: is_repeatable && context.is_repeatable(),
            answer_members: request.answer_members(),
        }
    }

    /// Tells whether an attempt whose fate is open may have changed something.
    pub(crate) fn is_write(&self) -> bool {
        self.operation.effect == Effect::Write
    }
}

/// One call: what names it in logs, its bounds, and how far the method got that it is part of.
pub(crate) struct Call {
    pub(crate) sending: Sending,
    pub(crate) account: AccountId,
    pub(crate) id: CallId,
    /// Among whom turns are shared.
    pub(crate) caller: Option<CallerKey>,
    pub(crate) weight: u32,
    pub(crate) urgency: Urgency,
    pub(crate) bounds: Bounds,
    pub(crate) progress: Progress,
    /// Whether a place was kept for it.
    pub(crate) is_expected: bool,
    /// What a journal keeps of the change that the call is part of.
    pub(crate) entry: Option<Arc<dyn Entry>>,
    /// Who writes down what the call has changed.
    pub(crate) witness: Option<Arc<dyn Witness>>,
}

impl Call {
    pub(crate) fn open(context: &CallContext, sending: Sending, settings: &Settings) -> Self {
        Self {
            sending,
            account: context.account.clone(),
            id: context.call_id.clone(),
            caller: context.turns_of.clone(),
            weight: context.weight,
            urgency: context.urgency,
            bounds: Bounds::open(context, settings.call_timeout),
            progress: context.progress().clone(),
            is_expected: context.take_expected(),
            entry: context.entry().cloned(),
            witness: context.witness().cloned(),
        }
    }
}
