//! Numbers of the certificates between callers and gateway.

use std::sync::Arc;

use opentelemetry::metrics::Meter;

use crate::clock;
use crate::tls::TlsVitals;

/// Watches the TLS of a listener.
pub(super) fn watch(meter: &Meter, vitals: impl Fn() -> TlsVitals + Send + Sync + 'static) {
    let vitals = Arc::new(vitals);
    let gauge = |name, text, value: fn(TlsVitals, i64) -> Option<i64>| {
        let vitals = Arc::clone(&vitals);
        meter
            .i64_observable_gauge(name)
            .with_unit("s")
            .with_description(text)
            .with_callback(move |gauge| {
                if let Some(value) = value(vitals(), clock::unix_seconds()) {
                    gauge.observe(value, &[]);
                }
            })
            .build();
    };
    gauge(
        "kabao.tls.certificate.expires_in",
        "Time until the certificate ends that callers are shown.",
        |vitals, now| Some(vitals.certificate_ends?.saturating_sub(now)),
    );
    gauge(
        "kabao.tls.crl.age",
        "Time since the oldest revocation list was made.",
        |vitals, now| Some(now.saturating_sub(vitals.crl_made?)),
    );
    gauge(
        "kabao.tls.crl.expires_in",
        "Time until the first revocation list ends.",
        |vitals, now| Some(vitals.crl_ends?.saturating_sub(now)),
    );
}
