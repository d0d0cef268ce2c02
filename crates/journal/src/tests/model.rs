//! The model of a store passes what every store has to pass.

use async_trait::async_trait;

use super::ModelStore;
use crate::Leases;
use crate::conformance::{Fixture, Opened};

#[async_trait]
impl Fixture for ModelStore {
    async fn open(&self) -> Opened {
        let replica = std::sync::Arc::new(self.replica());
        let changes = std::sync::Arc::<crate::model::Replica>::clone(&replica);
        Opened {
            changes,
            leases: replica,
        }
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn bury(&self, replica: &str, _: &dyn Leases) {
        Self::bury(self, replica);
    }
}

crate::conformance!(ModelStore::new());
