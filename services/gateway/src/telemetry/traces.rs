//! Spans that leave the process: W3C trace context in, OTLP out.

use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Status as SpanStatus, TraceContextExt, TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tonic::Code;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::config::TelemetrySettings;

/// What a caller names its span in (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";

/// Puts the span of a call below the caller's and names it after its method, if traces are exported at all.
pub(super) fn arrived(span: &Span, method: &'static str, headers: &HeaderMap) {
    if headers.contains_key(TRACEPARENT) {
        // Fails only where traces are not exported, or for a span that has started already, which this one has not.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
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
    let sampler = Sampler::TraceIdRatioBased(settings.sample_ratio);
    Ok(SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_resource(Resource::builder().with_service_name("kabao").build())
        .with_batch_exporter(exporter)
        .build())
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
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn the_callers_trace_goes_on() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(tracer(&provider));
        let subscriber = tracing_subscriber::registry().with(layer);
        let trace = |headers: &HeaderMap| {
            let span = tracing::info_span!("grpc", otel.kind = "server");
            arrived(&span, "a.B/C", headers);
            span.context().span().span_context().trace_id().to_string()
        };
        let mut headers = HeaderMap::new();
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        tracing::subscriber::with_default(subscriber, || {
            let own = trace(&headers);
            headers.insert(TRACEPARENT, parent.parse().unwrap());
            assert_eq!(trace(&headers), "0af7651916cd43dd8448eb211c80319c");
            headers.insert(TRACEPARENT, "nonsense".parse().unwrap());
            let nonsense = trace(&headers);
            assert_ne!(nonsense, "0af7651916cd43dd8448eb211c80319c");
            assert_ne!(nonsense, own);
        });
    }
}
