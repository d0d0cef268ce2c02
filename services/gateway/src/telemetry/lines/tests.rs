use std::io;
use std::sync::{Arc, Mutex};

use tracing::field::Empty;
use tracing::subscriber::with_default;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Page {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines, without their times.
    fn lines(&self) -> Vec<Value> {
        let read = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
            assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
            line
        };
        self.text().lines().map(read).collect()
    }
}

/// What `write` leaves, and what the formatter of the library makes of the same.
fn both(write: impl FnOnce()) -> (Page, Page) {
    let (ours, theirs) = (Page::default(), Page::default());
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_writer(theirs.clone());
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(Lines)
        .event_format(Lines)
        .with_writer(ours.clone());
    let subscriber = tracing_subscriber::registry().with(json).with(lines);
    with_default(subscriber, write);
    (ours, theirs)
}

#[test]
fn a_line_says_what_the_library_would_say() {
    let (ours, theirs) = both(|| {
        tracing::info!("outside");
        let empty = tracing::info_span!("nothing", late = Empty);
        let _outer = empty.enter();
        tracing::warn!("within a span without fields");
        empty.record("late", 3);
        let call = tracing::info_span!(
            "grpc",
            rpc.method = "Get\"Member\\",
            request_id = %"a\nb",
            ratio = 0.5,
            code = -7_i64,
            is_new = true,
            r#type = "word",
            caller = Empty,
            account = Empty,
        );
        let _inner = call.enter();
        tracing::info!(count = 3_u64, text = ?"x\ty", "early");
        call.record(
            "caller",
            "\u{1} \r \u{7f} \u{2028} 会员, \"account\":\"none\"",
        );
        call.record("account", "acme");
        let error = io::Error::other("it broke");
        let error: &dyn std::error::Error = &error;
        tracing::error!(
            error,
            large = 1e30,
            small = 1e-9,
            half = 12.5,
            "late: {}",
            "\"\"\\\\\n\n"
        );
    });
    let lines = ours.lines();
    assert_eq!(lines.len(), 4, "{}", ours.text());
    assert_eq!(lines, theirs.lines());
    assert_eq!(lines[3]["spans"][1]["account"], "acme");
}

#[test]
fn a_field_that_is_recorded_again_stands_once_with_its_last_value() {
    let (ours, theirs) = both(|| {
        let call = tracing::info_span!("grpc", id = "a\"b", account = Empty);
        for account in ["first", "second, \"id\":1", "third"] {
            call.record("account", account);
        }
        let _entered = call.enter();
        tracing::info!("end");
    });
    assert_eq!(ours.lines(), theirs.lines());
    let text = ours.text();
    assert_eq!(text.matches("account").count(), 1, "{text}");
    assert_eq!(text.matches("third").count(), 1, "{text}");
}

#[test]
fn a_number_that_json_does_not_know_is_null() {
    let (ours, _) = both(|| tracing::info!(rate = f64::NAN, most = f64::INFINITY, "end"));
    let line = &ours.lines()[0];
    assert!(line["rate"].is_null() && line["most"].is_null(), "{line}");
}
