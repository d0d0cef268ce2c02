//! What becomes of a request.

use std::time::Duration;

use super::AnswerBody;

/// What the server does with a request.
pub(crate) enum Outcome {
    /// Sends this, after a while.
    Answer {
        after: Duration,
        response: http::Response<AnswerBody>,
    },
    /// Never answers.
    Hang,
    /// Closes the connection.
    Drop,
}
