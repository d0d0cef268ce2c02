//! Bounds of a client: every wait, every queue and every buffer has one.

use std::time::Duration;

/// Bounds of one account's client. The defaults suit WeChat's documented behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Time for name resolution, the TCP handshake and the TLS handshake together.
    pub connect_timeout: Duration,
    /// Time from sending a request to the headers of its answer.
    pub headers_timeout: Duration,
    /// Time from the headers of an answer to the end of its body.
    pub body_timeout: Duration,
    /// Time for one attempt as a whole.
    pub attempt_timeout: Duration,
    /// Time for one call with all its attempts, also after its caller has left.
    pub call_timeout: Duration,
    /// How long an idle connection is kept; WeChat Pay closes after 8 s.
    pub idle_timeout: Duration,
    /// Idle connections kept per host. Fewer than calls in flight would be closed after each wave of calls, and opened
    /// again for the next.
    pub max_idle_per_host: usize,
    /// Bytes of an answer's body that are read at most.
    pub max_answer_bytes: usize,
    /// Calls of the account in flight at once, at most: fewer while WeChat fails or is late, down to one. Default 64.
    pub max_concurrent_calls: usize,
    /// Calls that wait to be in flight; a further one is refused at once as `OVERLOADED`. No more wait than
    /// have their turn within `admission_timeout`, by what calls took of late; but up to eight always may.
    /// Default 256.
    pub max_queued_calls: usize,
    /// How long a call waits to be in flight before it is refused as `OVERLOADED`. Default 2 s.
    pub admission_timeout: Duration,
    /// Once a call has waited for longer, the newest goes first; and once calls have waited without a
    /// pause for `admission_timeout`, none waits for longer. Default 100 ms.
    pub queue_target: Duration,
    /// When attempts are repeated.
    pub retry: RetrySettings,
    /// When a host is left alone that does not work.
    pub breaker: BreakerSettings,
    /// Time for one signature or decryption by a [`Signer`](crate::Signer) whose key lies elsewhere. Default 3 s.
    pub signer_timeout: Duration,
    /// Signatures and decryptions that such a signer is asked for at once; further ones wait. Default 32.
    pub max_concurrent_signatures: usize,
    /// How old platform certificates may become before a call has new ones downloaded, without waiting
    /// for them; WeChat Pay asks for less than 12 hours.
    pub certificate_refresh: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            headers_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(15),
            call_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(6),
            max_idle_per_host: 64,
            max_answer_bytes: 1024 * 1024,
            max_concurrent_calls: 64,
            max_queued_calls: 256,
            admission_timeout: Duration::from_secs(2),
            queue_target: Duration::from_millis(100),
            retry: RetrySettings::default(),
            breaker: BreakerSettings::default(),
            signer_timeout: Duration::from_secs(3),
            max_concurrent_signatures: 32,
            certificate_refresh: Duration::from_secs(10 * 60 * 60),
        }
    }
}

impl Settings {
    /// Returns every bound that is zero or contradicts another, as field and fault.
    pub(crate) fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let durations = [
            ("connect_timeout", self.connect_timeout),
            ("headers_timeout", self.headers_timeout),
            ("body_timeout", self.body_timeout),
            ("attempt_timeout", self.attempt_timeout),
            ("call_timeout", self.call_timeout),
            ("idle_timeout", self.idle_timeout),
            ("signer_timeout", self.signer_timeout),
            ("certificate_refresh", self.certificate_refresh),
        ];
        let mut faults: Vec<_> = durations
            .into_iter()
            .filter(|(_, duration)| duration.is_zero())
            .map(|(name, _)| (name, "must be longer than zero"))
            .collect();
        if self.max_answer_bytes == 0 {
            faults.push(("max_answer_bytes", "must be at least 1"));
        }
        if self.max_concurrent_calls == 0 || self.max_concurrent_calls > 65_536 {
            faults.push(("max_concurrent_calls", "must be 1 to 65536"));
        }
        if self.max_queued_calls > 65_536 {
            faults.push(("max_queued_calls", "must be at most 65536"));
        }
        if self.max_concurrent_signatures == 0 || self.max_concurrent_signatures > 65_536 {
            faults.push(("max_concurrent_signatures", "must be 1 to 65536"));
        }
        if self.retry.max_attempts == 0 {
            faults.push(("retry.max_attempts", "must be at least 1"));
        }
        faults.extend(self.breaker.faults());
        if self.certificate_refresh >= Duration::from_secs(12 * 60 * 60) {
            faults.push(("certificate_refresh", "must be below 12 hours"));
        }
        faults
    }
}

