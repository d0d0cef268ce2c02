//! `[telemetry]`: where traces go, and what numbers tell apart.

use super::section::Section;
use crate::telemetry::{TelemetrySettings, TraceParents};

pub(super) fn read(mut section: Section<'_>) -> TelemetrySettings {
    let mut settings = TelemetrySettings::default();
    if let Some(endpoint) = section.string("otlp_endpoint") {
        if is_plain_http(&endpoint.value) {
            settings.otlp_endpoint = Some(endpoint.value);
        } else {
            section.reject(
                &endpoint,
                "must be `http://host:port` of a collector that takes OTLP over gRPC",
            );
        }
    }
    settings.sample_ratio = section.ratio("sample_ratio", settings.sample_ratio);
    let words = [
        ("known", TraceParents::Known),
        ("all", TraceParents::All),
        ("none", TraceParents::None),
    ];
    settings.traceparent = section.word("traceparent", &words).unwrap_or_default();
    let labels = section.number("max_account_labels", 100, (0, 10_000));
    settings.max_account_labels = usize::try_from(labels).unwrap_or(settings.max_account_labels);
    section.finish();
    settings
}

/// A user would be told wherever the address is, and nobody would ask for it.
fn is_plain_http(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| {
        let names_user = uri.authority().is_some_and(|it| it.as_str().contains('@'));
        let names_host = uri.host().is_some_and(|host| !host.is_empty());
        uri.scheme_str() == Some("http") && names_host && !names_user
    })
}
