//! What can be set of log lines and traces.

/// `[log]`
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `format`, `json` (default) or `text`.
    pub format: LogFormat,
    /// `level`: a level such as `info` (default), or directives such as `info,kabao_client=debug`. Libraries that are not
    /// of Kabao are heard up to `info`.
    pub level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// `[telemetry]`
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// `otlp_endpoint` of a collector, `http://host:port`; absent by default: no traces leave the process.
    pub otlp_endpoint: Option<String>,
    /// `sample_ratio` of calls without a parent that is believed, 0 to 1, default 1: how many are traced.
    pub sample_ratio: f64,
    /// `traceparent`, `known` (default), `all` or `none`: which callers decide by it whether a call is traced.
    pub traceparent: TraceParents,
    /// `max_account_labels`, 0 to 10,000, default 100: how many accounts `/metrics` tells apart; the rest is `other`.
    pub max_account_labels: usize,
}

/// Whose `traceparent` is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceParents {
    /// That of callers who are known by a token or a certificate, and, where callers have no names, of those on this
    /// machine.
    #[default]
    Known,
    /// Everybody's: something in front of the port sees to it.
    All,
    /// Nobody's.
    None,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            format: LogFormat::Json,
            level: "info".to_owned(),
        }
    }
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            sample_ratio: 1.0,
            traceparent: TraceParents::Known,
            max_account_labels: 100,
        }
    }
}
