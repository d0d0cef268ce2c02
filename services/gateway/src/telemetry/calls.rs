//! Counts and traces every call.

use std::time::Duration;

use http::HeaderMap;
use kabao_grpc::{Bound, CallObserver, Sender, code_name};
use tonic::Code;
use tracing::Span;

use super::{Metrics, traces};

impl CallObserver for Metrics {
    fn arrived(&self, method: &'static str, headers: &HeaderMap, sender: Sender, span: &Span) {
        self.call_started(method);
        traces::arrived(span, method, headers, self.parents.believes(sender));
    }

    fn ended(&self, method: &'static str, code: Code, took: Duration, span: &Span) {
        self.call_ended(method, code, took);
        traces::finish(span, code, code_name(code));
    }

    fn refused(&self, class: &'static str, bound: Bound) {
        self.call_refused(class, bound);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_when_it_arrives_and_when_it_ends() {
        let metrics = Metrics::new().unwrap();
        let page = || metrics.render().unwrap();
        let span = Span::none();
        metrics.arrived("a.B/C", &HeaderMap::new(), Sender::Known, &span);
        assert!(page().contains(r#"grpc_server_call_started_total{grpc_method="a.B/C"} 1"#));
        metrics.ended("a.B/C", Code::NotFound, Duration::from_millis(7), &span);
        let line = r#"grpc_server_call_duration_seconds_count{grpc_method="a.B/C",grpc_status="NOT_FOUND"} 1"#;
        assert!(page().contains(line), "{}", page());
    }
}
