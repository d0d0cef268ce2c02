//! What an operator does with the database beside the replicas that use it: check and count. Nothing is written.

use std::sync::LazyLock;

use kabao_journal::StoreError;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::schema;
use super::session::{Parameter, Server, Session, column};
use super::settings::PostgresSettings;
use super::statements::COLUMNS;
use super::table;
use crate::changes::Seals;
use crate::key_file;
use crate::stats::{self, Group, Oldest, Stats};

use crate::place::Place;
use crate::report::{Fault, Report, chain};
use crate::sql;

/// So many rows are read at a time.
const ROWS: usize = 256;
/// So many changes that do not open are listed.
const LISTED: usize = 100;

/// sequence
static NEXT: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {COLUMNS} FROM changes WHERE sequence > $1 ORDER BY sequence LIMIT {ROWS}")
});

const SIZE: &str = "SELECT pg_total_relation_size('changes')";
const REPLICAS: &str = "SELECT count(*) FROM replicas";

/// Looks for everything that is wrong, as far as it shows from outside: the structure of a database is its own matter.
pub(crate) async fn check(settings: &PostgresSettings) -> Report {
    let mut report = Report {
        place: place(settings),
        holder: None,
        version: None,
        changes: 0,
        faults: Vec::new(),
    };
    if let Err(error) = look(settings, &mut report).await {
        report
            .faults
            .push(Fault::new(chain(&error), "nothing behind it was looked at"));
    }
    report
}

/// Counts.
pub(crate) async fn stats(settings: &PostgresSettings) -> Result<Stats, StoreError> {
    let mut session = connect(settings).await?;
    let version = schema::known_version(&mut session, &settings.url).await?;
    let mut groups = Vec::new();
    for row in read(settings, &mut session, sql::GROUPS, &[]).await? {
        groups.push(Group {
            account: column(&row, 0)?,
            state: column(&row, 1)?,
            count: column(&row, 2)?,
            oldest: column(&row, 3)?,
            newest: column(&row, 4)?,
        });
    }
    let mut open = Vec::new();
    for state in stats::open_states() {
        let parameters: [Parameter<'_>; 1] = [&state.as_str()];
        for row in read(settings, &mut session, sql::OLDEST_IN, &parameters).await? {
            let oldest = Oldest {
                sequence: column(&row, 0)?,
                account: column(&row, 1)?,
                id: column(&row, 2)?,
                since: column(&row, 3)?,
            };
            open.push((oldest, state));
        }
    }
    Ok(Stats {
        place: place(settings),
        holder: None,
        replicas: Some(number(settings, &mut session, REPLICAS).await?),
        version,
        size: number(settings, &mut session, SIZE).await?,
        log_size: None,
        counts: stats::sum(groups, open)?,
    })
}

fn place(settings: &PostgresSettings) -> Place {
    Place::Database(settings.url.to_string())
}

async fn connect(settings: &PostgresSettings) -> Result<Session, StoreError> {
    let server = Server::new(settings.url.clone(), settings.timeout);
    server.connect(Instant::now() + settings.timeout).await
}

/// Runs one statement, which gets the whole time.
async fn read(
    settings: &PostgresSettings,
    session: &mut Session,
    statement: &'static str,
    parameters: &[Parameter<'_>],
) -> Result<Vec<tokio_postgres::Row>, StoreError> {
    session.set_until(Instant::now() + settings.timeout);
    session.rows(statement, parameters).await
}

async fn number(
    settings: &PostgresSettings,
    session: &mut Session,
    statement: &'static str,
) -> Result<u64, StoreError> {
    let rows = read(settings, session, statement, &[]).await?;
    let number: i64 = rows.first().map_or(Ok(0), |row| column(row, 0))?;
    Ok(number.unsigned_abs())
}

async fn look(settings: &PostgresSettings, report: &mut Report) -> Result<(), StoreError> {
    let key_file = settings.key_file.clone();
    let keys = spawn_blocking(move || key_file::read(&key_file)).await;
    let keys =
        keys.map_err(|error| StoreError::new("reading the keys was given up").with_source(error))?;
    let mut session = connect(settings).await?;
    report.version = Some(schema::known_version(&mut session, &settings.url).await?);
    let (keys, loose) = keys?;
    if let Some(loose) = loose {
        let remedy = format!("chmod 600 {}", settings.key_file.display());
        report.faults.push(Fault::new(loose, remedy));
    }
    let digests = schema::digest_key(&mut session, &settings.url, &keys).await?;
    payloads(settings, &mut session, &Seals { keys, digests }, report).await
}

/// Opens every payload, a few at a time.
async fn payloads(
    settings: &PostgresSettings,
    session: &mut Session,
    seals: &Seals,
    report: &mut Report,
) -> Result<(), StoreError> {
    let mut after = 0_i64;
    let mut closed = 0;
    loop {
        let rows = read(settings, session, &NEXT, &[&after]).await?;
        for row in &rows {
            let row = table::row(row)?;
            after = row.sequence;
            report.changes += 1;
            let name = format!("accounts/{}/changes/{}", row.account, row.id);
            let Err(error) = seals.opened(row) else {
                continue;
            };
            closed += 1;
            if closed <= LISTED {
                report.faults.push(Fault::new(
                    format!("{name} cannot be read: {}", chain(&error)),
                    format!(
                        "add the key that it was sealed with to {}, or restore a backup",
                        settings.key_file.display()
                    ),
                ));
            }
        }
        if rows.len() < ROWS {
            break;
        }
    }
    if closed > LISTED {
        let more = format!("{} more changes cannot be read", closed - LISTED);
        report.faults.push(Fault::new(more, "see those above"));
    }
    Ok(())
}
