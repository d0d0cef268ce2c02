//! What every store has to pass.

use async_trait::async_trait;
use kabao_journal::Leases;
use kabao_journal::conformance::{Fixture, Opened};
use kabao_store::Store;
use tokio::sync::OnceCell;
use tokio::time::{Duration, sleep};

use super::Database;

#[derive(Default)]
struct Shared(OnceCell<Database>);

#[async_trait]
impl Fixture for Shared {
    async fn open(&self) -> Opened {
        let database = self.0.get_or_init(Database::new).await;
        let mut settings = database.impatient();
        // Those who live have to look alive, also where many tests share a processor.
        settings.takeover_after = Duration::from_secs(3);
        let store = Store::open(&settings.into()).await.unwrap();
        Opened {
            changes: store.changes(),
            leases: store.leases(),
        }
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn bury(&self, replica: &str, witness: &dyn Leases) {
        while witness.is_alive(replica).await.unwrap() {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

kabao_journal::conformance!(
    [#[ignore = "needs PostgreSQL: run .ci/postgres"]]
    Shared::default()
);
