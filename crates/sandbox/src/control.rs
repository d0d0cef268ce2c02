//! The control API: acts for WeChat users and operators. Plain HTTP, JSON, no authentication.
//!
//! `endpoints` is the table of what there is, `family` what each family implements, `request` what
//! bodies hold. From these come the answers, `help` and `docs/sandbox-control.md`.

mod accounts;
mod answer;
mod asked;
mod brand;
mod endpoints;
mod families;
mod family;
mod help;
mod keys;
mod merchant;
mod official_account;
#[cfg(test)]
mod page;
mod query;
mod records;
mod request;
mod sandbox;
mod state;
mod users;
mod visitor;

use std::sync::Arc;

pub use self::help::control_help;
pub(crate) use self::state::state;

use self::answer::{Problem, respond};
use crate::exchange::Received;
use crate::server::{Outcome, Service};
use crate::world::World;

/// Largest body of a control request.
const MAX_BODY: usize = 1 << 20;

/// The control API of a world.
pub(crate) struct Control {
    world: Arc<World>,
    /// Names by which it is reached besides addresses and those of loopback.
    names: Vec<String>,
}

impl Control {
    pub(crate) fn new(world: Arc<World>, names: Vec<String>) -> Self {
        Self { world, names }
    }
}

impl Service for Control {
    fn max_body_bytes(&self) -> usize {
        MAX_BODY
    }

    fn answer(&self, received: &Received) -> Outcome {
        if let Some(why) = visitor::refusal(&received.headers, &self.names) {
            return respond(Err(Problem::new(403, why)));
        }
        respond(endpoints::answer(&self.world, received))
    }

    fn unread(&self, _: &Received, _: u16) {}
}
