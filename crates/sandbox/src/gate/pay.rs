//! The gate of the two WeChat Pay families: checks in their order, signatures.

mod caller;
mod certificates;
mod parameters;
mod refused;
mod sensitive;
mod signature;
mod strict;

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use kabao_models::protocol::GET_CERTIFICATES;
use kabao_models::{Family, Operation, RateLimit};

pub(crate) use self::signature::{SignaturePlan, headers as signature_headers};

use self::caller::Caller;
use self::refused::{Language, reply};
use super::Command;
use crate::exchange::{PAY_JSON, Received, Reply, Signing};
use crate::refusal::Refusal;
use crate::serve::{Call, Remarks};
use crate::settings::Settings;
use crate::sync::lock;
use crate::trail::Check;
use crate::world::World;
use crate::{odd_values, random};

/// How an operation is served.
pub(crate) enum Route {
    /// By the command of a family.
    Command(Box<dyn Command<Refusal>>),
    /// By the gate itself: the download of platform certificates.
    Certificates,
}

impl Route {
    pub(crate) fn operation(&self) -> &'static Operation {
        match self {
            Self::Command(command) => command.operation(),
            Self::Certificates => &GET_CERTIFICATES,
        }
    }
}

/// Returns the family of the account that a request claims to come from.
pub(crate) fn claimed_family(world: &World, received: &Received) -> Option<Family> {
    caller::claimed_family(world, received)
}

/// A request that found its route. Its caller is authenticated once, when somebody first asks.
pub(crate) struct Visit<'a> {
    world: &'a World,
    route: &'static Route,
    received: &'a Received,
    settings: Arc<Settings>,
    caller: OnceCell<Result<Caller, Refusal>>,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(world: &'a World, route: &'static Route, received: &'a Received) -> Self {
        Self {
            world,
            route,
            received,
            settings: world.settings(),
            caller: OnceCell::new(),
        }
    }

    pub(crate) fn operation(&self) -> &'static Operation {
        self.route.operation()
    }

    /// Returns the name of the account that the request claims to come from, without checking the
    /// claim.
    pub(crate) fn claimed_account(&self) -> Option<String> {
        caller::claimed_account(self.world, self.operation(), self.received)
    }

    fn caller(&self) -> Result<&Caller, &Refusal> {
        self.caller
            .get_or_init(|| {
                caller::authenticate(self.world, &self.settings, self.operation(), self.received)
            })
            .as_ref()
    }

    fn language(&self) -> Language {
        Language::of(self.received.header("accept-language"))
    }

    /// Returns who signs an answer to this request, if it authenticates.
    pub(crate) fn signing(&self) -> Option<Signing> {
        let caller = self.caller().ok()?;
        let serial = self.received.header("wechatpay-serial");
        Some(Signing {
            key: lock(&caller.pay.keyring).signing_key(serial),
            scheme: caller.scheme,
            account: Arc::clone(&caller.account),
        })
    }

    /// Answers the request: everything from `Accept` to the business rules.
    pub(crate) fn answer(&self) -> Reply {
        let caller = match self.caller() {
            Ok(caller) => caller,
            // What fails before or in authentication leaves unsigned.
            Err(refusal) => return reply(refusal, self.language()),
        };
        let trail = &self.received.trail;
        match self.served(caller) {
            Ok(body) => {
                trail.pass();
                Reply {
                    headers: vec![
                        ("Request-ID", random::request_id(0)),
                        ("Content-Language", self.language().tag().to_owned()),
                    ],
                    signing: self.signing(),
                    ..Reply::json(self.operation().success, PAY_JSON, body)
                }
            }
            Err(refusal) => {
                if let Some(complaint) = refusal.complaint() {
                    trail.complain(complaint);
                }
                self.refused(&refusal)
            }
        }
    }

    /// Answers 429 as after authentication; used by the fault of that name.
    pub(crate) fn rate_limited(&self, retry_after_seconds: Option<u32>) -> Reply {
        match self.caller() {
            Ok(_) => self.refused(&Refusal {
                retry_after_seconds,
                ..Refusal::rate_limited(&self.settings.answers.rate_limit_code)
            }),
            Err(refusal) => reply(refusal, self.language()),
        }
    }

    /// Writes what fails after authentication.
    fn refused(&self, refusal: &Refusal) -> Reply {
        let is_signed = self.settings.answers.sign_errors;
        Reply {
            signing: is_signed.then(|| self.signing()).flatten(),
            ..reply(refusal, self.language())
        }
    }

    fn served(&self, caller: &Caller) -> Result<Bytes, Refusal> {
        let call = Call {
            operation: self.operation(),
            account: Arc::clone(&caller.account),
            now: self.world.now(),
            settings: Arc::clone(&self.settings),
            remarks: Remarks::default(),
        };
        let inbound = Inbound {
            world: self.world,
            received: self.received,
            caller,
            call,
        };
        match self.route {
            Route::Command(command) => serve(&inbound, command.as_ref()),
            Route::Certificates => certificates::serve(&inbound),
        }
    }
}

