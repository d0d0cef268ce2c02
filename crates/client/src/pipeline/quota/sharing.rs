//! The task that shares limits with other processes: one question for all of them, once a second or so.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use kabao_api::portions::{Portions, Shared};
use tokio::time::{Instant, sleep, timeout};

use super::lane::{Asked, Lane};
use super::{Registry, lock};
use crate::vitals::LimitVitals;

/// Of the usual pause, one part in so many lies between two questions at least.
const SHORTEST: u32 = 20;
/// And one part in so many if more is needed than is held.
const SOON: u32 = 4;
/// So often in a row the next question comes soon.
const EAGER: u32 = 4;

/// A limit, its name among all processes, and what was asked.
struct Question {
    lane: Arc<Lane>,
    asked: Asked,
}

/// Asks again and again.
pub(super) async fn run(registry: &Registry, portions: &dyn Portions) {
    let period = portions.period();
    let mut rounds = 0_u64;
    let mut eager = 0;
    let mut is_failing = false;
    loop {
        rounds += 1;
        let started = Instant::now();
        let is_short = round(registry, portions, rounds, &mut is_failing).await;
        eager = match is_short {
            true => eager + 1,
            false => 0,
        };
        let pause = match eager {
            1..=EAGER => period / SOON,
            _ => period,
        };
        sleep(period / SHORTEST).await;
        let rest = pause.saturating_sub(started.elapsed());
        let _ = timeout(rest, registry.sharing.wanted.notified()).await;
    }
}

/// Asks once for all limits. Tells whether more is needed than is held, and others will give it up.
async fn round(
    registry: &Registry,
    portions: &dyn Portions,
    number: u64,
    is_failing: &mut bool,
) -> bool {
    let asked_at = Instant::now();
    let questions: Vec<_> = registry
        .lanes()
        .into_iter()
        .filter_map(|(name, lane)| {
            let asked = lane.ask(&name)?;
            Some(Question { lane, asked })
        })
        .collect();
    if questions.is_empty() {
        return false;
    }
    let asks: Vec<_> = questions
        .iter()
        .map(|question| question.asked.ask.clone())
        .collect();
    // An answer that comes later would be of no use.
    let answer = timeout(portions.kept_for() / 2, portions.share(number, &asks)).await;
    let answer = match answer {
        Ok(Ok(answer)) => answer,
        failed => {
            if !std::mem::replace(is_failing, true) {
                let message = match &failed {
                    Ok(Err(error)) => error.message(),
                    _ => "it does not answer in time",
                };
                tracing::warn!(
                    "the store does not renew the portions of WeChat's limits of calls, and calls go on with an equal \
                     part soon: {message}"
                );
            }
            for question in &questions {
                question.lane.unanswered(portions);
            }
            return true;
        }
    };
    if std::mem::take(is_failing) {
        tracing::info!("the store renews the portions of WeChat's limits of calls again");
    }
    let answers: HashMap<&str, &Shared> = answer
        .iter()
        .map(|shared| (shared.limit.as_str(), shared))
        .collect();
    let mut is_short = false;
    for Question { lane, asked } in &questions {
        let answer = answers.get(asked.ask.limit.as_str()).copied();
        is_short |= lane.settle(asked, answer, asked_at, portions);
    }
    is_short
}

impl Registry {
    pub(super) fn vitals(&self) -> Vec<LimitVitals> {
        let allowances: Vec<_> = lock(&self.subjects)
            .values()
            .filter_map(Weak::upgrade)
            .collect();
        let looks = allowances.iter().flat_map(|allowance| {
            let lanes = lock(&allowance.lanes);
            let looks = lanes.iter().map(|(operation, lane)| lane.vitals(operation));
            looks.collect::<Vec<_>>()
        });
        looks.collect()
    }

    /// All limits that calls have met, with the names that they have among all processes.
    pub(super) fn lanes(&self) -> Vec<(String, Arc<Lane>)> {
        let allowances: Vec<_> = lock(&self.subjects)
            .iter()
            .filter_map(|(subject, allowance)| Some((subject.clone(), allowance.upgrade()?)))
            .collect();
        let lanes = allowances
            .iter()
            .flat_map(|((kind, id, origin), allowance)| {
                let lanes = lock(&allowance.lanes);
                let named = lanes.iter().map(|(operation, lane)| {
                    let name = format!("{}/{id}/{}/{operation}", kind.as_str(), origin.name());
                    (name, Arc::clone(lane))
                });
                named.collect::<Vec<_>>()
            });
        lanes.collect()
    }
}
