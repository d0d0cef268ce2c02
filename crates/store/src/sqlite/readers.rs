//! Connections that read, beside the one that writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kabao_journal::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::error::failed;
use super::file::DatabaseFile;

/// So many read at a time.
const CONNECTIONS: usize = 4;

/// The connections that read.
pub(super) struct Readers {
    shared: Arc<Shared>,
    timeout: Duration,
}

struct Shared {
    file: DatabaseFile,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(file: DatabaseFile, timeout: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                file,
                free: Arc::new(Semaphore::new(CONNECTIONS)),
                idle: Mutex::default(),
            }),
            timeout,
        }
    }

    /// Does `work` on a connection that reads.
    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let read = async {
            let free = Arc::clone(&shared.free).acquire_owned().await;
            let free = free.map_err(|_| StoreError::new("the store is closed"))?;
            let read = spawn_blocking(move || {
                let read = shared.read(work);
                drop(free);
                read
            });
            read.await.map_err(|error| {
                StoreError::new("a read of the store was given up").with_source(error)
            })?
        };
        match timeout(self.timeout, read).await {
            Ok(read) => read,
            Err(_) => Err(StoreError::new("the disk under the store is too slow")),
        }
    }
}

impl Shared {
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let kept = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let read = match kept {
            Some(database) => Ok(database),
            None => self.file.open_reading(),
        }
        .and_then(|database| Ok((work(&database)?, database)));
        let (value, database) = read.map_err(|error| failed(self.file.path(), error))?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(database);
        Ok(value)
    }
}
