use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kabao_api::{Freshness, call};
use kabao_models::NoContent;
use kabao_models::merchant::user_cards::{GetUserCard, UpdateUserCard, UserCard};
use tokio::sync::Semaphore;
use tokio::time::advance;

use super::*;
use crate::Lifetimes;

const LIFETIME: Duration = Duration::from_secs(10);

/// Answers with how many reads there were before, and holds back whom it is told to.
#[derive(Default)]
struct Pipeline {
    reads: AtomicUsize,
    slow_reads: Option<Semaphore>,
    slow_writes: Option<Semaphore>,
}

#[async_trait]
impl Upstream for Pipeline {
    async fn execute(
        &self,
        _: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let is_write = request.operation().effect == Effect::Write;
        let number = self
            .reads
            .fetch_add(usize::from(!is_write), Ordering::SeqCst);
        let gate = match is_write {
            true => &self.slow_writes,
            false => &self.slow_reads,
        };
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
        if is_write {
            return Ok(Box::new(NoContent::default()));
        }
        Ok(Box::new(UserCard {
            level: Some(number.to_string()),
            ..UserCard::default()
        }))
    }
}

struct World {
    pipeline: Arc<Pipeline>,
    cache: Cache,
    cached: Arc<Cached>,
}

impl World {
    fn new(pipeline: Pipeline, max_answers: usize) -> Self {
        let mut lifetimes = Lifetimes::default();
        lifetimes.keep("merchant.user_cards.get", LIFETIME);
        let cache = Cache::new(lifetimes, max_answers);
        let pipeline = Arc::new(pipeline);
        let inner: Arc<dyn Upstream> = Arc::<Pipeline>::clone(&pipeline);
        Self {
            cached: Arc::new(Cached::new(inner, &cache)),
            pipeline,
            cache,
        }
    }

    async fn read(&self, code: &str) -> (String, Option<u64>) {
        let freshness = Freshness::default();
        let level = read(
            &self.cached,
            &context().with_freshness(freshness.clone()),
            code,
        )
        .await;
        (level, freshness.age().map(|age| age.as_secs()))
    }

    fn reads(&self) -> usize {
        self.pipeline.reads.load(Ordering::SeqCst)
    }
}

async fn read(cached: &Cached, context: &CallContext, code: &str) -> String {
    let card = call(cached, context, GetUserCard::new("p", code)).await;
    card.unwrap().level.unwrap()
}

async fn write(cached: &Cached, code: &str) {
    let request = UpdateUserCard::new("p", code, "n1");
    call(cached, &context().detached(), request).await.unwrap();
}

fn context() -> CallContext {
    CallContext::new("a".parse().unwrap(), "call".parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_given_again_with_its_age_until_its_lifetime_ends() {
    let world = World::new(Pipeline::default(), 10);
    assert_eq!(world.read("1").await, ("0".to_owned(), None));
    advance(Duration::from_secs(7)).await;
    assert_eq!(world.read("1").await, ("0".to_owned(), Some(7)));
    assert_eq!(world.read("2").await, ("1".to_owned(), None), "another one");
    advance(Duration::from_secs(3)).await;
    assert_eq!(world.read("1").await, ("2".to_owned(), None));
    let counts = world.cache.counts();
    assert_eq!((counts.hits, counts.misses, counts.answers), (1, 3, 2));
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_to_know_what_is_reads_anew_and_others_hear_of_it() {
    let world = World::new(Pipeline::default(), 10);
    world.read("1").await;
    let required = context().with_freshness(Freshness::required());
    assert_eq!(read(&world.cached, &required, "1").await, "1");
    assert_eq!(world.read("1").await, ("1".to_owned(), Some(0)));
    // Nobody could tell this one how old an answer is.
    assert_eq!(read(&world.cached, &context(), "1").await, "2");
    // A read that is part of a write.
    let part = context().detached().with_freshness(Freshness::default());
    assert_eq!(read(&world.cached, &part, "1").await, "3");
    assert_eq!(world.read("1").await, ("1".to_owned(), Some(0)));
}

#[tokio::test(start_paused = true)]
async fn a_write_drops_what_was_read_of_its_member_and_of_no_other() {
    let world = World::new(Pipeline::default(), 10);
    world.read("1").await;
    world.read("2").await;
    write(&world.cached, "1").await;
    assert_eq!(world.read("1").await, ("2".to_owned(), None));
    assert_eq!(world.read("2").await, ("1".to_owned(), Some(0)));
    assert_eq!(world.cache.counts().dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_of_another_client_of_the_account_drops_it_too() {
    let world = World::new(Pipeline::default(), 10);
    world.read("1").await;
    let inner: Arc<dyn Upstream> = Arc::<Pipeline>::clone(&world.pipeline);
    let next = Cached::new(inner, &world.cache);
    // The next client has other credentials, and answers of its own.
    let freshness = context().with_freshness(Freshness::default());
    assert_eq!(read(&next, &freshness, "1").await, "1");
    write(&world.cached, "1").await;
    assert_eq!(read(&next, &freshness, "1").await, "2");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_overlaps_a_write_is_not_kept() {
    // The read begins first and ends last, ends while the write runs, or begins while it runs and ends after it.
    for order in ["rwWR", "rwRW", "wrWR", "wrRW"] {
        let pipeline = Pipeline {
            slow_reads: Some(Semaphore::new(0)),
            slow_writes: Some(Semaphore::new(0)),
            ..Pipeline::default()
        };
        let world = World::new(pipeline, 10);
        let (mut reading, mut writing) = (None, None);
        for step in order.chars() {
            let cached = Arc::clone(&world.cached);
            match step {
                'r' => {
                    let fresh = context().with_freshness(Freshness::default());
                    reading = Some(tokio::spawn(
                        async move { read(&cached, &fresh, "1").await },
                    ));
                }
                'w' => writing = Some(tokio::spawn(async move { write(&cached, "1").await })),
                'R' => {
                    world.pipeline.slow_reads.as_ref().unwrap().add_permits(1);
                    reading.take().unwrap().await.unwrap();
                }
                _ => {
                    world.pipeline.slow_writes.as_ref().unwrap().add_permits(1);
                    writing.take().unwrap().await.unwrap();
                }
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(world.cache.counts().answers, 0, "{order}");
        world.pipeline.slow_reads.as_ref().unwrap().add_permits(1);
        world.read("1").await;
        assert_eq!((world.reads(), world.cache.counts().answers), (2, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn the_oldest_makes_room_and_what_has_ended_is_not_kept_for_ever() {
    let world = World::new(Pipeline::default(), 2);
    for code in ["1", "2", "3"] {
        world.read(code).await;
        advance(Duration::from_millis(10)).await;
    }
    assert_eq!(world.cache.counts().answers, 2);
    assert_eq!(world.read("2").await.1, Some(0));
    assert_eq!(world.read("1").await.1, None);
    advance(LIFETIME + Duration::from_secs(2)).await;
    world.read("4").await;
    assert_eq!(world.cache.counts().answers, 1);
}
