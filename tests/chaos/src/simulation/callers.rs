//! Callers: they ask, wait, leave, and ask again.

use std::sync::Arc;
use std::time::Duration;

use kabao_api::{
    AccountId, AdjustMember, Adjustment, CallContext, CallId, Change, Error, MemberName, RequestId,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::gateway::{Gateway, Slot};
use super::world::{World, code};
use crate::history::{Answer, Asked, Heard, Intent};

/// How a call is made.
struct Call {
    id: String,
    intent: Intent,
    /// Under an id that belongs to another content.
    is_other: bool,
    deadline: Option<Duration>,
    /// When the caller leaves, whatever was agreed.
    patience: Duration,
}

/// Lets all callers do their work.
pub(super) async fn run(world: &Arc<World>, slots: &[Arc<Slot>]) {
    let mut callers = Vec::new();
    for _ in 0..world.profile().callers {
        let (world, slots) = (Arc::clone(world), slots.to_vec());
        callers.push(tokio::spawn(async move {
            for _ in 0..world.profile().calls {
                sleep(world.draw(|random| random.millis(0..world.profile().spacing))).await;
                let call = choose(&world);
                let again = world.draw(|random| random.chance(300));
                let first = make(&world, &slots, &call);
                match again {
                    // The same twice at once, on whichever replicas.
                    true => drop(tokio::join!(first, make(&world, &slots, &call))),
                    false => drop(first.await),
                }
            }
        }));
    }
    for caller in callers {
        let _ = caller.await;
    }
}

/// Asks once more for everything, now that everything works.
pub(super) async fn repeat_all(world: &Arc<World>, slots: &[Arc<Slot>]) {
    const TRIES: u32 = 3;
    for id in world.ids() {
        let Some(intent) = world.intent(&id) else {
            continue;
        };
        let call = Call {
            id,
            intent,
            is_other: false,
            deadline: Some(Duration::from_secs(30)),
            patience: Duration::from_secs(60),
        };
        let mut is_answered = false;
        for _ in 0..TRIES {
            let heard = make(world, slots, &call).await;
            is_answered = matches!(heard, Heard::Ok(_) | Heard::Refused(_))
                || world.needs_decision(&call.intent.member);
            if is_answered {
                break;
            }
            sleep(Duration::from_secs(5)).await;
        }
        if !is_answered {
            world.unanswered(&call.id);
        }
    }
}

fn choose(world: &World) -> Call {
    let ids = world.ids();
    let count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    let (is_new, is_other, index) = world.draw(|random| {
        (
            random.chance(500),
            random.chance(40),
            random.within(0..count),
        )
    });
    let earlier = usize::try_from(index).ok().and_then(|index| ids.get(index));
    let earlier = earlier
        .filter(|_| !is_new)
        .and_then(|id| Some((id.clone(), world.intent(id)?)));
    let is_known = earlier.is_some();
    let (id, mut intent) = earlier.unwrap_or_else(|| {
        let id = format!("id{}", ids.len());
        let intent = intend(world);
        world.intend(&id, intent.clone());
        (id, intent)
    });
    let is_other = is_known && is_other && world.is_ended(&id);
    if is_other {
        intent.asked = intend(world).asked;
    }
    let (deadline, patience) = world.draw(|random| {
        let deadline = random.chance(500).then(|| random.millis(50..6_000));
        let patience = match random.chance(200) {
            true => random.millis(20..4_000),
            false => Duration::from_secs(60),
        };
        (deadline, patience)
    });
    Call {
        id,
        intent,
        is_other,
        deadline,
        patience,
    }
}

fn intend(world: &World) -> Intent {
    world.draw(|random| {
        let amount = random.amount();
        Intent {
            member: code(random.within(0..world.profile().members)),
            asked: match random.chance(800) {
                true => Asked::Add(amount),
                false => Asked::Set(amount),
            },
        }
    })
}

/// Makes a call at one of the replicas.
async fn make(world: &Arc<World>, slots: &[Arc<Slot>], call: &Call) -> Heard {
    let number = world.invoke(&call.id, call.is_other, call.intent.asked);
    let count = u64::try_from(slots.len()).unwrap_or(u64::MAX);
    let slot = world.draw(|random| random.within(0..count));
    let slot = usize::try_from(slot).ok().and_then(|slot| slots.get(slot));
    let heard = match slot.and_then(|slot| slot.gateway()) {
        Some(gateway) => talk(&gateway, call).await,
        None => Heard::Failed("nobody listens".to_owned()),
    };
    world.heard(number, heard.clone());
    heard
}

/// What the door of the client does: the method runs on a task of its own, and lets its caller go.
async fn talk(gateway: &Gateway, call: &Call) -> Heard {
    let Some(request) = request(call) else {
        return Heard::Failed("no request".to_owned());
    };
    let mut context = CallContext::new(account(), CallId::unknown()).detached();
    if let Some(deadline) = call.deadline {
        context = context.with_deadline((Instant::now() + deadline).into_std());
    }
    let progress = context.progress().clone();
    let (answer, answered) = oneshot::channel();
    let members = Arc::clone(&gateway.members);
    gateway.process.spawn(async move {
        let _ = answer.send(members.adjust_points(&context, request).await);
    });
    tokio::select! {
        biased;
        answered = answered => match answered {
            Ok(answered) => heard(answered),
            Err(_) => Heard::Unknown("the process is gone".to_owned()),
        },
        early = progress.released() => heard(Err(early)),
        () = sleep(call.patience) => {
            progress.abandon();
            Heard::Unknown("the caller left".to_owned())
        }
    }
}

fn heard(answered: Result<Adjustment, Error>) -> Heard {
    match answered {
        Ok(adjustment) => Heard::Ok(Answer {
            before: adjustment.before,
            after: adjustment.after,
        }),
        Err(error) => {
            let what = format!("{}: {}", error.reason().as_str(), error.message());
            match error.may_have_executed() {
                true => Heard::Unknown(what),
                false if error.upstream().is_some() => Heard::Refused(what),
                false => Heard::Failed(what),
            }
        }
    }
}

fn request(call: &Call) -> Option<AdjustMember> {
    let member = format!("accounts/acme/templates/t1/members/{}", call.intent.member);
    let member: MemberName = member.parse().ok()?;
    let change = match call.intent.asked {
        Asked::Add(amount) => Change::Add(amount),
        Asked::Set(amount) => Change::SetTo(amount),
    };
    let id: RequestId = call.id.parse().ok()?;
    Some(AdjustMember::new(member, change).with_request_id(id))
}

/// The account of all members.
#[expect(clippy::expect_used, reason = "a constant")]
pub(super) fn account() -> AccountId {
    AccountId::new("acme").expect("a valid id")
}