/// When and how an attempt is repeated inside one call.
///
/// Reads are repeated, and so are writes that do no more the second time: those of absolute values,
/// and those with a request number, with the same number. Other writes are repeated only if nothing
/// of them was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetrySettings {
    /// Attempts of one call, the first included.
    pub max_attempts: u32,
    /// The longest delay before the second attempt; doubles with each further one.
    pub base_delay: Duration,
    /// The same after WeChat limited the rate.
    pub throttled_delay: Duration,
    /// No delay is longer.
    pub max_delay: Duration,
    /// What an attempt needs at least; less time than this left means giving up.
    pub min_attempt: Duration,
    /// Tokens of the account's retry budget: a retry takes 14 (5 after a rate limit), a success returns some.
    pub budget: u32,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base_delay: Duration::from_millis(100),
            throttled_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(5),
            min_attempt: Duration::from_millis(20),
            budget: 500,
        }
    }
}

/// When a host is left alone, by what the calls of one credential have shown of it.
///
/// Failures are connections that are not made or break, answers that do not come in time or are not
/// signed by who should have signed, and 5xx. Refusals are none, of the rate included. While a host is left
/// alone, calls fail at once, or go to the backup host if there is one; after each pause one call at a
/// time finds out whether the host works again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// So many failures in a row are too many. Default 5.
    pub failures_in_a_row: u32,
    /// Half of the calls within this time are too many failures. Default 10 s.
    pub window: Duration,
    /// If there were at least so many calls in it. Default 20.
    pub min_calls: u32,
    /// The pause after the first time; doubles with each further one. Up to a quarter of it is added. Default 1 s.
    pub first_pause: Duration,
    /// No pause is longer. Default 30 s.
    pub max_pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures_in_a_row: 5,
            window: Duration::from_secs(10),
            min_calls: 20,
            first_pause: Duration::from_secs(1),
            max_pause: Duration::from_secs(30),
        }
    }
}

impl BreakerSettings {
    fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        if self.failures_in_a_row == 0 {
            faults.push(("breaker.failures_in_a_row", "must be at least 1"));
        }
        if self.min_calls == 0 {
            faults.push(("breaker.min_calls", "must be at least 1"));
        }
        let durations = [
            ("breaker.window", self.window),
            ("breaker.first_pause", self.first_pause),
        ];
        for (name, duration) in durations {
            if duration.is_zero() {
                faults.push((name, "must be longer than zero"));
            }
        }
        if self.max_pause < self.first_pause {
            faults.push(("breaker.max_pause", "must not be shorter than first_pause"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_all_faults_are_listed() {
        assert!(Settings::default().faults().is_empty());
        let settings = Settings {
            connect_timeout: Duration::ZERO,
            max_answer_bytes: 0,
            certificate_refresh: Duration::from_secs(86_400),
            max_queued_calls: 65_537,
            signer_timeout: Duration::ZERO,
            max_concurrent_signatures: 0,
            breaker: BreakerSettings {
                failures_in_a_row: 0,
                window: Duration::ZERO,
                min_calls: 0,
                first_pause: Duration::from_secs(31),
                ..BreakerSettings::default()
            },
            ..Settings::default()
        };
        let names: Vec<_> = settings
            .faults()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            [
                "connect_timeout",
                "signer_timeout",
                "max_answer_bytes",
                "max_queued_calls",
                "max_concurrent_signatures",
                "breaker.failures_in_a_row",
                "breaker.min_calls",
                "breaker.window",
                "breaker.max_pause",
                "certificate_refresh"
            ]
        );
    }
}
