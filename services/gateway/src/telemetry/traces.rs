//! Spans that leave the process: W3C trace context in, OTLP out.

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Status as SpanStatus, TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tonic::Code;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::config::TelemetrySettings;

/// The target of the spans of this module. Logs leave them out: the facade's own span says the same there.
pub(super) const TARGET: &str = "kabao::otlp";

/// Opens the span of one call below the caller's, if traces are exported at all.
pub(super) fn server_span(method: &'static str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        target: TARGET,
        "call",
        otel.name = method,
        otel.kind = "server",
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = tracing::field::Empty,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        // Fails only for a span that has started already, which this one has not.
        let _ = span.set_parent(parent);
    }
    span
}

/// Notes how the call ended.
pub(super) fn finish(span: &Span, code: Code, name: &'static str) {
    span.record("rpc.response.status_code", name);
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
    use opentelemetry::trace::TraceContextExt;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn the_callers_trace_goes_on() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(tracer(&provider));
        let subscriber = tracing_subscriber::registry().with(layer);
        let mut headers = HeaderMap::new();
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert("traceparent", parent.parse().unwrap());
        tracing::subscriber::with_default(subscriber, || {
            let span = server_span("a.B/C", &headers);
            let trace = span.context().span().span_context().trace_id();
            assert_eq!(trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
            headers.insert("traceparent", "nonsense".parse().unwrap());
            let span = server_span("a.B/C", &headers);
            let trace = span.context().span().span_context().trace_id();
            assert_ne!(trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        });
    }
}
