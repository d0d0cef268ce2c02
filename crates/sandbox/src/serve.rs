//! How an operation of the catalogue is served: one command of its core, whose result is the answer.
//!
//! Where requests come from and who sends them is nobody's business here: there is no HTTP.

use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use kabao_models::{AnyAnswer, AnyEndpoint, Endpoint, Operation};

use crate::account::Account;
use crate::ledger::{Effect, Ledger};
use crate::numbers::{Asked, Numbered, Numbers, Repeat};
use crate::settings::Settings;
use crate::sync::lock;
use crate::trail::Trail;

/// The rules and the state of one family.
pub(crate) trait Core: Sized {
    /// Why a command is refused: a row of the family's error table.
    type Refusal: Clone;

    /// Refuses what the catalogue rules out.
    fn internal() -> Self::Refusal;

    /// Says a refusal in other words where the settings choose them.
    fn worded(call: &Call, refusal: Self::Refusal) -> Self::Refusal {
        let _ = call;
        refusal
    }

    /// Refuses a request that no command of the core takes, whatever it is.
    fn check(&self, call: &Call, request: &dyn AnyEndpoint) -> Result<(), Self::Refusal> {
        let _ = (call, request);
        Ok(())
    }

    /// Takes what was changed since the last time.
    fn take_effects(&mut self) -> Vec<Effect>;

    /// Says what a repeated request number gets; nothing in a family whose requests have none.
    fn numbered(call: &Call, asked: Asked) -> Option<Numbered<Self::Refusal>> {
        let _ = (call, asked);
        None
    }

    /// Returns the request numbers of such a family.
    fn numbers(&mut self) -> Option<&mut Numbers> {
        None
    }
}

/// An operation that the sandbox serves. Implementations only translate.
pub(crate) trait Serve: Endpoint {
    /// The core that decides.
    type Core: Core;

    /// The operation whose command this is: of a variant the original.
    const COMMAND: &'static Operation = Self::OPERATION;

    /// Turns the request into a command and its result into the answer.
    fn serve(
        self,
        core: &mut Self::Core,
        call: &Call,
    ) -> Result<Self::Answer, <Self::Core as Core>::Refusal>;
}

/// Lets operations be served: names the core, the context that commands get and the request, then
/// for each request its command.
macro_rules! operations {
    (
        |$core:ident: $state:ty, $context:ident: $view:ident, $this:ident|
        $($request:ty => $command:expr;)*
    ) => {$(
        impl $crate::serve::Serve for $request {
            type Core = $state;

            fn serve(
                self,
                $core: &mut $state,
                call: &$crate::serve::Call,
            ) -> Result<Self::Answer, <$state as $crate::serve::Core>::Refusal> {
                let ($context, $this) = (&$view::of(call), self);
                // Not every command needs all of them.
                let _ = (&$core, &$context, &$this);
                $command
            }
        }
    )*};
}

pub(crate) use operations;

/// Turns the success of a command into an answer without members.
pub(crate) fn nothing<T, A: Default, R>(result: Result<T, R>) -> Result<A, R> {
    result.map(|_| A::default())
}

/// What a command may know of the call besides its content.
pub(crate) struct Call {
    pub(crate) operation: &'static Operation,
    pub(crate) account: Arc<Account>,
    pub(crate) now: Timestamp,
    pub(crate) settings: Arc<Settings>,
    pub(crate) remarks: Remarks,
}

/// What a command accepted although the real service is reported to refuse it.
#[derive(Default)]
pub(crate) struct Remarks(RefCell<Vec<String>>);

impl Remarks {
    /// Adds a remark; it names members and settings, never values.
    pub(crate) fn add(&self, remark: impl Into<String>) {
        self.0.borrow_mut().push(remark.into());
    }

    /// Takes everything that was remarked.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// An operation without its types: all that is compiled once per operation is [`act`].
pub(crate) struct Served<C: Core> {
    pub(crate) operation: &'static Operation,
    command: &'static Operation,
    act: Act<C>,
}

/// Gives nothing for a request of another operation.
type Act<C> =
    fn(Box<dyn Any>, &mut C, &Call) -> Result<Option<Box<dyn AnyAnswer>>, <C as Core>::Refusal>;

impl<C: Core> Served<C> {
    pub(crate) fn of<E: Serve<Core = C>>() -> Self {
        Self {
            operation: E::OPERATION,
            command: E::COMMAND,
            act: act::<E>,
        }
    }

    /// Turns a request into an answer. One whose number was used before does not reach its command:
    /// it is answered as then, or refused, before any other rule has a say.
    pub(crate) fn run(
        &self,
        core: &mut C,
        call: &Call,
        mut request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, C::Refusal> {
        let asked = Asked::of(self.command, request.as_mut());
        let numbered = asked.and_then(|asked| C::numbered(call, asked));
        if let (Some(numbered), Some(numbers)) = (&numbered, core.numbers()) {
            match numbers.check(numbered) {
                Repeat::New => {}
                Repeat::Same(answer) => {
                    let first = request.decode_answer(&answer).map_err(|_| C::internal())?;
                    return Ok(first.answer);
                }
                Repeat::Refused => return Err(numbered.refusal.clone()),
            }
        }
        core.check(call, request.as_ref())?;
        let acted = (self.act)(request, core, call).map_err(|refusal| C::worded(call, refusal))?;
        let answer = acted.ok_or_else(C::internal)?;
        if let (Some(numbered), Some(numbers)) = (numbered, core.numbers()) {
            let body = answer.to_body().map_err(|_| C::internal())?;
            numbers.remember(numbered, body);
        }
        Ok(answer)
    }
}

fn act<E: Serve>(
    request: Box<dyn Any>,
    core: &mut E::Core,
    call: &Call,
) -> Result<Option<Box<dyn AnyAnswer>>, <E::Core as Core>::Refusal> {
    let Ok(request) = request.downcast::<E>() else {
        return Ok(None);
    };
    Ok(Some(Box::new(request.serve(core, call)?)))
}

/// Runs one request under the lock of its family, writes its effects into the ledger, and its remarks
/// beside the checks of the request.
pub(crate) fn run<C: Core>(
    served: &Served<C>,
    state: &Mutex<C>,
    ledger: &Mutex<Ledger>,
    call: &Call,
    request: Box<dyn AnyEndpoint>,
    trail: &Trail,
) -> Result<Box<dyn AnyAnswer>, C::Refusal> {
    let mut core = lock(state);
    let answer = served.run(&mut core, call, request);
    // Recorded under the lock, so that the ledger has the order in which things happened.
    record(
        ledger,
        call.now,
        call.operation.id,
        &call.account.name,
        core.take_effects(),
    );
    trail.remark(call.remarks.take());
    answer
}

/// Writes effects into the ledger.
pub(crate) fn record(
    ledger: &Mutex<Ledger>,
    now: Timestamp,
    operation: &str,
    account: &str,
    effects: Vec<Effect>,
) {
    if effects.is_empty() {
        return;
    }
    let mut ledger = lock(ledger);
    for effect in effects {
        ledger.append(now, operation, account, effect);
    }
}

/// Runs one request on a core, as a gate does with it once it is checked.
#[cfg(test)]
pub(crate) fn answer<E: Serve>(
    core: &mut E::Core,
    call: &Call,
    request: E,
) -> Result<E::Answer, <E::Core as Core>::Refusal> {
    let answer = Served::of::<E>().run(core, call, Box::new(request))?;
    Ok(*answer.into_any().downcast().unwrap())
}
