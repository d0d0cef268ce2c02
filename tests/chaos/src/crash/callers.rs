//! Callers over gRPC: they repeat until they have an answer, as docs/repeating-calls.md tells them to.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabao_proto::kabao::v1::adjust_points_request::Change;
use kabao_proto::kabao::v1::change::State;
use kabao_proto::kabao::v1::change_service_client::ChangeServiceClient;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::{
    AdjustPointsRequest, AdjustPointsResponse, GetChangeRequest, GetMemberRequest,
};
use tokio::time::sleep;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use super::soon;
use crate::Random;
use crate::history::{Answer, Asked, End, Event, Evidence, Heard, Intent};

/// How many callers there are.
const CALLERS: u64 = 4;
/// How many changes each of them makes at least.
const CHANGES: u64 = 6;
/// How many it makes at most while something is to happen yet.
const MOST_CHANGES: u64 = 1_000;
/// How often each of them asks before it goes on to the next.
const TRIES: u32 = 3;

/// What WeChat says of signatures that it does not believe.
const CREDENTIAL: &str = "CREDENTIAL_REJECTED";

/// A member of the demo data, in an account of its own.
#[derive(Clone, Copy, Debug)]
struct Member {
    account: &'static str,
    name: &'static str,
}

const MEMBERS: [Member; 2] = [
    Member {
        account: "demo-merchant",
        name: "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665",
    },
    Member {
        account: "demo-official-account",
        name: "accounts/demo-official-account/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278",
    },
];

/// All callers. Clones are the same.
#[derive(Clone)]
pub(super) struct Callers {
    channels: Vec<Channel>,
    /// Only this gateway is asked, unless it is none of them.
    only: Arc<AtomicUsize>,
    turn: Arc<AtomicUsize>,
    inner: Arc<Mutex<Inner>>,
    /// Everything has happened that makes the history.
    is_over: Arc<AtomicBool>,
}

#[derive(Default)]
struct Inner {
    intents: BTreeMap<String, (Member, i64)>,
    events: Vec<Event>,
    calls: u64,
    unknown: usize,
    refused_by_store: usize,
    refused_by_clock: usize,
}

impl Callers {
    /// Whoever is there at these addresses is asked, in turns, also after a restart.
    pub(super) fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<Self> {
        let mut channels = Vec::new();
        for address in addresses {
            let endpoint = Endpoint::from_shared(format!("http://{address}"));
            channels.push(endpoint.map_err(io::Error::other)?.connect_lazy());
        }
        Ok(Self {
            channels,
            only: Arc::new(AtomicUsize::new(usize::MAX)),
            turn: Arc::default(),
            inner: Arc::default(),
            is_over: Arc::default(),
        })
    }

