//! What every store has to do with credentials, and what becomes of a right whose process has died.

use std::time::Duration;

use async_trait::async_trait;
use kabao_store::Store;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use super::Database;
use crate::credentials::{Fixture, suite};

#[derive(Default)]
struct Shared(OnceCell<Database>);

#[async_trait]
impl Fixture for Shared {
    async fn open(&self) -> Store {
        let database = self.0.get_or_init(Database::new).await;
        let mut settings = database.impatient();
        settings.takeover_after = Duration::from_secs(3);
        Store::open(&settings.into()).await.unwrap()
    }

    fn is_shared(&self) -> bool {
        true
    }
}

suite!([#[ignore = "needs PostgreSQL: run .ci/postgres"]] Shared::default());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn the_right_of_a_dead_process_is_taken_over_and_its_late_write_is_refused() {
    let fixture = Shared::default();
    let (first, second) = (fixture.open().await, fixture.open().await);
    let name = "access_token/stable/wx";
    let right = first.credentials().acquire(name).await.unwrap().unwrap();
    drop(first);
    let taken = timeout(Duration::from_secs(20), async {
        loop {
            if let Some(right) = second.credentials().acquire(name).await.unwrap() {
                break right;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    let taken = taken.await.unwrap();
    assert!(taken.fence > right.fence);
    let put = second.credentials();
    assert!(put.put(&taken, b"new").await.unwrap());
    assert!(!put.put(&right, b"late").await.unwrap());
    let stored = put.find(name).await.unwrap().unwrap();
    assert_eq!(stored.payload, b"new");
}
