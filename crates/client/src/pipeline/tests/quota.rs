//! WeChat's limit of 10 calls a second, and callers that want more.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use kabao_api::{CallerKey, Error};
use kabao_models::brand::user_cards::GetUserCard as GetLimited;
use tokio::time::{Instant, sleep, sleep_until};

use super::*;
use crate::clock::MockClock;
use crate::testing::{brand_with, official_account_with};
use crate::transport::{HttpRequest, Transport};

/// Answers after 30 ms, and keeps when requests came.
#[derive(Default)]
pub(super) struct Counting(pub(super) Mutex<Vec<Instant>>);

#[async_trait]
impl Transport for Counting {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.0.lock().unwrap().push(Instant::now());
        sleep(Duration::from_millis(30)).await;
        Ok(signed(200, r#"{"user_card_code":"1","brand_id":"1004"}"#))
    }
}

impl Counting {
    pub(super) fn most_in_a_second(&self) -> usize {
        let sent = self.0.lock().unwrap();
        let counts = sent.iter().map(|from| {
            let second = *from..*from + Duration::from_secs(1);
            sent.iter().filter(|at| second.contains(at)).count()
        });
        counts.max().unwrap_or_default()
    }
}

pub(super) fn limited() -> Box<dyn AnyEndpoint> {
    Box::new(GetLimited::new("1", "1004", "p1", "o1"))
}

pub(super) fn called_by(caller: &str, patience: Duration) -> CallContext {
    let deadline = Instant::now() + patience;
    let context = context().with_turns_of(CallerKey::new(caller));
    context.with_deadline(deadline.into_std())
}

/// Calls with this weight for 40 s, eight at a time, and returns how many are served after the first seconds.
async fn push_weighing(pipeline: &Pipeline, caller: &str, weight: u32) -> usize {
    let begun = Instant::now();
    let served = (0..8).map(|_| async {
        let mut served = 0;
        while begun.elapsed() < Duration::from_secs(SECONDS) {
            let context = called_by(caller, Duration::from_secs(20)).with_weight(weight);
            let answer = pipeline.execute(&context, limited()).await;
            answer.map(drop).unwrap();
            served += usize::from(begun.elapsed() > Duration::from_secs(5));
        }
        served
    });
    join_all(served).await.into_iter().sum()
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_calls_weigh_three_gets_three_times_as_much() {
    let pipeline = brand(Arc::new(Counting::default()));
    let (light, heavy) = tokio::join!(
        push_weighing(&pipeline, "light", 1),
        push_weighing(&pipeline, "heavy", 3)
    );
    assert!(heavy.abs_diff(3 * light) * 10 <= heavy, "{heavy}, {light}");
}

/// Calls one after another until `end`, some at a time, and returns how many are served after the first seconds.
async fn push(pipeline: &Pipeline, caller: &str, at_once: usize, end: Instant) -> usize {
    let settled = Instant::now() + Duration::from_secs(5);
    let workers = (0..at_once).map(|_| async {
        let mut served = 0;
        while Instant::now() < end {
            let context = called_by(caller, Duration::from_secs(20));
            pipeline
                .execute(&context, limited())
                .await
                .map(drop)
                .unwrap();
            served += usize::from((settled..end).contains(&Instant::now()));
        }
        served
    });
    join_all(workers).await.into_iter().sum()
}

const SECONDS: u64 = 40;

#[tokio::test(start_paused = true)]
async fn ten_equal_callers_use_all_of_the_limit_and_get_the_same() {
    let wechat = Arc::new(Counting::default());
    let pipeline = brand(Arc::<Counting>::clone(&wechat));
    let end = Instant::now() + Duration::from_secs(SECONDS);
    // However many calls each of them has open.
    let names: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    let callers = names.iter().enumerate();
    let callers = callers.map(|(number, name)| push(&pipeline, name, number + 1, end));
    let served = join_all(callers).await;

    let sent = wechat.0.lock().unwrap().clone();
    let in_time = sent.iter().filter(|at| **at < end).count();
    let allowed = usize::try_from(10 * SECONDS).unwrap();
    assert!(in_time * 100 >= allowed * 99, "{in_time} of {allowed}");
    assert_eq!(wechat.most_in_a_second(), 10);
    let (least, most) = (served.iter().min().unwrap(), served.iter().max().unwrap());
    assert!(most * 10 <= least * 11, "{served:?}");
}

#[tokio::test(start_paused = true)]
async fn weights_are_shares() {
    let wechat = Arc::new(Counting::default());
    let quotas = Quotas::default();
    for (caller, weight) in [("b", 2), ("c", 4)] {
        quotas.set_weight(CallerKey::new(caller), weight);
    }
    let pipeline = brand_with(wechat, &quotas);
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let callers = ["a", "b", "c"].map(|caller| push(&pipeline, caller, 8, end));
    let served = join_all(callers).await;
    let all: usize = served.iter().sum();
    for (served, weight) in served.iter().zip([1, 2, 4]) {
        let fair = all * weight / 7;
        assert!(served.abs_diff(fair) * 10 <= fair, "{served}, not {fair}");
    }
}

#[tokio::test(start_paused = true)]
async fn interactive_calls_hardly_wait_beside_a_batch_of_thousands_which_goes_on() {
    let wechat = Arc::new(Counting::default());
    let pipeline = brand(Arc::<Counting>::clone(&wechat));
    let begun = Instant::now();
    let end = begun + Duration::from_secs(SECONDS);
    let batch = async {
        let workers = (0..64).map(|_| async {
            let mut served = 0;
            while Instant::now() < end {
                let context = called_by("batch", Duration::from_secs(25)).in_bulk();
                served += usize::from(pipeline.execute(&context, limited()).await.is_ok());
            }
            served
        });
        join_all(workers).await.into_iter().sum::<usize>()
    };
    // Five a second, which is half of the limit.
    let people = (0..5 * SECONDS).map(|number| {
        let pipeline = &pipeline;
        async move {
            sleep_until(begun + Duration::from_millis(200 * number)).await;
            let asked = Instant::now();
            let context = called_by("person", Duration::from_secs(5));
            pipeline.execute(&context, limited()).await.unwrap();
            asked.elapsed()
        }
    });
    let (batch, mut took) = tokio::join!(batch, join_all(people));
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    assert!(p99 < Duration::from_millis(250), "{p99:?}");
    let rest = usize::try_from(5 * SECONDS).unwrap();
    assert!(batch * 10 >= rest * 9, "{batch} of {rest}");
    assert_eq!(wechat.most_in_a_second(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_a_tenth_beside_interactive_calls_without_end() {
    let pipeline = brand(Arc::new(Counting::default()));
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let batch = async {
        let mut served = 0;
        while Instant::now() < end {
            let context = called_by("batch", Duration::from_secs(25)).in_bulk();
            served += usize::from(pipeline.execute(&context, limited()).await.is_ok());
        }
        served
    };
    let (people, batch) = tokio::join!(push(&pipeline, "person", 30, end), batch);
    let fair = usize::try_from(SECONDS).unwrap();
    assert!(batch.abs_diff(fair) <= 4, "{batch} beside {people}");
}

#[tokio::test(start_paused = true)]
async fn whose_turn_would_come_too_late_is_refused_at_once_and_told_when_one_is_free() {
    let wechat = Arc::new(Counting::default());
    let pipeline = brand(Arc::<Counting>::clone(&wechat));
    let asked = Instant::now();
    // Ten leave at once, and the others one after another from the next second on.
    let calls = (0..30).map(|_| async {
        let context = called_by("a", Duration::from_millis(1500));
        let error = pipeline.execute(&context, limited()).await.err();
        (error, asked.elapsed())
    });
    let ends = join_all(calls).await;
    let refused: Vec<_> = ends
        .iter()
        .filter_map(|(error, took)| Some((error.as_ref()?, took)))
        .collect();
    assert_eq!(refused.len(), 15);
    for (error, took) in refused {
        assert_eq!(error.reason(), Reason::UpstreamRateLimited);
        assert_eq!(*took, Duration::ZERO);
        assert!(error.is_retryable() && !error.may_have_executed());
        let pause = error.retry_after().unwrap();
        assert!((1480..1700).contains(&pause.as_millis()), "{pause:?}");
        assert!(error.message().contains("10 calls a second"), "{error}");
    }
    assert_eq!(
        wechat.0.lock().unwrap().len(),
        15,
        "nothing was sent for them"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_takes_no_turn() {
    let wechat = Arc::new(Counting::default());
    let pipeline = brand(Arc::<Counting>::clone(&wechat));
    let begun = Instant::now();
    let long = Duration::from_secs(20);
    let first = (0..10).map(|_| async { drop(pipeline.execute(&context(), limited()).await) });
    join_all(first).await;
    let patient = async {
        sleep(Duration::from_millis(1)).await;
        let context = called_by("patient", long);
        pipeline.execute(&context, limited()).await.map(drop)
    };
    let leaving = (0..20).map(|_| async {
        let context = called_by("leaving", long);
        let call = pipeline.execute(&context, limited());
        let left = tokio::time::timeout(Duration::from_millis(500), call).await;
        assert!(left.is_err());
    });
    let (patient, _) = tokio::join!(patient, join_all(leaving));
    patient.unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(1300),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(wechat.0.lock().unwrap().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn accounts_of_one_merchant_number_have_one_limit_if_they_share_it() {
    for (is_shared, most) in [(true, 10), (false, 20)] {
        let wechat = Arc::new(Counting::default());
        let quotas = [Quotas::default(), Quotas::default()];
        let second = if is_shared { &quotas[0] } else { &quotas[1] };
        let transport = || Arc::<Counting>::clone(&wechat);
        let accounts = [
            brand_with(transport(), &quotas[0]),
            brand_with(transport(), second),
        ];
        let calls = (0..30).map(|number| {
            let account = &accounts[number % 2];
            async move {
                account
                    .execute(&context(), limited())
                    .await
                    .map(drop)
                    .unwrap()
            }
        });
        join_all(calls).await;
        assert_eq!(wechat.most_in_a_second(), most);
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_without_a_limit_never_waits() {
    let (transport, sent) = answering(|_| Ok(signed(200, CARD)));
    let pipeline = merchant(transport, Settings::default());
    let begun = Instant::now();
    join_all((0..50).map(|_| async { drop(pipeline.execute(&context(), read()).await) })).await;
    assert_eq!((count(&sent), begun.elapsed()), (50, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_the_rate_slows_down_the_calls_that_follow() {
    let refusals = AtomicI64::new(1);
    let (transport, _) = answering(move |_| {
        Ok(match refusals.fetch_sub(1, Ordering::Relaxed) > 0 {
            true => signed(429, r#"{"code":"RATELIMIT_EXCEEDED","message":"x"}"#),
            false => signed(200, r#"{"user_card_code":"1","brand_id":"1004"}"#),
        })
    });
    let pipeline = brand(transport);
    pipeline
        .execute(&context(), limited())
        .await
        .map(drop)
        .unwrap();
    let begun = Instant::now();
    // 100 calls at 7 a second and more take longer than 10 s, and less than 14.
    let calls = (0..100).map(|_| async { drop(pipeline.execute(&context(), limited()).await) });
    join_all(calls).await;
    let took = begun.elapsed().as_secs_f64();
    assert!((10.5..14.0).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_the_day_closes_the_operation_until_midnight_in_beijing() {
    use kabao_models::official_account::member::{GetUserInfo, UpdateUser};
    // One hour before midnight in Beijing.
    let now = Arc::new(AtomicI64::new(1_767_196_800 - 3600));
    let mut wall = MockClock::new();
    let time = Arc::clone(&now);
    wall.expect_unix_seconds()
        .returning(move || time.load(Ordering::Relaxed));
    wall.expect_jitter().returning(|| 0);
    let is_used_up = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let used_up = Arc::clone(&is_used_up);
    let (transport, sent) = answering(move |request| {
        let body = match request.target.as_str() {
            target if target.contains("token?") || target.ends_with("/stable_token") => {
                r#"{"access_token":"t","expires_in":7200}"#
            }
            target if target.contains("userinfo/get") && used_up.load(Ordering::Relaxed) => {
                r#"{"errcode":45009,"errmsg":"reach max api daily quota limit"}"#
            }
            _ => r#"{"errcode":0,"errmsg":"ok","bonus":120,"has_active":true}"#,
        };
        Ok(unsigned(200, body))
    });
    let pipeline = official_account_with(transport, Arc::new(wall));
    let read = || async {
        let request = GetUserInfo::new("p1", "916679873278");
        call(&pipeline, &context(), request).await.map(drop)
    };
    let refused = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        assert_eq!(error.reason(), Reason::UpstreamRateLimited);
        assert!(!error.is_retryable());
        error
    };
    refused(read().await);
    let before = count(&sent);
    let error = refused(read().await);
    assert!(error.message().contains("midnight in Beijing"), "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(count(&sent), before, "nothing is sent");
    // Other operations of the account go on.
    let write = UpdateUser {
        bonus: Some(100),
        ..UpdateUser::new("916679873278", "p1")
    };
    call(&pipeline, &context(), write).await.map(drop).unwrap();

    is_used_up.store(false, Ordering::Relaxed);
    refused(read().await);
    now.fetch_add(3600, Ordering::Relaxed);
    read().await.unwrap();
    read().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_turn_would_come_too_late_is_refused_before_anything_is_done_for_it() {
    let wechat = Arc::new(Counting::default());
    let pipeline = brand(Arc::<Counting>::clone(&wechat));
    let patient = Duration::from_secs(30);
    for _ in 0..20 {
        let pipeline = pipeline.clone();
        tokio::spawn(async move {
            let called = called_by("a", patient);
            pipeline.execute(&called, limited()).await.map(drop)
        });
    }
    tokio::task::yield_now().await;
    let refusal = |context: CallContext| pipeline.refusal(&context, &*limited());
    let soon = Duration::from_millis(300);
    let refused = refusal(called_by("a", soon)).unwrap();
    assert_eq!(refused.reason(), Reason::UpstreamRateLimited);
    assert!(refused.retry_after().is_some() && !refused.may_have_executed());
    let taken = pipeline.execute(&called_by("a", soon), limited()).await;
    let taken = taken.map(drop).unwrap_err();
    assert_eq!(taken.to_string(), refused.to_string());
    assert!(refusal(called_by("a", patient)).is_none());
    assert!(wechat.0.lock().unwrap().len() <= 10);
}

/// Takes twenty calls in a second and refuses the others for their rate.
#[derive(Default)]
struct Unwritten {
    taken: Mutex<std::collections::VecDeque<Instant>>,
    refused: AtomicI64,
}

#[async_trait]
impl Transport for Unwritten {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        sleep(Duration::from_millis(15)).await;
        let now = Instant::now();
        let is_taken = {
            let mut taken = self.taken.lock().unwrap();
            taken.retain(|at| *at + Duration::from_secs(1) > now);
            let is_taken = taken.len() < 20;
            taken.extend(is_taken.then_some(now));
            is_taken
        };
        sleep(Duration::from_millis(15)).await;
        if is_taken {
            return Ok(signed(200, CARD));
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        Ok(signed(
            429,
            r#"{"code":"RATELIMIT_EXCEEDED","message":"m"}"#,
        ))
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_documented_nowhere_is_kept_once_wechat_has_refused() {
    let wechat = Arc::new(Unwritten::default());
    let transport: Arc<dyn Transport> = Arc::<Unwritten>::clone(&wechat);
    let pipeline = merchant(transport, Settings::default());
    let begun = Instant::now();
    let (from, to) = (Duration::from_secs(30), Duration::from_secs(90));
    let callers = (0..40).map(|_| async {
        let mut served = 0;
        while begun.elapsed() < to {
            let deadline = (Instant::now() + Duration::from_secs(5)).into_std();
            let context = context().with_deadline(deadline);
            let answer = pipeline.execute(&context, read()).await;
            served += u32::from(answer.is_ok() && begun.elapsed() >= from);
            if answer.is_err() {
                sleep(Duration::from_millis(100)).await;
            }
        }
        served
    });
    let settled = async {
        sleep_until(begun + from).await;
        wechat.refused.load(Ordering::Relaxed)
    };
    let (served, before) = tokio::join!(join_all(callers), settled);
    let served: u32 = served.into_iter().sum();
    let refused = wechat.refused.load(Ordering::Relaxed) - before;
    // It takes 1,200 in that time.
    assert!(served > 850, "{served}");
    assert!(refused < 100, "{refused}");
}
