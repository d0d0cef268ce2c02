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

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};
use kabao_auth::{HostName, VisitorError, check_visitor};

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
    names: Vec<HostName>,
}

impl Control {
    pub(crate) fn new(world: Arc<World>, names: Vec<HostName>) -> Self {
        Self { world, names }
    }
}

impl Service for Control {
    fn max_body_bytes(&self) -> usize {
        MAX_BODY
    }

    fn answer(&self, received: &Received) -> Outcome {
        let all = |name: HeaderName| {
            let values = received.headers.get_all(name);
            values.into_iter().map(HeaderValue::as_bytes)
        };
        if let Err(error) = check_visitor(all(header::HOST), all(header::ORIGIN), &self.names) {
            let remedy = match error {
                VisitorError::Host => {
                    "use an address, localhost, or a name given with --control-host"
                }
                _ => "--control-host lets a host give orders",
            };
            return respond(Err(Problem::new(403, format!("{error}: {remedy}"))));
        }
        respond(endpoints::answer(&self.world, received))
    }

    fn unread(&self, _: &Received, _: u16) {}
}
