//! Deadlines and callers that leave.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use kabao_api::{Entry, PlannedValue};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::*;
use crate::backend::merchant::{ListOffset, Merchant};
use crate::backend::official_account::OfficialAccount;
use crate::client::Client;
use crate::testing::official_account;
use crate::transport::{HttpRequest, Transport};

/// Takes requests and answers when told to.
#[derive(Default)]
struct Slow {
    taken: AtomicUsize,
    arrived: Notify,
    answers: Answers,
    answered: Arc<AtomicUsize>,
}

struct Answers(Semaphore);

impl Default for Answers {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.taken.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_one();
        self.answers.0.acquire().await.unwrap().forget();
        self.answered.fetch_add(1, Ordering::SeqCst);
        Ok(signed(204, ""))
    }
}

fn within(milliseconds: u64) -> CallContext {
    context().with_deadline((Instant::now() + Duration::from_millis(milliseconds)).into_std())
}

fn client(slow: &Arc<Slow>, settings: Settings) -> Client {
    let transport: Arc<dyn Transport> = Arc::<Slow>::clone(slow);
    Client::compose(merchant(transport, settings), &(), |ground| {
        Merchant::new(ground, ListOffset::Items)
    })
}

#[tokio::test(start_paused = true)]
async fn an_expired_deadline_sends_nothing() {
    for request in [read(), write(), numbered()] {
        let slow = Arc::new(Slow::default());
        let error = client(&slow, Settings::default())
            .execute(&within(5), request)
            .await
            .err()
            .unwrap();
        assert_eq!(error.reason(), Reason::DeadlineExceeded);
        assert!(!error.may_have_executed());
        assert_eq!(slow.taken.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_flight_ends_a_read_cleanly_and_leaves_a_write_open() {
    let rows = [
        (read(), Reason::DeadlineExceeded),
        (write(), Reason::OutcomeUnknown),
        (numbered(), Reason::OutcomeUnknown),
    ];
    for (request, reason) in rows {
        let slow = Arc::new(Slow::default());
        let started = Instant::now();
        let error = client(&slow, Settings::default())
            .execute(&within(300), request)
            .await
            .err()
            .unwrap();
        assert_eq!(error.reason(), reason);
        assert_eq!(started.elapsed(), Duration::from_millis(300));
        assert_eq!(slow.taken.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_the_clients_own_bound_ends_the_wait() {
    let slow = Arc::new(Slow::default());
    let error = client(&slow, Settings::default())
        .execute(&context(), read())
        .await
        .err()
        .unwrap();
    assert_eq!(error.reason(), Reason::UpstreamTimeout);
}

#[tokio::test(start_paused = true)]
async fn a_write_in_flight_runs_on_when_its_caller_leaves() {
    let slow = Arc::new(Slow::default());
    let client = client(&slow, Settings::default());
    {
        let context = context();
        let call = client.execute(&context, write());
        tokio::select! {
            _ = call => panic!("the answer cannot be there yet"),
            () = slow.arrived.notified() => {}
        }
    }
    assert_eq!(slow.answered.load(Ordering::SeqCst), 0);
    slow.answers.0.add_permits(1);
    while slow.answered.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // Its turn is given back as well.
    slow.answers.0.add_permits(1);
    client.execute(&context(), write()).await.map(drop).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_read_in_flight_ends_when_its_caller_leaves() {
    let slow = Arc::new(Slow::default());
    let client = client(&slow, Settings::default());
    {
        let context = context();
        let call = client.execute(&context, read());
        tokio::select! {
            _ = call => panic!("the answer cannot be there yet"),
            () = slow.arrived.notified() => {}
        }
    }
    slow.answers.0.add_permits(1);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        (
            slow.answered.load(Ordering::SeqCst),
            slow.answers.0.available_permits()
        ),
        (0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn calls_above_the_limit_wait_a_bounded_time_for_their_turn() {
    let slow = Arc::new(Slow::default());
    let settings = Settings {
        max_concurrent_calls: 1,
        ..Settings::default()
    };
    let client = client(&slow, settings);
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.execute(&context(), write()).await.map(drop) }
    });
    slow.arrived.notified().await;

    let error = client.execute(&within(500), write()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::DeadlineExceeded);
    let error = client.execute(&context(), read()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::Overloaded);
    assert!(error.retry_after().is_some() && error.is_retryable());
    assert_eq!(slow.taken.load(Ordering::SeqCst), 1);
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.execute(&context(), write()).await.map(drop) }
    });
    while client.vitals().queued == 0 {
        tokio::task::yield_now().await;
    }
    let busy = client.vitals();
    assert_eq!((busy.in_flight, busy.limit, busy.refused), (1, 1, 2));

    slow.answers.0.add_permits(3);
    first.await.unwrap().unwrap();
    waiting.await.unwrap().unwrap();
    let idle = client.vitals();
    assert_eq!((idle.in_flight, idle.queued), (0, 0));
    client.execute(&context(), write()).await.map(drop).unwrap();
}

/// The entry of a journal.
struct WrittenDown;

impl Entry for WrittenDown {
    fn planned(&self) -> Option<PlannedValue> {
        None
    }

    fn plan(&self, _: PlannedValue) {}

    fn may_send(&self) -> bool {
        true
    }

    fn may_still_leave(&self) -> bool {
        true
    }
}

/// Gives a token when told to.
struct SlowToken(Slow);

#[async_trait]
impl Transport for SlowToken {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.0
            .send(request)
            .await
            .map(|_| unsigned(200, r#"{"access_token":"T","expires_in":7200}"#))
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_caller_leaves_while_the_token_is_fetched_is_never_sent() {
    use kabao_models::official_account::member::UpdateUser;
    let update = || {
        Box::new(UpdateUser {
            bonus: Some(1),
            ..UpdateUser::new("916679873278", "p1")
        })
    };

    let slow = Arc::new(SlowToken(Slow::default()));
    let transport: Arc<dyn Transport> = Arc::<SlowToken>::clone(&slow);
    let pipeline = official_account(transport);
    let client = Client::compose(pipeline, &(), |ground| {
        OfficialAccount::new(ground, "wx0".to_owned(), false)
    });
    let error = client.execute(&within(300), update()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::DeadlineExceeded);
    assert!(!error.may_have_executed());
    // A journal that has written it down may not come to take it back.
    let journalled = within(300).with_entry(Arc::new(WrittenDown));
    let error = client.execute(&journalled, update()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::DeadlineExceeded);
    assert!(error.may_have_executed());
    {
        let context = context();
        tokio::select! {
            _ = client.execute(&context, update()) => panic!("there is no token yet"),
            () = slow.0.arrived.notified() => {}
        }
    }
    // Now there are tokens, and nobody to use them.
    slow.0.answers.0.add_permits(2);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        slow.0.taken.load(Ordering::SeqCst),
        1,
        "only a token was asked for"
    );
    assert_eq!(slow.0.answered.load(Ordering::SeqCst), 1);
}
