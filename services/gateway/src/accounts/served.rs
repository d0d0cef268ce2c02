//! The end of the accounts of a gateway: whoever embeds one and lets it go gets its store back.

use kabao_api::Accounts;
use kabao_grpc::{Generation, Generations};

/// Accounts that are served as long as this is there. Metrics look at accounts, and accounts tell metrics: nothing of
/// them would ever end if nobody cut that.
#[derive(Debug)]
pub(crate) struct Served(Generations);

impl Served {
    pub(crate) fn of(generations: &Generations) -> Self {
        Self(generations.clone())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.replace(Generation::new(Accounts::new()));
    }
}
