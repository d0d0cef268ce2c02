//! Spans that leave the process: W3C trace context in, OTLP out.

use http::HeaderMap;
use kabao_grpc::Sender;
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    SpanContext, Status as SpanStatus, TraceContextExt, TraceState, TracerProvider,
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tonic::Code;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::settings::{TelemetrySettings, TraceParents};

/// What a caller names its span in (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";

/// Whose `traceparent` decides that a call is traced, and below what.
///
/// It says so with a flag, and in the id of the trace, by which a share of all is chosen. So whoever is believed can
/// have each of their calls exported, whatever `sample_ratio` says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parents {
    pub(crate) believed: TraceParents,
    /// Whether other machines cannot reach the port.
    pub(crate) is_loopback: bool,
}

impl Parents {
    pub(super) fn believes(self, sender: Sender) -> bool {
        match (self.believed, sender) {
            (TraceParents::All, _) | (TraceParents::Known, Sender::Known) => true,
            (TraceParents::Known, Sender::Nameless) => self.is_loopback,
            (TraceParents::Known, Sender::Stranger) | (TraceParents::None, _) => false,
        }
    }
}

/// Names the span of a call after its method, if traces are exported at all, and puts it below the caller's if that is
/// believed. Otherwise it begins a trace of its own, for which the gateway decides, with a link to the caller's.
pub(super) fn arrived(span: &Span, method: &'static str, headers: &HeaderMap, is_believed: bool) {
    // Of calls that are refused early there may be very many, and they have none.
    if span.is_none() {
        return;
    }
    if headers.contains_key(TRACEPARENT) {
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        if is_believed {
            // Fails only where traces are not exported, or for a span that has started already, which this one has not.
            let _ = span.set_parent(parent);
        } else {
            let parent = parent.span().span_context().clone();
            // Without `tracestate`, in which anything may stand.
            span.add_link(SpanContext::new(
                parent.trace_id(),
                parent.span_id(),
                parent.trace_flags(),
                true,
                TraceState::NONE,
            ));
        }
    }
    let context = span.context();
    let exported = context.span();
    if exported.is_recording() {
        exported.update_name(method);
        exported.set_attribute(KeyValue::new("rpc.system.name", "grpc"));
    }
}

/// Notes how the call ended, in what is exported alone: the log has a line of it.
pub(super) fn finish(span: &Span, code: Code, name: &'static str) {
    span.set_attribute("rpc.response.status_code", name);
    let servers_fault = matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    );
    if servers_fault {
        span.set_status(SpanStatus::error(name));
    }
}

/// Builds the exporter, which connects when it has something to send.
pub(super) fn provider(
    endpoint: &str,
    settings: &TelemetrySettings,
) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()?;
    Ok(SdkTracerProvider::builder()
        .with_sampler(sampler(settings.sample_ratio))
        .with_resource(Resource::builder().with_service_name("kabao").build())
        .with_batch_exporter(exporter)
        .build())
}

/// Takes a share of the traces that begin here, and of others what their parents say.
fn sampler(ratio: f64) -> Sampler {
    Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)))
}

pub(super) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    provider.tracer("kabao")
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SpanData, SpanExporter as Exporter};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    /// Of the id, whose end is chosen by for a share, this is the smallest: it belongs to every share.
    const CHOSEN: &str = "0af7651916cd43dd0000000000000001";

    /// Keeps what is exported.
    #[derive(Clone, Debug, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl Exporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    fn headers(parent: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, parent.parse().unwrap());
        headers
    }

    /// What a sampler that takes such a share exports of one call.
    fn exported(ratio: f64, headers: &HeaderMap, is_believed: bool) -> Vec<SpanData> {
        let exporter = Kept::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler(ratio))
            .with_simple_exporter(exporter.clone())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(tracer(&provider));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("grpc", otel.kind = "server");
            arrived(&span, "a.B/C", headers, is_believed);
        });
        std::mem::take(&mut *exporter.0.lock().unwrap())
    }

    #[test]
    fn the_trace_of_a_caller_who_is_believed_goes_on_and_decides() {
        for (ratio, flags, is_exported) in [(0.0, "01", true), (1.0, "00", false)] {
            let headers = headers(&format!("00-{TRACE}-b7ad6b7169203331-{flags}"));
            let spans = exported(ratio, &headers, true);
            assert_eq!(spans.len(), usize::from(is_exported), "{flags}");
            for span in spans {
                assert_eq!(span.span_context.trace_id().to_string(), TRACE);
                assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
            }
        }
        let nonsense = exported(1.0, &headers("nonsense"), true);
        assert_ne!(nonsense[0].span_context.trace_id().to_string(), TRACE);
    }

    #[test]
    fn a_stranger_neither_has_calls_exported_nor_keeps_them_from_it() {
        for trace in [TRACE, CHOSEN] {
            for flags in ["01", "00"] {
                let mut headers = headers(&format!("00-{trace}-b7ad6b7169203331-{flags}"));
                headers.insert("tracestate", "canary=1".parse().unwrap());
                assert!(exported(0.0, &headers, false).is_empty(), "{trace} {flags}");
                assert!(
                    exported(1e-9, &headers, false).is_empty(),
                    "{trace} {flags}"
                );
                let [span] = &exported(1.0, &headers, false)[..] else {
                    panic!("one span is exported");
                };
                assert_ne!(span.span_context.trace_id().to_string(), trace);
                assert!(!span.parent_span_is_remote);
                // The way back to the caller's.
                let [link] = &span.links[..] else {
                    panic!("there is one link");
                };
                assert_eq!(link.span_context.trace_id().to_string(), trace);
                assert_eq!(link.span_context.trace_state().header(), "");
            }
        }
    }

    #[test]
    fn callers_are_believed_who_are_known_or_on_this_machine() {
        use TraceParents::{All, Known, None};
        for (believed, is_loopback, expected) in [
            // Known, nameless, stranger.
            (Known, false, [true, false, false]),
            (Known, true, [true, true, false]),
            (All, false, [true, true, true]),
            (None, true, [false, false, false]),
        ] {
            let parents = Parents {
                believed,
                is_loopback,
            };
            let senders = [Sender::Known, Sender::Nameless, Sender::Stranger];
            assert_eq!(
                senders.map(|sender| parents.believes(sender)),
                expected,
                "{parents:?}"
            );
        }
    }
}
