//! Limits of calls that replicas share by their store.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use kabao_api::portions::Portions;
use kabao_client::Quotas;
use tokio::runtime::Handle;

use crate::abort::AbortOnDrop;

/// The tasks that share limits, until this value is dropped. Without a store that replicas share there are none.
pub(crate) struct SharedQuotas {
    portions: Option<Arc<dyn Portions>>,
    runtime: Handle,
    tasks: Mutex<Vec<(Quotas, AbortOnDrop)>>,
}

impl SharedQuotas {
    /// Shares nothing yet; tasks run in the present runtime.
    pub(crate) fn new(portions: Option<Arc<dyn Portions>>) -> Self {
        Self {
            portions,
            runtime: Handle::current(),
            tasks: Mutex::default(),
        }
    }

    /// Shares these from now on, if they are not shared yet.
    pub(crate) fn share(&self, quotas: &Quotas) {
        let Some(portions) = &self.portions else {
            return;
        };
        // Every change leaves the list whole.
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.iter().any(|(shared, _)| shared == quotas) {
            return;
        }
        let task = self.runtime.spawn(quotas.share(Arc::clone(portions)));
        tasks.push((quotas.clone(), AbortOnDrop(task.abort_handle())));
    }
}

impl fmt::Debug for SharedQuotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedQuotas").finish_non_exhaustive()
    }
}
