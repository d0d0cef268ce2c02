//! One connection, set up the way that everything here relies on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kabao_journal::StoreError;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, Statement};

use super::error::{failed, no_connection, too_slow, unreachable};
use super::url::DatabaseUrl;
use super::work::Work;

/// How long a connection is silent before the system asks whether the other end is there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// What the driver has unless the URL says something.
const UNSET_KEEPALIVE: Duration = Duration::from_hours(2);

/// A parameter of a statement.
pub(super) type Parameter<'a> = &'a (dyn ToSql + Sync);

/// How connections are made. Clones are the same.
#[derive(Clone)]
pub(super) struct Server {
    url: DatabaseUrl,
    /// What each connection begins with.
    setup: Arc<str>,
    timeout: Duration,
}

/// A connection that one user has at a time. Whatever goes wrong with it, it is thrown away: an answer that comes
/// late must not be taken for that of the next question.
pub(super) struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
    driver: JoinHandle<()>,
    until: Instant,
    /// What its user does with it, if somebody counts that.
    work: Option<Work>,
}

impl Server {
    pub(super) fn new(url: DatabaseUrl, timeout: Duration) -> Self {
        Self {
            setup: setup(timeout).into(),
            url,
            timeout,
        }
    }

    pub(super) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Connects until then.
    pub(super) async fn connect(&self, until: Instant) -> Result<Session, StoreError> {
        match timeout_at(until, self.connect_unbounded(until)).await {
            Ok(connected) => connected,
            Err(_) => Err(no_connection(&self.url)),
        }
    }

    async fn connect_unbounded(&self, until: Instant) -> Result<Session, StoreError> {
        let mut config = self.url.config().clone();
        config.tcp_user_timeout(self.timeout);
        if config.get_keepalives_idle() == UNSET_KEEPALIVE {
            config.keepalives_idle(KEEPALIVE);
        }
        let connected = config.connect(self.url.tls()).await;
        let (client, connection) = connected.map_err(|error| unreachable(&self.url, &error))?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer hears of the error.
            let _ = connection.await;
        });
        let session = Session {
            client,
            statements: HashMap::new(),
            driver,
            until,
            work: None,
        };
        let set = session.client.batch_execute(&self.setup).await;
        set.map_err(|error| unreachable(&self.url, &error))?;
        Ok(session)
    }
}

impl Session {
    /// Gives everything that follows until then.
    pub(super) fn set_until(&mut self, until: Instant) {
        self.until = until;
    }

    /// Says what it is used for from now on. That fails if the connection is dropped before the work is done.
    pub(super) fn begin(&mut self, work: Work) {
        self.work = Some(work);
    }

    /// Ends the work well.
    pub(super) fn done(&mut self) {
        if let Some(work) = self.work.take() {
            work.done();
        }
    }

    /// Tells whether the connection has ended already.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs a statement and returns its first row. Alone it is a transaction, which is durable on return.
    pub(super) async fn first(
        &mut self,
        statement: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(statement, parameters).await?.into_iter().next())
    }

    /// Runs a statement and returns its rows.
    pub(super) async fn rows(
        &mut self,
        statement: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(statement).await?;
        // It ends when the server is ready again: after the commit, and not after the last row.
        let asked = self.client.query(&statement, parameters);
        let answer = within(self.until, asked).await;
        self.noted(answer)
    }

    /// Runs a statement and returns how many rows it has changed.
    pub(super) async fn execute(
        &mut self,
        statement: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, StoreError> {
        let statement = self.prepared(statement).await?;
        let asked = self.client.execute(&statement, parameters);
        let answer = within(self.until, asked).await;
        self.noted(answer)
    }

    /// Runs a statement that is not worth to be remembered.
    pub(super) async fn rows_of_text(
        &mut self,
        statement: &str,
        parameters: &[(Parameter<'_>, Type)],
    ) -> Result<Vec<Row>, StoreError> {
        let asked = self.client.query_typed(statement, parameters);
        let answer = within(self.until, asked).await;
        self.noted(answer)
    }

    /// Runs statements without parameters.
    pub(super) async fn batch(&self, statements: &str) -> Result<(), StoreError> {
        within(self.until, self.client.batch_execute(statements)).await
    }

    async fn prepared(&mut self, text: &'static str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        let prepared = within(self.until, self.client.prepare(text)).await;
        // Nothing was done yet, however this ends.
        let prepared = prepared.map_err(|error| StoreError::refused(error.to_string()));
        let statement = self.noted(prepared)?;
        self.statements.insert(text, statement.clone());
        Ok(statement)
    }

    /// Says how the work fails.
    fn noted<T>(&mut self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Some(work), Err(error)) = (&mut self.work, &answer) {
            work.fail(error);
        }
        answer
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A driver waits for answers that nobody needs any more, from a peer that may be gone.
        self.driver.abort();
    }
}

async fn within<T>(
    until: Instant,
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match timeout_at(until, asked).await {
        Ok(answer) => answer.map_err(|error| failed(&error)),
        Err(_) => Err(too_slow()),
    }
}

/// What the server gives up by itself, before we stop waiting for it: then it is known that nothing was done.
fn setup(timeout: Duration) -> String {
    let (statement, lock) = (timeout * 4 / 5, timeout * 3 / 5);
    format!(
        "SET synchronous_commit = on; \
         SET default_transaction_isolation = 'read committed'; \
         SET default_transaction_read_only = off; \
         SET default_transaction_deferrable = off; \
         SET client_min_messages = warning; \
         SET statement_timeout = {}; \
         SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = {}; \
         SET search_path = kabao",
        statement.as_millis(),
        lock.as_millis(),
        timeout.as_millis(),
    )
}

/// Reads a column of a row.
pub(super) fn column<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    index: usize,
) -> Result<T, StoreError> {
    row.try_get(index).map_err(|_| {
        StoreError::new(format!(
            "the column {index} of an answer of the database does not hold what belongs there"
        ))
    })
}
