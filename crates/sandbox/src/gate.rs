//! What is checked of a request before its command runs, and how its answer is written: once for
//! the families of WeChat Pay, once for official accounts.

pub(crate) mod official_account;
pub(crate) mod pay;

use kabao_models::{AnyAnswer, AnyEndpoint, Operation};

use crate::serve::{self, Call, Core, Serve, Served};
use crate::trail::Trail;
use crate::world::{Held, World};

/// A command of any core, refused in the words `R` of a gate.
pub(crate) trait Command<R>: Send + Sync {
    fn operation(&self) -> &'static Operation;

    /// Runs the command on the state of its family.
    fn run(
        &self,
        world: &World,
        call: &Call,
        request: Box<dyn AnyEndpoint>,
        trail: &Trail,
    ) -> Result<Box<dyn AnyAnswer>, R>;
}

/// Makes the command of an operation.
pub(crate) fn command<E, R>() -> Box<dyn Command<R>>
where
    E: Serve,
    E::Core: Held + 'static,
    <E::Core as Core>::Refusal: Into<R>,
{
    Box::new(Served::of::<E>())
}

impl<C: Held, R> Command<R> for Served<C>
where
    C::Refusal: Into<R>,
{
    fn operation(&self) -> &'static Operation {
        self.operation
    }

    fn run(
        &self,
        world: &World,
        call: &Call,
        request: Box<dyn AnyEndpoint>,
        trail: &Trail,
    ) -> Result<Box<dyn AnyAnswer>, R> {
        serve::run(self, C::of(world), &world.ledger, call, request, trail).map_err(Into::into)
    }
}
