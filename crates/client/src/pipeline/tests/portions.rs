//! A limit of 10 calls a second that several processes share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::join_all;
use kabao_api::Error;
use kabao_api::portions::model::{Model, Replica};
use kabao_api::portions::{Ask, Portions, Shared};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::quota::{Counting, called_by, limited};
use super::*;
use crate::testing::brand_with;

/// A process with one account.
struct Process {
    pipeline: Pipeline,
    sharing: JoinHandle<()>,
}

impl Process {
    fn start(wechat: &Arc<Counting>, portions: impl Portions + 'static) -> Self {
        let quotas = Quotas::default();
        let pipeline = brand_with(Arc::<Counting>::clone(wechat), &quotas);
        let portions = Arc::new(portions);
        let sharing = tokio::spawn(quotas.share(portions));
        Self { pipeline, sharing }
    }

    /// Calls one after another until then, some at a time. Returns when calls were served.
    async fn push(&self, at_once: usize, end: Instant) -> Vec<Instant> {
        let workers = (0..at_once).map(|_| async {
            let mut served = Vec::new();
            while Instant::now() < end {
                let context = called_by("a", Duration::from_secs(20));
                match self.pipeline.execute(&context, limited()).await {
                    Ok(_) => served.push(Instant::now()),
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
            }
            served
        });
        join_all(workers).await.concat()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.sharing.abort();
    }
}

fn within(times: &[Instant], from: Instant, seconds: u64) -> usize {
    let span = from..from + Duration::from_secs(seconds);
    times.iter().filter(|at| span.contains(at)).count()
}

async fn after(begun: Instant, seconds: u64) {
    sleep_until(begun + Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_first_call_hardly_waits_for_its_portion() {
    let (wechat, model) = (Arc::default(), Model::default());
    let process = Process::start(&wechat, model.replica("a"));
    for _ in 0..2 {
        let begun = Instant::now();
        let context = called_by("a", Duration::from_millis(800));
        process.pipeline.execute(&context, limited()).await.unwrap();
        assert!(begun.elapsed() < Duration::from_millis(150));
        // Until it has forgotten the limit.
        sleep(Duration::from_secs(100)).await;
        assert_eq!(model.held(&limit()), 0);
    }
}

fn limit() -> String {
    let origin = "api.mch.weixin.qq.com";
    format!("brand/1004/{origin}/{}", limited().operation().id)
}

#[tokio::test(start_paused = true)]
async fn one_that_is_busy_uses_all_of_the_limit_beside_idle_ones() {
    let (wechat, model) = (Arc::default(), Model::default());
    let processes = ["a", "b", "c"].map(|name| Process::start(&wechat, model.replica(name)));
    let begun = Instant::now();
    // All have called, so that all know the limit.
    for process in &processes {
        process
            .pipeline
            .execute(&context(), limited())
            .await
            .unwrap();
    }
    let served = processes[1].push(20, begun + Duration::from_secs(40)).await;
    let used = within(&served, begun + Duration::from_secs(5), 30);
    assert!(used >= 10 * 30 * 95 / 100, "{used}");
    assert_eq!(wechat.most_in_a_second(), 10);
}

#[tokio::test(start_paused = true)]
async fn portions_follow_those_who_are_busy() {
    let (wechat, model) = (Arc::default(), Model::default());
    let [a, b] = ["a", "b"].map(|name| Process::start(&wechat, model.replica(name)));
    let begun = Instant::now();
    let at = |seconds| begun + Duration::from_secs(seconds);
    let (of_a, of_b) = tokio::join!(a.push(20, at(60)), async {
        after(begun, 20).await;
        b.push(20, at(40)).await
    });
    // What waited when it went was served within four seconds.
    for (from, seconds) in [(5, 15), (48, 12)] {
        let used = within(&of_a, at(from), seconds) * 100;
        assert!(used >= usize::try_from(seconds).unwrap() * 950, "{used}");
    }
    for of_one in [&of_a, &of_b] {
        let used = within(of_one, at(25), 15);
        assert!((70..=80).contains(&used), "{used}");
    }
    assert_eq!(wechat.most_in_a_second(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_portion_of_a_dead_one_returns() {
    let (wechat, model) = (Arc::default(), Model::default());
    let [a, b] = ["a", "b"].map(|name| Process::start(&wechat, model.replica(name)));
    let begun = Instant::now();
    let at = |seconds| begun + Duration::from_secs(seconds);
    let (_, of_b) = tokio::join!(
        async {
            drop(timeout_at(at(20), a.push(20, at(60))).await);
            drop(a);
            // Others see it stand still for so long.
            after(begun, 26).await;
            model.bury("a");
        },
        b.push(20, at(60))
    );
    let before = within(&of_b, at(10), 10);
    assert!((45..=55).contains(&before), "{before}");
    // Ten seconds after its death all of it is used again.
    let used = within(&of_b, at(30), 30);
    assert!(used >= 285, "{used}");
    assert_eq!(wechat.most_in_a_second(), 10);
}

#[tokio::test(start_paused = true)]
async fn calls_go_on_without_the_store_and_all_together_keep_to_the_limit() {
    let (wechat, model) = (Arc::default(), Model::default());
    let processes = ["a", "b", "c"].map(|name| Process::start(&wechat, model.replica(name)));
    let begun = Instant::now();
    let at = |seconds| begun + Duration::from_secs(seconds);
    let [a, b, c] = &processes;
    let (of_a, ..) = tokio::join!(
        a.push(20, at(60)),
        b.push(3, at(60)),
        c.push(3, at(60)),
        async {
            after(begun, 10).await;
            model.set_down(true);
            after(begun, 40).await;
            model.set_down(false);
        }
    );
    // A third of ten calls a second.
    let without = within(&of_a, at(15), 20);
    assert!((55..=60).contains(&without), "{without}");
    let after = within(&of_a, at(45), 10);
    assert!(after >= 32, "{after}");
    assert_eq!(wechat.most_in_a_second(), 10);
}

/// A process that does not go on alone, and whose questions get lost, come late, or arrive after the next one; and that is taken for dead when none has
/// arrived for six seconds.
struct Unlucky {
    model: Model,
    dice: Mutex<u64>,
    state: Arc<Mutex<Life>>,
    is_cut_off: Arc<AtomicBool>,
}

struct Life {
    name: String,
    lives: u32,
    heard: Instant,
}

impl Unlucky {
    fn new(model: &Model, name: &str, seed: u64) -> (Self, Arc<AtomicBool>) {
        let is_cut_off = Arc::new(AtomicBool::new(false));
        let unlucky = Self {
            model: model.clone(),
            dice: Mutex::new(seed),
            state: Arc::new(Mutex::new(Life {
                name: name.to_owned(),
                lives: 0,
                heard: Instant::now(),
            })),
            is_cut_off: Arc::clone(&is_cut_off),
        };
        (unlucky, is_cut_off)
    }

    fn roll(&self, sides: u64) -> u64 {
        roll(&mut self.dice.lock().unwrap(), sides)
    }

    fn replica(&self) -> Replica {
        self.model.replica(&self.state.lock().unwrap().name)
    }
}

/// Numbers that follow from a seed (Knuth's MMIX).
fn roll(dice: &mut u64, sides: u64) -> u64 {
    *dice = dice
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*dice >> 33) % sides
}

/// The others: they bury whoever was silent for as long as they have patience.
fn bury_the_silent(model: &Model, state: &Arc<Mutex<Life>>) -> JoinHandle<()> {
    let (model, state) = (model.clone(), Arc::clone(state));
    tokio::spawn(async move {
        loop {
            let (name, heard) = {
                let life = state.lock().unwrap();
                (life.name.clone(), life.heard)
            };
            let dead_at = heard + Duration::from_secs(6);
            sleep_until(dead_at).await;
            let mut life = state.lock().unwrap();
            if life.heard == heard && life.name == name {
                model.bury(&name);
                life.lives += 1;
                life.name = format!("{name}'");
                life.heard = Instant::now();
            }
        }
    })
}

#[async_trait]
impl Portions for Unlucky {
    async fn share(&self, round: u64, asks: &[Ask]) -> Result<Vec<Shared>, Error> {
        let lost = || Error::new(Reason::Store, "lost");
        let replica = self.replica();
        sleep(Duration::from_millis(self.roll(400))).await;
        if self.is_cut_off.load(Ordering::Relaxed) {
            return Err(lost());
        }
        let fate = self.roll(10);
        if fate == 0 {
            return Err(lost());
        }
        if fate == 1 {
            // It arrives when nobody expects it any more.
            let late = Duration::from_millis(500 + self.roll(3_000));
            let asks = asks.to_vec();
            tokio::spawn(async move {
                sleep(late).await;
                drop(replica.share(round, &asks).await);
            });
            return Err(lost());
        }
        let answer = replica.share(round, asks).await;
        self.state.lock().unwrap().heard = Instant::now();
        if fate == 2 {
            return Err(lost());
        }
        sleep(Duration::from_millis(self.roll(400))).await;
        answer
    }

    fn kept_for(&self) -> Duration {
        Duration::from_secs(6)
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn goes_on_alone(&self) -> bool {
        false
    }
}

/// Runs processes whose luck and load follow from a seed; returns how many calls came to `WeChat` in a minute.
async fn run(seed: u64) -> usize {
    let (wechat, model) = (Arc::<Counting>::default(), Model::default());
    let begun = Instant::now();
    let end = begun + Duration::from_secs(60);
    let mut buriers = Vec::new();
    let processes: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .zip(1..)
        .map(|(name, number)| {
            let (unlucky, is_cut_off) = Unlucky::new(&model, name, seed * 31 + number);
            buriers.push(bury_the_silent(&model, &unlucky.state));
            (Process::start(&wechat, unlucky), is_cut_off)
        })
        .collect();
    let lives = processes
        .iter()
        .zip(1..)
        .map(|((process, is_cut_off), number)| async move {
            let mut dice = seed * 17 + number;
            while Instant::now() < end {
                let until = Instant::now() + Duration::from_secs(2 + roll(&mut dice, 12));
                is_cut_off.store(roll(&mut dice, 4) == 0, Ordering::Relaxed);
                let at_once = usize::try_from(roll(&mut dice, 12)).unwrap();
                process.push(at_once, until.min(end)).await;
                sleep_until(until.min(end)).await;
            }
        });
    join_all(lives).await;
    for burier in buriers {
        burier.abort();
    }
    assert!(wechat.most_in_a_second() <= 10, "seed {seed}");
    assert!(model.held(&limit()) <= 10, "seed {seed}");
    let sent = wechat.0.lock().unwrap().clone();
    within(&sent, begun, 60)
}

#[tokio::test(start_paused = true)]
async fn never_more_than_the_limit_leaves_however_questions_fare() {
    let mut sent = 0;
    for seed in 1..=8 {
        sent += run(seed).await;
    }
    // Most of the time somebody can send something.
    assert!(sent > 8 * 150, "{sent}");
}
