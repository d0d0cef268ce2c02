//! A store of changes on a disk, and the disk by itself.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use kabao_api::{ChangeState, RequestId};
use kabao_journal::{Begun, ChangeKey, ChangeStore, ChangeUpdate, Fingerprint, NewChange, Ticket};
use kabao_store::{Store, StoreSettings};

use super::{Arguments, questions, say};
use crate::clock::now;
use crate::load::Times;
use crate::{Error, Result, member};

/// As long as the plan of a small change and its sealed answer are.
const PAYLOAD: usize = 400;
/// Writers that fill a store.
const FILLING: u64 = 256;
/// What a row of a change takes in the log of a database, roughly.
const RECORD: usize = 1024;

/// Says how many microseconds the start took, then answers
///
/// - `commit WRITERS MILLISECONDS`: as many writers as that, each of which waits for its own commits;
/// - `raw RECORDS MILLISECONDS`: so many records at once, synced together, over and over;
/// - `fill COUNT`: changes that have ended.
pub(super) async fn run() -> Result<()> {
    let folder = Arguments::of_process().path(0)?;
    fs::create_dir_all(&folder)?;
    let started = now();
    let store = Store::open(&StoreSettings::embedded(&folder)).await?;
    say(&format!("ready {}", started.elapsed().as_micros()))?;
    let changes = Arc::new(Writing {
        changes: store.changes(),
        next: AtomicU64::new(0),
        series: u64::from(std::process::id()),
    });
    let mut questions = questions();
    while let Some(question) = questions.recv().await {
        let words: Vec<&str> = question.split(' ').collect();
        match words.as_slice() {
            ["commit", writers, milliseconds] => {
                let length = Duration::from_millis(milliseconds.parse()?);
                let load = changes.commit(writers.parse()?, length).await?;
                say(&load)?;
            }
            ["raw", records, milliseconds] => {
                let length = Duration::from_millis(milliseconds.parse()?);
                say(&raw(&folder, records.parse()?, length)?)?;
            }
            ["fill", count] => {
                changes.fill(count.parse()?).await?;
                say("filled")?;
            }
            _ => return Err(format!("not a question: {question}").into()),
        }
    }
    Ok(())
}

/// Writers of one store.
struct Writing {
    changes: Arc<dyn ChangeStore>,
    next: AtomicU64,
    series: u64,
}

impl Writing {
    /// What a change has written down before its request may leave.
    async fn begin(&self) -> Result<Ticket> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = member::request_number(self.series, number);
        let key = ChangeKey {
            account: kabao_api::AccountId::new(member::ACCOUNT)?,
            id: RequestId::new(id)?,
        };
        let change = NewChange {
            fingerprint: Fingerprint([7; 32]),
            method: "merchant.user_cards.update".to_owned(),
            subject: Some(format!("member/{number}")),
            lease: None,
            plan: vec![b'p'; PAYLOAD],
            time: SystemTime::UNIX_EPOCH,
            key,
        };
        match self.changes.begin(change).await? {
            Begun::Fresh(ticket) => Ok(ticket),
            _ => Err("a new change is not new".into()),
        }
    }

    async fn end(&self, ticket: Ticket) -> Result<()> {
        let update = ChangeUpdate {
            state: ChangeState::Applied,
            plan: None,
            answer: Some(vec![b'a'; PAYLOAD]),
            time: SystemTime::UNIX_EPOCH,
        };
        self.changes.update(ticket, update).await?;
        Ok(())
    }

    async fn commit(self: &Arc<Self>, writers: usize, length: Duration) -> Result<String> {
        let started = now();
        let ends = started + length;
        let mut running = Vec::new();
        for _ in 0..writers {
            let writing = Arc::clone(self);
            running.push(tokio::spawn(async move {
                let mut times = Times::default();
                loop {
                    let started = now();
                    if started >= ends {
                        return Ok::<_, Error>(times);
                    }
                    let ticket = writing.begin().await?;
                    times.add(started.elapsed());
                    let started = now();
                    writing.end(ticket).await?;
                    times.add(started.elapsed());
                }
            }));
        }
        let mut times = Times::default();
        for running in running {
            times.extend(running.await??);
        }
        Ok(times.finish(started.elapsed()).to_string())
    }

    async fn fill(self: &Arc<Self>, count: u64) -> Result<()> {
        let mut running = Vec::new();
        for index in 0..FILLING {
            let writing = Arc::clone(self);
            running.push(tokio::spawn(async move {
                for _ in 0..count / FILLING + u64::from(index < count % FILLING) {
                    let ticket = writing.begin().await?;
                    writing.end(ticket).await?;
                }
                Ok::<_, Error>(())
            }));
        }
        for running in running {
            running.await??;
        }
        Ok(())
    }
}

/// Records that are appended and synced together: what a disk allows to groups of that size.
fn raw(folder: &Path, records: usize, length: Duration) -> Result<String> {
    let mut file = File::create(folder.join("raw"))?;
    let group = vec![0x5a_u8; RECORD * records];
    let started = now();
    let ends = started + length;
    let mut times = Times::default();
    loop {
        let before = now();
        if before >= ends {
            return Ok(times.finish(started.elapsed()).to_string());
        }
        file.write_all(&group)?;
        file.sync_data()?;
        let taken = before.elapsed();
        for _ in 0..records {
            times.add(taken);
        }
    }
}
