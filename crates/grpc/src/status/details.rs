//! Writes the details of a status. There may be very many refusals, and the types of `google.rpc` would be some thirty
//! allocations for each.

use std::time::Duration;

/// A `google.rpc.Status` in the making.
pub(super) struct Details(Message);

impl Details {
    /// Begins with code and message.
    pub(super) fn new(code: i32, message: &str) -> Self {
        let mut status = Message(Vec::with_capacity(512));
        status.number(1, i64::from(code));
        status.text(2, message);
        Self(status)
    }

    /// Returns the bytes of the message.
    pub(super) fn finish(self) -> Vec<u8> {
        let Self(Message(bytes)) = self;
        bytes
    }

    pub(super) fn retry_info(&mut self, delay: Duration) {
        self.add("RetryInfo", |info| {
            info.nested(1, |duration| {
                duration.number(1, i64::try_from(delay.as_secs()).unwrap_or(i64::MAX));
                duration.number(2, i64::from(delay.subsec_nanos()));
            });
        });
    }

    pub(super) fn error_info<'m>(
        &mut self,
        reason: &str,
        domain: &str,
        metadata: impl IntoIterator<Item = (&'m str, &'m str)>,
    ) {
        self.add("ErrorInfo", |info| {
            info.text(1, reason);
            info.text(2, domain);
            for (key, value) in metadata {
                info.nested(3, |entry| {
                    entry.text(1, key);
                    entry.text(2, value);
                });
            }
        });
    }

    pub(super) fn request_info(&mut self, request_id: &str) {
        self.add("RequestInfo", |info| info.text(1, request_id));
    }

    /// Tells what is used up; the subject comes in parts.
    pub(super) fn quota_failure(&mut self, subject: [&str; 2], description: &str) {
        self.add("QuotaFailure", |failure| {
            failure.nested(1, |violation| {
                violation.texts(1, &subject);
                violation.text(2, description);
            });
        });
    }

    /// Tells of conditions that do not hold, each as kind, subject and description.
    pub(super) fn precondition_failure<'v>(
        &mut self,
        violations: impl IntoIterator<Item = [&'v str; 3]>,
    ) {
        self.add("PreconditionFailure", |failure| {
            for [kind, subject, description] in violations {
                failure.nested(1, |violation| {
                    violation.text(1, kind);
                    violation.text(2, subject);
                    violation.text(3, description);
                });
            }
        });
    }

    /// Tells of fields that are at fault, each with what is wrong with it.
    pub(super) fn bad_request<'v>(
        &mut self,
        violations: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) {
        self.add("BadRequest", |request| {
            for (field, description) in violations {
                request.nested(1, |violation| {
                    violation.text(1, field);
                    violation.text(2, description);
                });
            }
        });
    }

    /// Adds a `google.protobuf.Any` of one of the messages of `google.rpc`.
    fn add(&mut self, name: &str, write: impl FnOnce(&mut Message)) {
        self.0.nested(3, |any| {
            any.texts(1, &["type.googleapis.com/google.rpc.", name]);
            any.nested(2, write);
        });
    }
}

/// The bytes of a message.
struct Message(Vec<u8>);

/// Kinds of values in the encoding of protobuf.
const VARINT: u8 = 0;
const LENGTH: u8 = 2;

impl Message {
    /// Zero is what is not written.
    fn number(&mut self, field: u8, value: i64) {
        if value != 0 {
            self.0.push(field << 3 | VARINT);
            self.varint(u64::from_ne_bytes(value.to_ne_bytes()));
        }
    }

    /// So is an empty text.
    fn text(&mut self, field: u8, text: &str) {
        self.texts(field, &[text]);
    }

    fn texts(&mut self, field: u8, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > 0 {
            self.0.push(field << 3 | LENGTH);
            self.length(length);
            for part in parts {
                self.0.extend_from_slice(part.as_bytes());
            }
        }
    }

    fn nested(&mut self, field: u8, write: impl FnOnce(&mut Self)) {
        self.0.push(field << 3 | LENGTH);
        let start = self.0.len();
        write(self);
        let end = self.0.len();
        self.length(end - start);
        // The length is known behind what it stands before.
        let width = self.0.len() - end;
        if let Some(part) = self.0.get_mut(start..) {
            part.rotate_right(width);
        }
    }

    fn length(&mut self, length: usize) {
        self.varint(u64::try_from(length).unwrap_or(u64::MAX));
    }

    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.0.push(low & 0x7f);
                return;
            }
            self.0.push(low | 0x80);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use prost::Message as _;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    #[test]
    fn what_is_written_is_what_the_types_of_google_rpc_read() {
        let long = "x".repeat(20_000);
        for text in ["", "plain", "会员卡", &long] {
            for delay in [
                Duration::ZERO,
                Duration::from_millis(1),
                Duration::from_secs(90_000),
            ] {
                let mut details = Details::new(8, text);
                details.retry_info(delay);
                details.quota_failure([text, ""], "calls in flight");
                details.error_info(text, "kabao", [("a", text), ("", "b")]);
                details.precondition_failure([["A", text, ""], ["", "", text]]);
                details.bad_request([("field", text), (text, "is required")]);
                details.request_info(text);
                let bytes = details.finish();

                let read = tonic_types::Status::decode(&*bytes).unwrap();
                assert_eq!((read.code, &*read.message), (8, text));
                let status = Status::with_details(Code::ResourceExhausted, text, bytes.into());
                let metadata = [("a", text), ("", "b")];
                let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
                let mut expected = ErrorDetails::new();
                expected
                    .set_retry_info(Some(delay))
                    .add_quota_failure_violation(text, "calls in flight")
                    .set_error_info(text, "kabao", HashMap::from(metadata))
                    .add_precondition_failure_violation("A", text, "")
                    .add_precondition_failure_violation("", "", text)
                    .add_bad_request_violation("field", text)
                    .add_bad_request_violation(text, "is required")
                    .set_request_info(text, "");
                let shown = |details: &ErrorDetails| format!("{details:?}");
                let mut read = status.get_error_details();
                // Their order is that of a map.
                let metadata = read.error_info().map(|info| info.metadata.clone());
                assert_eq!(
                    metadata,
                    expected.error_info().map(|info| info.metadata.clone())
                );
                for details in [&mut read, &mut expected] {
                    details.set_error_info(text, "kabao", HashMap::new());
                }
                assert_eq!(shown(&read), shown(&expected));
            }
        }
    }
}
