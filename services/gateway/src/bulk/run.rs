//! Sends the rows of a file, and keeps account of them.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kabao_api::{RequestId, TemplateName};
use kabao_proto::kabao::v1::GetChangeRequest;
use kabao_proto::kabao::v1::change_service_client::ChangeServiceClient;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tonic::transport::Channel;

use super::failure::{Failure, Verdict, faults_of_items};
use super::kind::{Batch, Client, Kind};
use super::pace::{Pace, wait_before};
use super::plan::Plan;
use super::progress::Meter;
use super::state::{Header, Progress, State};
use super::table::{Format, Table, bytes};
use super::{BulkError, REMEMBERED, Server, report};
use crate::clock;
use crate::signals::Signals;

/// So many calls are under way at most.
const AT_ONCE: usize = 8;
/// So many ids are looked up at once.
const LOOKED_UP: usize = 32;
/// So long nothing is sent while nobody can stop it: a wait for a signal that is always ready again.
const LONG: Duration = Duration::from_secs(3600);

/// What is asked for on the command line.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    pub(crate) file: PathBuf,
    pub(crate) format: Option<Format>,
    pub(crate) server: Server,
    pub(crate) parent: Option<TemplateName>,
    pub(crate) batch_id: Option<RequestId>,
    /// Rows a second.
    pub(crate) rate: u32,
    /// How often a row is tried.
    pub(crate) tries: u32,
    /// Whether rows with faults are left out instead of ending everything.
    pub(crate) skips_invalid: bool,
    pub(crate) state: Option<PathBuf>,
    pub(crate) errors: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) id: String,
    pub(crate) rows: usize,
    pub(crate) done: usize,
    /// Done by an earlier run; not sent again.
    pub(crate) earlier: usize,
    /// Done by this run, and sent by an earlier one already.
    pub(crate) repeated: usize,
    pub(crate) refused: usize,
    /// May have been done, by line, with why that is not known.
    pub(crate) unknown: BTreeMap<u64, String>,
    pub(crate) unsent: usize,
    /// How many were refused, by reason.
    pub(crate) reasons: BTreeMap<String, usize>,
    /// The error file that was written.
    pub(crate) errors: Option<PathBuf>,
    /// Why nothing more was sent.
    pub(crate) stopped: Option<String>,
    /// The signal that ended it.
    pub(crate) signal: Option<u8>,
}

impl Changes {
    /// Sends what the file asks for.
    ///
    /// # Errors
    /// If nothing may be sent, or what was sent can no longer be written down.
    pub(crate) async fn run<K: Kind>(&self, signals: &mut Signals) -> Result<Summary, BulkError> {
        let plan = self.plan::<K>()?;
        let state_path = self.state.clone().unwrap_or_else(|| {
            let mut name = self.file.as_os_str().to_owned();
            name.push(".state");
            name.into()
        });
        let channel = self.server.connect().await?;
        let header = Header {
            command: K::NAME,
            server: self.server.address.clone(),
            id: plan.id.as_str().to_owned(),
            contents: plan.contents.clone(),
            rows: plan.entries.len(),
        };
        if self.batch_id.is_some() && !state_path.exists() {
            require_unknown(&plan, &channel).await?;
        }
        let state = State::open(&state_path, &header)?;
        require_memory(&plan, &state, &channel).await?;
        let mut runner = Runner::new(self, plan, state, channel);
        runner.refuse_faulty()?;
        runner.run(signals).await?;
        let extension = match runner.plan.table.format {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
        };
        let errors = self.errors.clone();
        let errors = errors.unwrap_or_else(|| report::name_beside(&self.file, extension));
        runner.state.sync()?;
        runner.summary.errors = report::write(&runner.plan.table, &mut runner.state, &errors)?;
        Ok(runner.finish())
    }

    fn plan<K: Kind>(&self) -> Result<Plan<K>, BulkError> {
        let file = self.file.display();
        let format = self.format.or_else(|| Format::of(&self.file));
        let format = format
            .ok_or_else(|| format!("{file} ends in neither .csv nor .jsonl; give --format"))?;
        let bytes = bytes(&self.file).map_err(|error| format!("{file} cannot be read: {error}"))?;
        let table = Table::read(format, &bytes, K::COLUMNS).map_err(BulkError::Faults)?;
        if table.rows.is_empty() {
            return Err(format!("{file} has no rows").into());
        }
        let plan = Plan::<K>::new(table, self.parent.as_ref(), self.batch_id.clone())?;
        let is_usable = plan.faults.is_empty()
            || (self.skips_invalid && plan.entries.iter().any(Option::is_some));
        match is_usable {
            true => Ok(plan),
            false => Err(BulkError::Faults(plan.faults)),
        }
    }
}

