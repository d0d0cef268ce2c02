//! Bugs that the judge has to find.

/// A bug of the store, of the pipeline or of the processes, planted around a journal that has none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bug {
    /// The store acknowledges an intent before it is durable, so requests leave that nobody remembers.
    IntentBeforeDisk,
    /// The store acknowledges an outcome before it is durable.
    OutcomeBeforeDisk,
    /// The store acknowledges that a change is forgotten before that is durable.
    ForgottenBeforeDisk,
    /// The store takes writes under a ticket that somebody else has claimed.
    FenceForgotten,
    /// The store lets a change be claimed without a new fencing number.
    ClaimWithoutFence,
    /// The store begins a change whose subject has another open one.
    SubjectForgotten,
    /// Two processes hold one lease.
    LeaseOfTwo,
    /// A process that stood still believes that it still holds what it held.
    AlwaysFresh,
    /// The outcome is in the store before the intent is.
    OutcomeBeforeIntent,
    /// What may have been sent is forgotten.
    UnknownForgotten,
    /// What may have been sent is called applied.
    UnknownApplied,
    /// What may have been sent is called rejected.
    UnknownRejected,
    /// An outcome loses its answer.
    AnswerLost,
    /// A repeat gets the answer of another id.
    AnswerOfAnother,
    /// An answer is forgotten long before its time.
    SweptTooEarly,
    /// A repeat goes under a new request number.
    NewNumber,
    /// A value is read back from another member.
    ReadsAnother,
    /// A lost answer is called a clean failure.
    SilenceIsFailure,
    /// A lost answer is called a success.
    SilenceIsSuccess,
    /// A request leaves long after it was asked whether it may.
    LeavesLate,
    /// A repeat adds to what is there by now, instead of writing what was planned.
    AddsAgain,
    /// A conclusion is drawn while a request whose connection broke is still under way.
    ConcludesEarly,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::IntentBeforeDisk,
        Self::OutcomeBeforeDisk,
        Self::ForgottenBeforeDisk,
        Self::FenceForgotten,
        Self::ClaimWithoutFence,
        Self::SubjectForgotten,
        Self::LeaseOfTwo,
        Self::AlwaysFresh,
        Self::OutcomeBeforeIntent,
        Self::UnknownForgotten,
        Self::UnknownApplied,
        Self::UnknownRejected,
        Self::AnswerLost,
        Self::AnswerOfAnother,
        Self::SweptTooEarly,
        Self::NewNumber,
        Self::ReadsAnother,
        Self::SilenceIsFailure,
        Self::SilenceIsSuccess,
        Self::LeavesLate,
        Self::AddsAgain,
        Self::ConcludesEarly,
    ];
}
