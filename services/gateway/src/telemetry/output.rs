//! Where log lines and spans go.

use std::io::{self, IsTerminal};

use kabao_client::ATTEMPTS;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use super::lines::Lines;
use super::settings::{LogFormat, LogSettings, TelemetrySettings};
use super::{panics, traces};

/// The installed outputs; spans that are still on their way are sent by [`flush`](Self::flush).
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Why logging or tracing cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.level` is no filter.
    #[error("log.level")]
    Level(#[source] tracing_subscriber::filter::ParseError),
    /// `telemetry.otlp_endpoint` cannot be used.
    #[error("telemetry.otlp_endpoint")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
    /// Something else has installed a subscriber for this process.
    #[error("logging is set up already")]
    Installed(#[source] TryInitError),
}

/// Libraries that carry what callers and WeChat say show it in detail: frames, headers, statements. Whatever level an
/// operator asks for, they are heard as far as they tell what operators need.
fn is_ours(metadata: &tracing::Metadata<'_>) -> bool {
    *metadata.level() <= tracing::Level::INFO || metadata.target().starts_with("kabao")
}

impl Telemetry {
    /// Installs the process-wide outputs: log lines, panics among them, go to standard error, spans to the collector
    /// if there is one.
    ///
    /// Call it once, inside the runtime.
    ///
    /// # Errors
    ///
    /// [`TelemetryError`] if a setting is unusable or outputs are installed already.
    pub fn install(
        log: &LogSettings,
        settings: &TelemetrySettings,
    ) -> Result<Self, TelemetryError> {
        let filter: Targets = log.level.parse().map_err(TelemetryError::Level)?;
        let traces = settings
            .otlp_endpoint
            .as_deref()
            .map(|endpoint| traces::provider(endpoint, settings))
            .transpose()
            .map_err(TelemetryError::Exporter)?;
        let spans = traces.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(traces::tracer(provider))
                .with_filter(filter_fn(|metadata| {
                    metadata.is_span() && *metadata.level() <= tracing::Level::INFO
                }))
        });
        let lines = match log.format {
            LogFormat::Json => fmt::layer()
                .fmt_fields(Lines)
                .event_format(Lines)
                .with_writer(io::stderr)
                .boxed(),
            LogFormat::Text => fmt::layer()
                .compact()
                .with_ansi(io::stderr().is_terminal())
                .with_writer(io::stderr)
                .boxed(),
        };
        // What the spans of attempts tell, lines tell themselves.
        let ours = filter_fn(|metadata| is_ours(metadata) && metadata.target() != ATTEMPTS);
        tracing_subscriber::registry()
            .with(spans)
            .with(lines.with_filter(ours).with_filter(filter))
            .try_init()
            .map_err(TelemetryError::Installed)?;
        panics::install();
        Ok(Self { traces })
    }

    /// Sends what is left. Takes a few seconds at most; what the collector does not take by then is lost.
    pub async fn flush(self) {
        let Some(traces) = self.traces else {
            return;
        };
        let flushed = tokio::task::spawn_blocking(move || traces.shutdown()).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}
