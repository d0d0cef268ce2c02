//! Tells the observer how calls and attempts ended, those among them that were broken off.

use std::sync::Arc;
use std::time::Duration;

use kabao_api::{Error, Reason};
use kabao_models::Operation;
use tokio::time::Instant;
use tracing::Span;

use super::Pipeline;
use crate::observer::{ATTEMPTS, End, Host, Observer};
use crate::route::Leg;

/// Follows one call or attempt; what is dropped before its end was [`Reason::Cancelled`].
pub(super) struct Watch<'p> {
    observer: Option<&'p Arc<dyn Observer>>,
    pipeline: &'p Pipeline,
    operation: &'static Operation,
    what: What,
    started: Instant,
    failure: Option<Reason>,
    span: Span,
}

/// What is followed.
enum What {
    Call,
    Attempt { host: Host, status: Option<u16> },
}

impl Pipeline {
    pub(super) fn watch_call(&self, operation: &'static Operation) -> Watch<'_> {
        self.watch(operation, What::Call)
    }

    pub(super) fn watch_attempt(&self, operation: &'static Operation, leg: &Leg<'_>) -> Watch<'_> {
        let host = match leg.is_main() {
            true => Host::Main,
            false => Host::Backup,
        };
        let mut watch = self.watch(operation, What::Attempt { host, status: None });
        watch.span = tracing::info_span!(
            target: ATTEMPTS,
            "attempt",
            otel.name = operation.id,
            otel.kind = "client",
            kabao.account = %self.account(),
            server.address = leg.origin().name(),
            http.request.method = operation.method.as_str(),
            http.response.status_code = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
            otel.status_code = tracing::field::Empty,
        );
        watch
    }

    fn watch(&self, operation: &'static Operation, what: What) -> Watch<'_> {
        Watch {
            observer: self.0.observer.get(),
            pipeline: self,
            operation,
            what,
            started: Instant::now(),
            failure: Some(Reason::Cancelled),
            span: Span::none(),
        }
    }
}

impl Watch<'_> {
    /// The span of the attempt.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Notes the status of an HTTP answer.
    pub(super) fn answered(&mut self, status: u16) {
        if let What::Attempt { status: noted, .. } = &mut self.what {
            *noted = Some(status);
            self.span.record("http.response.status_code", status);
        }
    }

    /// Notes the end.
    pub(super) fn ended(mut self, failure: Option<&Error>) {
        self.failure = failure.map(Error::reason);
    }

    fn took(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(reason) = self.failure {
            self.span.record("error.type", reason.as_str());
            self.span.record("otel.status_code", "ERROR");
        }
        let Some(observer) = self.observer else {
            return;
        };
        let end = End {
            failure: self.failure,
            took: self.took(),
        };
        match self.what {
            What::Call => observer.call_ended(self.pipeline.account(), self.operation, end),
            What::Attempt { host, status } => {
                observer.attempt_ended(self.operation, host, status, end);
            }
        }
    }
}