/// Refuses to go on if the gateway does not know a change that it has done: it is another one, or has lost its store,
/// and what was sent and not answered would be done twice.
async fn require_memory<K: Kind>(
    plan: &Plan<K>,
    state: &State,
    channel: &Channel,
) -> Result<(), String> {
    let now = clock::unix_seconds();
    let done = plan.entries.iter().zip(state.rows());
    let done = done.filter_map(|(entry, progress)| match progress {
        Progress::Done(at) if now - at < REMEMBERED => Some((at, entry.as_ref()?)),
        _ => None,
    });
    let Some((_, entry)) = done.max_by_key(|(at, _)| **at) else {
        return Ok(());
    };
    let name = format!("{}/changes/{}", plan.account, entry.id);
    let mut changes = ChangeServiceClient::new(channel.clone());
    let Err(status) = changes.get_change(GetChangeRequest { name }).await else {
        return Ok(());
    };
    let failure = Failure::of_call(&status);
    Err(match failure.reason.as_str() {
        "CHANGE_NOT_FOUND" => "the gateway does not know what it has done by the state beside the file: it is another \
             one, or has lost its store. To begin anew there, give --state with a new file"
            .to_owned(),
        reason => format!("the gateway cannot tell what it remembers: {reason} {}", failure.message),
    })
}

/// Refuses a batch id that the gateway knows though there is no state beside the file: nobody can tell any more
/// whether the file is what was sent.
async fn require_unknown<K: Kind>(plan: &Plan<K>, channel: &Channel) -> Result<(), String> {
    let mut names = plan
        .entries
        .iter()
        .flatten()
        .filter(|entry| entry.is_derived)
        .map(|entry| format!("{}/changes/{}", plan.account, entry.id));
    let mut looks = JoinSet::new();
    loop {
        while looks.len() < LOOKED_UP
            && let Some(name) = names.next()
        {
            let mut changes = ChangeServiceClient::new(channel.clone());
            looks.spawn(async move { changes.get_change(GetChangeRequest { name }).await });
        }
        let Some(looked) = looks.join_next().await else {
            return Ok(());
        };
        match looked.map_err(|error| error.to_string())? {
            Ok(_) => {
                return Err(format!(
                    "the gateway has done changes under the batch id {}, and the state beside the file is missing, so \
                     nobody can tell whether the file is the same. Put the state back (--state), or give another \
                     --batch-id for changes that are new",
                    plan.id
                ));
            }
            Err(status) => {
                let failure = Failure::of_call(&status);
                if failure.reason != "CHANGE_NOT_FOUND" {
                    return Err(format!(
                        "the gateway cannot tell whether the batch id is new: {} {}",
                        failure.reason, failure.message
                    ));
                }
            }
        }
    }
}

/// What came of one row.
type Answer = (usize, Result<(), Failure>);

/// What came of one call.
struct Called {
    answers: Vec<Answer>,
    /// Rows that were not sent, because others of the call had faults.
    unsent: Vec<usize>,
    /// Whether the gateway has answered at all.
    is_answered: bool,
}

struct Runner<'a, K: Kind> {
    options: &'a Changes,
    plan: Arc<Plan<K>>,
    state: State,
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
    summary: Summary,
}