    /// Lets them ask only one of the gateways from now on, or all of them again.
    pub(super) fn ask_only(&self, gateway: Option<usize>) {
        self.only
            .store(gateway.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    fn channel(&self) -> io::Result<Channel> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let only = self.channels.get(self.only.load(Ordering::Relaxed));
        let next = self
            .channels
            .iter()
            .cycle()
            .nth(turn % self.channels.len().max(1));
        let channel = only.or(next).cloned();
        channel.ok_or_else(|| io::Error::other("there is no gateway"))
    }

    /// Says that nothing more is to happen.
    pub(super) fn is_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Lets all of them do their work.
    pub(super) async fn run(self, seed: u64) {
        let mut callers = Vec::new();
        for caller in 0..CALLERS {
            let callers_of_all = self.clone();
            let random = Random::new(seed.wrapping_add(caller));
            callers.push(tokio::spawn(callers_of_all.work(caller, random)));
        }
        for caller in callers {
            let _ = caller.await;
        }
    }

    async fn work(self, caller: u64, mut random: Random) {
        for number in 0..MOST_CHANGES {
            if number >= CHANGES && self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let id = format!("c{caller}n{number}");
            let Some(member) = random.pick(&MEMBERS) else {
                return;
            };
            // Many of them fit into 64 bits, and into what the families take.
            let amount = i64::try_from(random.within(1_000..1 << 24)).unwrap_or_default();
            self.lock().intents.insert(id.clone(), (member, amount));
            for _ in 0..TRIES {
                let deadline = random.millis(200..3_000);
                let first = self.adjust(&id, deadline);
                let heard = match random.chance(200) {
                    // The same twice at once.
                    true => tokio::join!(first, self.adjust(&id, deadline)).0,
                    false => first.await,
                };
                if is_answer(&heard) {
                    break;
                }
                sleep(random.millis(10..150)).await;
            }
            sleep(random.millis(0..20)).await;
        }
    }

    /// Asks once more for everything, and returns the ids that are not answered.
    pub(super) async fn repeat_all(&self) -> Vec<String> {
        let ids: Vec<String> = self.lock().intents.keys().cloned().collect();
        let mut unanswered = Vec::new();
        for id in ids {
            let asked = &id;
            let ask =
                || async move { is_answer(&self.adjust(asked, Duration::from_secs(10)).await) };
            let is_answered = soon(ask).await;
            if !is_answered {
                unanswered.push(id);
            }
        }
        unanswered
    }

    /// How many calls ended without an answer that says what became of the change.
    pub(super) fn unknown(&self) -> usize {
        self.lock().unknown
    }

    /// How many calls were refused because nothing could be written down.
    pub(super) fn refused_by_store(&self) -> usize {
        self.lock().refused_by_store
    }

    /// How many calls were refused because a signature was too old.
    pub(super) fn refused_by_clock(&self) -> usize {
        self.lock().refused_by_clock
    }

    /// The points of each member, by its account.
    pub(super) async fn values(&self) -> io::Result<BTreeMap<String, i64>> {
        let mut members = MemberServiceClient::new(self.channel()?);
        let mut values = BTreeMap::new();
        for member in MEMBERS {
            let request = GetMemberRequest {
                name: member.name.to_owned(),
                ..GetMemberRequest::default()
            };
            let found = members.get_member(request).await;
            let found = found.map_err(io::Error::other)?.into_inner();
            let points = found.points.unwrap_or_default();
            values.insert(member.account.to_owned(), points);
        }
        Ok(values)
    }

    /// Tells what they asked for and heard, and what the gateway says became of it.
    pub(super) async fn tell(&self, evidence: &mut Evidence) -> io::Result<()> {
        let (intents, events) = {
            let inner = self.lock();
            (inner.intents.clone(), inner.events.clone())
        };
        evidence.events = events;
        for (id, (member, amount)) in intents {
            if let Some(end) = self.end(&id, member).await? {
                evidence.ends.insert(id.clone(), end);
            }
            let intent = Intent {
                member: member.account.to_owned(),
                asked: Asked::Add(amount),
            };
            evidence.intents.insert(id, intent);
        }
        Ok(())
    }

    async fn end(&self, id: &str, member: Member) -> io::Result<Option<End>> {
        let mut changes = ChangeServiceClient::new(self.channel()?);
        let request = GetChangeRequest {
            name: format!("accounts/{}/changes/{id}", member.account),
        };
        let change = match changes.get_change(request).await {
            Ok(change) => change.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            Err(status) => return Err(io::Error::other(status)),
        };
        Ok(Some(match change.state() {
            State::Applied => End::Applied,
            State::Rejected => End::Rejected,
            _ if change.needs_decision => End::NeedsDecision,
            _ => End::Open,
        }))
    }

    async fn adjust(&self, id: &str, deadline: Duration) -> Heard {
        let (call, intent) = {
            let mut inner = self.lock();
            inner.calls += 1;
            let call = inner.calls;
            inner.events.push(Event::Invoke {
                call,
                id: id.to_owned(),
                other_content: false,
            });
            (call, inner.intents.get(id).copied())
        };
        let heard = match intent.zip(self.channel().ok()) {
            Some(((member, amount), channel)) => {
                let mut request = Request::new(AdjustPointsRequest {
                    name: member.name.to_owned(),
                    change: Some(Change::Add(amount)),
                    request_id: id.to_owned(),
                    ..AdjustPointsRequest::default()
                });
                request.set_timeout(deadline);
                let mut members = MemberServiceClient::new(channel);
                heard(members.adjust_points(request).await)
            }
            None => Heard::Failed("no intent".to_owned()),
        };
        let mut inner = self.lock();
        match &heard {
            Heard::Unknown(_) => inner.unknown += 1,
            Heard::Failed(what) if what.ends_with(" STORE") => inner.refused_by_store += 1,
            Heard::Failed(what) if what.ends_with(CREDENTIAL) => inner.refused_by_clock += 1,
            _ => {}
        }
        inner.events.push(Event::Return {
            call,
            heard: heard.clone(),
        });
        heard
    }

    /// Every step leaves the values whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn is_answer(heard: &Heard) -> bool {
    matches!(heard, Heard::Ok(_) | Heard::Refused(_))
}

fn heard(answered: Result<Response<AdjustPointsResponse>, Status>) -> Heard {
    let status = match answered {
        Ok(response) => {
            let response = response.into_inner();
            return Heard::Ok(Answer {
                before: response.before,
                after: response.after,
            });
        }
        Err(status) => status,
    };
    let details = status.get_error_details();
    let Some(info) = details.error_info() else {
        // Of the way to the gateway, and not of the gateway.
        return Heard::Unknown(format!("{:?}", status.code()));
    };
    let is = |key: &str| info.metadata.get(key).is_some_and(|value| value == "true");
    let what = format!("{:?} {}", status.code(), info.reason);
    if info.reason == CREDENTIAL {
        // For the operator to mend; nobody keeps it.
        return Heard::Failed(what);
    }
    match (is("may_have_executed"), is("retryable")) {
        (true, _) => Heard::Unknown(what),
        (false, true) => Heard::Failed(what),
        (false, false) => match status.code() {
            Code::Aborted | Code::DeadlineExceeded | Code::Unavailable | Code::Cancelled => {
                Heard::Failed(what)
            }
            _ => Heard::Refused(what),
        },
    }
}
