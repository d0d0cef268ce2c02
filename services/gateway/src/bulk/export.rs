//! `kabao export`: members of a list, into a file that grows until all are in it.

mod output;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::PathBuf;

use kabao_api::TemplateName;
use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::batch_get_members_response::result::Result as Got;
use tokio::time::{Instant, sleep_until};

use self::output::Output;
use super::cells::Cells;
use super::failure::{Failure, Verdict};
use super::kind::Client;
use super::pace::{Pace, wait_before};
use super::progress::Meter;
use super::table::{Format, Table, bytes};
use super::{BulkError, CALL, Server, report};
use crate::signals::Signals;

/// The columns of the list.
pub(crate) const COLUMNS: &[&str] = &["name", "code", "openid"];

/// So many reads of one call.
const MOST: usize = 100;

/// What is asked for on the command line.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) file: PathBuf,
    pub(crate) format: Option<Format>,
    pub(crate) output: PathBuf,
    pub(crate) server: Server,
    pub(crate) parent: Option<TemplateName>,
    pub(crate) rate: u32,
    pub(crate) tries: u32,
    pub(crate) skips_invalid: bool,
    pub(crate) errors: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExportSummary {
    pub(crate) rows: usize,
    pub(crate) done: usize,
    /// In the file before.
    pub(crate) earlier: usize,
    pub(crate) failed: usize,
    pub(crate) unread: usize,
    pub(crate) reasons: BTreeMap<String, usize>,
    pub(crate) errors: Option<PathBuf>,
    pub(crate) stopped: Option<String>,
    pub(crate) signal: Option<u8>,
}

/// One member to read.
struct Wanted {
    row: usize,
    request: proto::GetMemberRequest,
    tries: u32,
}

impl Export {
    /// Reads members into the file.
    ///
    /// # Errors
    /// If nothing may be read, or nothing can be written.
    pub(crate) async fn run(&self, signals: &mut Signals) -> Result<ExportSummary, BulkError> {
        let (table, wanted, mut failures) = self.wanted()?;
        let mut output = Output::open(&self.output)?;
        let channel = self.server.connect().await?;
        let mut summary = ExportSummary {
            rows: table.rows.len(),
            ..ExportSummary::default()
        };
        let mut queue: VecDeque<Wanted> = VecDeque::new();
        for wanted in wanted {
            match output.names.contains(&wanted.request.name) {
                true => summary.earlier += 1,
                false => queue.push_back(wanted),
            }
        }
        let mut meter = Meter::new("export", summary.rows, summary.rows - queue.len());
        let client = Client::new(channel);
        let mut pace = Pace::new(self.rate);
        let mut not_before = Instant::now();
        while !queue.is_empty() && summary.stopped.is_none() {
            tokio::select! {
                biased;
                signal = signals.next() => {
                    summary.signal = Some(signal);
                    break;
                }
                () = sleep_until(pace.next().max(not_before)) => {}
            }
            let count = pace.rows().min(MOST).min(queue.len());
            let batch: Vec<Wanted> = queue.drain(..count).collect();
            pace.begun(batch.len());
            let results = tokio::select! {
                biased;
                // A read that nobody waits for does no harm.
                signal = signals.next() => {
                    summary.signal = Some(signal);
                    queue.extend(batch);
                    break;
                }
                results = read(client.clone(), &batch) => results,
            };
            let mut members = Vec::new();
            for (mut wanted, result) in batch.into_iter().zip(results) {
                match result {
                    Ok(member) => {
                        members.push(member);
                        meter.step();
                    }
                    Err(failure) => match failure.verdict() {
                        Verdict::Again if wanted.tries < self.tries => {
                            wanted.tries += 1;
                            let wait = wait_before(wanted.tries, failure.retry_after());
                            not_before = not_before.max(Instant::now() + wait);
                            queue.push_back(wanted);
                        }
                        Verdict::Stops => {
                            let why = format!("{}: {}", failure.reason, failure.message);
                            summary.stopped.get_or_insert(why);
                            queue.push_back(wanted);
                        }
                        _ if failure.reason.is_empty() => {
                            let why = format!("the gateway does not answer: {}", failure.message);
                            summary.stopped.get_or_insert(why);
                            queue.push_back(wanted);
                        }
                        _ => {
                            failures.insert(wanted.row, (failure.reason, failure.message));
                            meter.step();
                        }
                    },
                }
            }
            summary.done += members.len();
            output.append(&members)?;
        }
        meter.finish();
        summary.done += summary.earlier;
        summary.unread = queue.len();
        summary.failed = failures.len();
        for (reason, _) in failures.values() {
            *summary.reasons.entry(reason.clone()).or_default() += 1;
        }
        summary.errors = self.report(&table, &failures)?;
        Ok(summary)
    }

