//! Sends rows at their pace, tries again what may pass, and keeps account of all.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::call::{Called, call};
use super::{Changes, Summary};
use crate::bulk::REMEMBERED;
use crate::bulk::failure::{Failure, Verdict};
use crate::bulk::kind::{Client, Kind};
use crate::bulk::pace::{Pace, wait_before};
use crate::bulk::plan::Plan;
use crate::bulk::progress::Meter;
use crate::bulk::server::Connection;
use crate::bulk::state::{Progress, State};
use crate::clock;
use crate::signals::Signals;

/// So many calls are under way at most.
const AT_ONCE: usize = 8;
/// So long nothing is to be done but to wait for answers and signals.
const LONG: Duration = Duration::from_secs(3600);

/// The rows of a file on their way.
pub(super) struct Runner<'a, K: Kind> {
    options: &'a Changes,
    pub(super) plan: Arc<Plan<K>>,
    pub(super) state: State,
    client: Client,
    meter: Meter,
    pace: Pace,
    /// Rows to send, by their places.
    queue: VecDeque<usize>,
    /// Rows that wait for their next try.
    later: Vec<(Instant, usize)>,
    tries: HashMap<usize, u32>,
    /// Calls in a row that no gateway has answered.
    unanswered: u32,
    running: JoinSet<Called>,
    /// Rows that an earlier run has sent already.
    resent: HashSet<usize>,
    /// Rows that may have been done by a try whose end is not known.
    in_doubt: HashSet<usize>,
    pub(super) summary: Summary,
}

impl<'a, K: Kind> Runner<'a, K> {
    pub(super) fn new(
        options: &'a Changes,
        plan: Plan<K>,
        state: State,
        channel: Connection,
    ) -> Self {
        let now = clock::unix_seconds();
        let mut summary = Summary {
            id: plan.id.as_str().to_owned(),
            rows: plan.entries.len(),
            ..Summary::default()
        };
        let mut queue = VecDeque::new();
        let mut resent = HashSet::new();
        for ((place, progress), row) in (0..).zip(state.rows()).zip(&plan.table.rows) {
            match progress {
                Progress::Done(_) => summary.earlier += 1,
                Progress::Refused { .. } => {}
                Progress::Sent(at) if now - at > REMEMBERED => {
                    let why = "was sent so long ago that the gateway may have forgotten it, so it is not sent again";
                    summary.unknown.insert(row.line, why.to_owned());
                }
                Progress::Sent(_) => {
                    resent.insert(place);
                    queue.push_back(place);
                }
                Progress::New => queue.push_back(place),
            }
        }
        let meter = Meter::new(K::NAME, summary.rows, summary.rows - queue.len());
        match state.is_new() {
            true => meter.say(&format!("batch {}: {} rows", summary.id, summary.rows)),
            false => meter.say(&format!(
                "batch {}: goes on with {} of {} rows",
                summary.id,
                queue.len(),
                summary.rows
            )),
        }
        Self {
            options,
            plan: Arc::new(plan),
            client: Client::new(channel),
            meter,
            pace: Pace::new(options.rate),
            queue,
            later: Vec::new(),
            tries: HashMap::new(),
            unanswered: 0,
            running: JoinSet::new(),
            in_doubt: resent.clone(),
            resent,
            state,
            summary,
        }
    }

    /// Rows with faults get into the error file, as if the gateway had refused them.
    pub(super) fn refuse_faulty(&mut self) -> Result<(), String> {
        let plan = Arc::clone(&self.plan);
        let mut faults: HashMap<u64, Vec<String>> = HashMap::new();
        for fault in &plan.faults {
            let words = format!("{}: {}", fault.column, fault.what);
            faults.entry(fault.line).or_default().push(words);
        }
        let is_good = |place: usize| plan.entries.get(place).is_some_and(Option::is_some);
        for (place, row) in (0..).zip(&plan.table.rows) {
            if !is_good(place) && self.state.rows().get(place) == Some(&Progress::New) {
                let words = faults.remove(&row.line).unwrap_or_default().join("; ");
                self.state.refused(place, "FIELD_INVALID", &words)?;
            }
        }
        self.queue.retain(|place| is_good(*place));
        Ok(())
    }