/// One authenticated request on its way to its core.
struct Inbound<'a> {
    world: &'a World,
    received: &'a Received,
    caller: &'a Caller,
    call: Call,
}

fn serve(inbound: &Inbound<'_>, command: &dyn Command<Refusal>) -> Result<Bytes, Refusal> {
    let call = &inbound.call;
    let trail = &inbound.received.trail;
    trail.begin(Check::Body);
    let mut request = parameters::decode(inbound)?;
    trail.begin(Check::EncryptedFields);
    sensitive::decrypt_request(inbound, request.as_mut())?;
    trail.begin(Check::Parameters);
    parameters::check_limits(inbound, request.as_ref())?;
    trail.begin(Check::Permission);
    permission(inbound)?;
    trail.begin(Check::Rate);
    rate(inbound)?;
    trail.begin(Check::Rules);
    let mut answer = command.run(inbound.world, call, request, trail)?;
    sensitive::encrypt_answer(inbound.caller, answer.as_mut())?;
    let body = answer.to_body().map_err(|_| Refusal::system_error())?;
    let odd = &call.settings.odd_values;
    Ok(odd_values::written(odd, call.operation.id, body))
}

fn permission(inbound: &Inbound<'_>) -> Result<(), Refusal> {
    let account = &inbound.call.account;
    let operation = inbound.call.operation;
    if account.family == operation.family && account.is_permitted() {
        Ok(())
    } else {
        Err(Refusal::no_permission())
    }
}

fn rate(inbound: &Inbound<'_>) -> Result<(), Refusal> {
    let call = &inbound.call;
    let answers = &call.settings.answers;
    let Some(limit) = limit(call) else {
        return Ok(());
    };
    let now = inbound.world.signature_time().as_second();
    if lock(&inbound.world.rates).admit(&call.account.name, call.operation.id, &limit, now) {
        return Ok(());
    }
    let mut refusal = Refusal::rate_limited(&answers.rate_limit_code);
    refusal.retry_after_seconds = answers.retry_after_seconds;
    Err(refusal)
}

/// Returns the limit that holds for a call: what the settings of its family say, or else, where it is
/// enforced, the documented one.
fn limit(call: &Call) -> Option<RateLimit> {
    let (settings, operation) = (&call.settings, call.operation);
    let chosen = match operation.family {
        // The download of certificates has a documented limit and is no operation of a family.
        _ if operation.id == GET_CERTIFICATES.id => None,
        Family::Merchant => settings.merchant.calls_per_second,
        Family::Brand => settings.brand.calls_per_second,
        Family::OfficialAccount => None,
    };
    let chosen = chosen.map(|calls| RateLimit {
        per: "merchant",
        per_second: Some(calls),
        per_minute: None,
        per_day: None,
    });
    let documented = || {
        operation
            .rate_limit
            .filter(|_| settings.answers.enforce_rate_limits)
    };
    chosen.or_else(documented)
}