    /// The list, and what is wrong with rows that are left out.
    #[expect(
        clippy::type_complexity,
        reason = "three values that belong together here alone"
    )]
    fn wanted(&self) -> Result<(Table, Vec<Wanted>, BTreeMap<usize, (String, String)>), BulkError> {
        let file = self.file.display();
        let format = self.format.or_else(|| Format::of(&self.file));
        let format = format
            .ok_or_else(|| format!("{file} ends in neither .csv nor .jsonl; give --format"))?;
        let bytes = bytes(&self.file).map_err(|error| format!("{file} cannot be read: {error}"))?;
        let table = Table::read(format, &bytes, COLUMNS).map_err(BulkError::Table)?;
        let (mut wanted, mut faults, mut failures) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut names = HashSet::new();
        for (place, row) in (0..).zip(&table.rows) {
            let mut cells = Cells::new(row, self.parent.as_ref());
            let (member, openid) = (cells.member(), cells.text("openid"));
            let name = member
                .map(|member| member.resource_name())
                .unwrap_or_default();
            if !name.is_empty() && !names.insert(name.clone()) {
                cells.fault("", "is about the member of an earlier row");
            }
            let found = cells.finish();
            if found.is_empty() {
                let request = proto::GetMemberRequest {
                    name,
                    openid,
                    ..proto::GetMemberRequest::default()
                };
                wanted.push(Wanted {
                    row: place,
                    request,
                    tries: 1,
                });
            } else {
                let words: Vec<_> = found
                    .iter()
                    .map(|fault| format!("{}: {}", fault.column, fault.what))
                    .collect();
                failures.insert(place, ("FIELD_INVALID".to_owned(), words.join("; ")));
            }
            faults.extend(found);
        }
        match faults.is_empty() || self.skips_invalid {
            true => Ok((table, wanted, failures)),
            false => Err(BulkError::Faults(faults)),
        }
    }

    /// Every run reads what failed once more, so its error file is the present one.
    fn report(
        &self,
        table: &Table,
        failures: &BTreeMap<usize, (String, String)>,
    ) -> Result<Option<PathBuf>, String> {
        let extension = match table.format {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
        };
        let beside = || report::name_beside(&self.output, extension);
        let file = self.errors.clone().unwrap_or_else(beside);
        if failures.is_empty() {
            return Ok(None);
        }
        let rows = failures.iter().filter_map(|(place, (reason, message))| {
            Some((table.rows.get(*place)?, reason.as_str(), message.as_str()))
        });
        let bytes = table.write_back(rows);
        report::create(&file, &bytes)
            .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
        Ok(Some(file))
    }
}

async fn read(mut client: Client, batch: &[Wanted]) -> Vec<Result<proto::Member, Failure>> {
    let requests = batch.iter().map(|wanted| wanted.request.clone()).collect();
    let mut request = tonic::Request::new(proto::BatchGetMembersRequest { requests });
    request.set_timeout(CALL);
    let results = match client.batch_get_members(request).await {
        Ok(answer) => answer.into_inner().results,
        Err(status) => {
            let failure = Failure::of_call(&status);
            return batch.iter().map(|_| Err(failure.clone())).collect();
        }
    };
    let mut results = results.into_iter();
    let all = batch
        .iter()
        .map(|_| match results.next().and_then(|result| result.result) {
            Some(Got::Member(member)) => Ok(member),
            Some(Got::Error(error)) => Err(Failure::of_item(&error)),
            None => Err(Failure::unanswered()),
        });
    all.collect()
}