    pub(super) async fn run(&mut self, signals: &mut Signals) -> Result<(), String> {
        loop {
            let now = Instant::now();
            let due = |(at, _): &mut (Instant, usize)| *at <= now;
            let rows: Vec<_> = self.later.extract_if(.., due).collect();
            self.queue.extend(rows.into_iter().map(|(_, row)| row));
            let is_ending = self.summary.stopped.is_some() || self.summary.signal.is_some();
            let next = match is_ending {
                true => None,
                false if self.queue.is_empty() => self.later.iter().map(|(at, _)| *at).min(),
                false if self.running.len() < AT_ONCE => Some(self.pace.next()),
                false => None,
            };
            if next.is_none() && self.running.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                signal = signals.next() => {
                    if self.summary.signal.replace(signal).is_some() {
                        // A second one: what is in flight goes on at the gateway.
                        self.running.abort_all();
                        return Ok(());
                    }
                    self.meter.say("ends after what is in flight; once more ends at once");
                }
                Some(called) = self.running.join_next() => {
                    let called = called.map_err(|error| format!("a call was given up: {error}"))?;
                    self.called(called)?;
                }
                () = sleep_until(next.unwrap_or(now + LONG)) => self.send()?,
            }
        }
    }

    /// Begins a call, if there are rows for one.
    fn send(&mut self) -> Result<(), String> {
        let count = self.pace.rows().min(self.queue.len());
        let rows: Vec<usize> = self.queue.drain(..count).collect();
        if rows.is_empty() || self.summary.stopped.is_some() || self.summary.signal.is_some() {
            self.queue.extend(rows);
            return Ok(());
        }
        self.state.sent(&rows, clock::unix_seconds())?;
        self.pace.begun(rows.len());
        for row in &rows {
            *self.tries.entry(*row).or_default() += 1;
        }
        let (client, plan) = (self.client.clone(), Arc::clone(&self.plan));
        self.running.spawn(call(client, plan, rows));
        Ok(())
    }

    fn called(&mut self, called: Called) -> Result<(), String> {
        self.unanswered = match called.is_answered {
            true => 0,
            false => self.unanswered + 1,
        };
        for row in called.unsent {
            *self.tries.entry(row).or_insert(1) -= 1;
            self.queue.push_back(row);
        }
        for (row, answer) in called.answers {
            match answer {
                Ok(()) => {
                    self.state.done(row)?;
                    self.summary.done += 1;
                    self.summary.repeated += usize::from(self.resent.contains(&row));
                    self.meter.step();
                }
                Err(failure) => self.failed(row, failure)?,
            }
        }
        if self.unanswered >= self.options.tries {
            let why = "the gateway does not answer any more".to_owned();
            self.summary.stopped.get_or_insert(why);
        }
        Ok(())
    }

    fn failed(&mut self, row: usize, failure: Failure) -> Result<(), String> {
        let is_derived = self.plan.entries.get(row).is_some_and(|entry| {
            let entry = entry.as_ref();
            entry.is_some_and(|entry| entry.is_derived)
        });
        if failure.reason == "REQUEST_ID_REUSED" && is_derived {
            let why = format!(
                "another content was sent under the batch id {} before, so the file is not what it was; give another \
                 --batch-id for changes that are new",
                self.plan.id
            );
            self.summary.stopped.get_or_insert(why);
            return Ok(());
        }
        let tries = self.tries.get(&row).copied().unwrap_or_default();
        let verdict = failure.verdict();
        if !failure.is_certain() {
            self.in_doubt.insert(row);
        }
        let is_unsent = verdict != Verdict::Refused && !self.in_doubt.contains(&row);
        if is_unsent {
            self.state.unsent(row)?;
        }
        match verdict {
            Verdict::Refused => {
                self.state.refused(row, &failure.reason, &failure.message)?;
                self.meter.step();
            }
            Verdict::Again if tries < self.options.tries => {
                let wait = wait_before(tries + 1, failure.retry_after());
                self.later.push((Instant::now() + wait, row));
            }
            Verdict::Stops => {
                let why = format!("{}: {}", failure.reason, failure.message);
                self.summary.stopped.get_or_insert(why);
            }
            Verdict::Again | Verdict::Unknown if is_unsent => {
                *self.summary.passing.entry(failure.reason).or_default() += 1;
                self.meter.step();
            }
            Verdict::Again | Verdict::Unknown => {
                let line = self.plan.table.rows.get(row).map_or(0, |row| row.line);
                let why = match failure.reason.as_str() {
                    "" => failure.message,
                    reason => reason.to_owned(),
                };
                self.summary.unknown.insert(line, why);
                self.meter.step();
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Summary {
        self.meter.finish();
        self.summary.done += self.summary.earlier;
        for (progress, row) in self.state.rows().iter().zip(&self.plan.table.rows) {
            match progress {
                Progress::Refused { reason, .. } => {
                    self.summary.refused += 1;
                    *self.summary.reasons.entry(reason.clone()).or_default() += 1;
                }
                Progress::New => self.summary.unsent += 1,
                // Whatever ended the run before this row had an end.
                Progress::Sent(_) => {
                    let why = || "its answer was not waited for".to_owned();
                    self.summary.unknown.entry(row.line).or_insert_with(why);
                }
                Progress::Done(_) => {}
            }
        }
        self.summary
    }
}
