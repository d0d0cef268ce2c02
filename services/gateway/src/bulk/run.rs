//! Changes that a file lists: from the command line to the sum of what came of them.

mod ask;
mod call;
mod runner;

use std::collections::BTreeMap;
use std::path::PathBuf;

use kabao_api::{RequestId, TemplateName};

use self::ask::{require_memory, require_unknown};
use self::runner::Runner;
use super::kind::Kind;
use super::plan::Plan;
use super::state::{Header, State};
use super::table::{Format, Table, bytes};
use super::{BulkError, Server, report};
use crate::signals::Signals;

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
    /// How many met only what may pass, by reason, and were not sent.
    pub(crate) passing: BTreeMap<String, usize>,
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
        let table = Table::read(format, &bytes, K::COLUMNS).map_err(BulkError::Table)?;
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
