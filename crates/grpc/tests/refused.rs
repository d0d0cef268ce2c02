//! What refused calls leave in the log. A process of its own, as for other calls.

#[path = "layers/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tonic::Code;
use tracing_subscriber::fmt::MakeWriter;

use self::support::{quiet, start};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The server runs on the thread of the test, so its events come here.
#[tokio::test]
async fn calls_that_are_refused_have_a_line_a_second_and_not_one_each() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let running = start(quiet().max_calls(0)).await;
    let begun = tokio::time::Instant::now();
    for _ in 0..100 {
        let answer = running.get_member(&[]).await;
        assert_eq!(answer.code(), Code::ResourceExhausted);
        assert!(
            answer
                .status()
                .message()
                .contains("max_concurrent_requests")
        );
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let told = log.lines().count();
    assert!((1..=seconds + 1).contains(&told), "{log}");
    assert!(log.contains("a call was refused"), "{log}");
}