impl<'a, K: Kind> Runner<'a, K> {
    fn new(options: &'a Changes, plan: Plan<K>, state: State, channel: Channel) -> Self {
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
            resent,
            state,
            summary,
        }
    }

    /// Rows with faults get into the error file, as if the gateway had refused them.
    fn refuse_faulty(&mut self) -> Result<(), String> {
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

    async fn run(&mut self, signals: &mut Signals) -> Result<(), String> {
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
        match failure.verdict() {
            Verdict::Refused => {
                self.state.refused(row, &failure.reason, &failure.message)?;
                self.meter.step();
            }
            Verdict::Again if tries < self.options.tries => {
                let wait = wait_before(tries + 1, failure.retry_after());
                self.later.push((Instant::now() + wait, row));
            }
            Verdict::Stops => {
                // What an earlier try has sent may have been done.
                if tries == 1 && !self.resent.contains(&row) {
                    self.state.unsent(row)?;
                }
                let why = format!("{}: {}", failure.reason, failure.message);
                self.summary.stopped.get_or_insert(why);
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

    fn finish(mut self) -> Summary {
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

/// Sends rows in one call.
async fn call<K: Kind>(client: Client, plan: Arc<Plan<K>>, rows: Vec<usize>) -> Called {
    let (mut sent, mut items) = (Vec::new(), Vec::new());
    for row in rows {
        if let Some(Some(entry)) = plan.entries.get(row) {
            sent.push(row);
            items.push(entry.item.clone());
        }
    }
    let batch = Batch {
        parent: plan.account.clone(),
        id: plan.id.clone(),
        items,
    };
    let outcome = K::send(client, batch).await;
    let mut answers: BTreeMap<usize, Result<(), Failure>> = BTreeMap::new();
    for (place, answer) in outcome.answers {
        answers.insert(place, answer.map_err(|status| Failure::of_item(&status)));
    }
    let mut is_answered = !answers.is_empty();
    let mut rest = Some(Failure::unanswered());
    if let Err(status) = outcome.end {
        let failure = Failure::of_call(&status);
        is_answered |= !failure.reason.is_empty();
        let mut faults = faults_of_items(&status);
        faults.retain(|(place, _)| *place < sent.len());
        rest = faults.is_empty().then_some(failure);
        answers.extend(faults.into_iter().map(|(place, fault)| (place, Err(fault))));
    }
    let mut called = Called {
        answers: Vec::new(),
        unsent: Vec::new(),
        is_answered,
    };
    for (place, row) in (0..).zip(sent) {
        let failed = || rest.clone().map(Err);
        match answers.remove(&place).or_else(failed) {
            Some(answer) => called.answers.push((row, answer)),
            None => called.unsent.push(row),
        }
    }
    called
}

#[cfg(test)]
mod tests {
    use tonic::transport::Endpoint;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;
    use crate::bulk::cells::Cells;
    use crate::bulk::kind::{Read, Sent};

    /// A kind whose gateway refuses items of a number that is not even, all of them at once.
    struct Even;

    impl Kind for Even {
        type Item = i64;
        const NAME: &'static str = "even";
        const COLUMNS: &'static [&'static str] = &["number"];

        fn read(cells: &mut Cells<'_>) -> Option<Read<i64>> {
            let number = cells.number("number")?;
            Some(Read {
                item: number,
                account: "accounts/a".to_owned(),
                subject: number.to_string(),
                commutes: false,
            })
        }

        fn number(_: &mut i64, _: &RequestId) {}

        async fn send(_: Client, batch: Batch<i64>) -> Sent {
            let mut details = ErrorDetails::with_error_info("FIELD_INVALID", "kabao", []);
            let mut answers = Vec::new();
            for (place, number) in batch.items.into_iter().enumerate() {
                match number {
                    0 => {
                        details.add_bad_request_violation("parent", "is wrong");
                    }
                    number if number % 2 == 0 => answers.push((place, Ok(()))),
                    _ => {
                        let field = format!("items[{place}].number");
                        details.add_bad_request_violation(field, "must be even");
                    }
                }
            }
            if !details.has_bad_request_violations() {
                return Sent {
                    answers,
                    end: Ok(()),
                };
            }
            let status = Status::with_error_details(Code::InvalidArgument, "refused", details);
            Sent {
                answers: Vec::new(),
                end: Err(status),
            }
        }
    }

    async fn called(numbers: &str) -> Called {
        let text = format!("number\n{}\n", numbers.replace(' ', "\n"));
        let table = Table::read(Format::Csv, text.as_bytes(), Even::COLUMNS);
        let plan = Plan::<Even>::new(table.ok().unwrap(), None, None).unwrap();
        let rows = (0..plan.entries.len()).collect();
        let channel = Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        call(Client::new(channel), Arc::new(plan), rows).await
    }

    #[tokio::test]
    async fn a_call_that_is_refused_for_some_rows_leaves_the_others_unsent() {
        let done = called("2 4 6").await;
        let expected: Vec<Answer> = (0..3).map(|row| (row, Ok(()))).collect();
        assert_eq!((done.answers, done.unsent), (expected, Vec::new()));

        let refused = called("2 3 4 5").await;
        assert_eq!(refused.unsent, [0, 2]);
        assert!(refused.is_answered);
        let places: Vec<_> = refused.answers.iter().map(|(row, _)| *row).collect();
        assert_eq!(places, [1, 3]);
        for (_, answer) in refused.answers {
            let failure = answer.unwrap_err();
            assert_eq!(failure.verdict(), Verdict::Refused);
            assert_eq!(failure.message, "number: must be even");
        }
    }

    #[tokio::test]
    async fn a_call_that_is_refused_for_itself_is_the_fault_of_no_row() {
        let refused = called("2 0").await;
        assert_eq!((refused.answers.len(), refused.unsent.len()), (2, 0));
        for (_, answer) in refused.answers {
            assert_eq!(answer.unwrap_err().verdict(), Verdict::Stops);
        }
    }
}
