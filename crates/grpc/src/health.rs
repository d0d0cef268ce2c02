//! The standard health service, `grpc.health.v1.Health`.
//!
//! tonic-health brings messages and stubs; the service itself is ours because
//! of two things that callers rely on: `Watch` of a service that does not
//! exist answers `SERVICE_UNKNOWN` and stays open, as the protocol says, and
//! open `Watch` streams can be ended, since otherwise a single client-side
//! health check would keep a stopping server alive for ever.

use std::pin::Pin;

use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NotServing,
    Serving,
    Ended,
}

/// What the server says when it is asked how it is. Starts as not serving.
///
/// Clones speak for the same server.
#[derive(Clone, Debug)]
pub struct Health {
    state: watch::Sender<State>,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::NotServing),
        }
    }

    /// Everything that calls need is there: keys are loaded, listeners are open.
    pub fn serving(&self) {
        self.set(State::Serving);
    }

    /// New calls should go elsewhere: keys are missing, or the server is about to stop.
    pub fn not_serving(&self) {
        self.set(State::NotServing);
    }

    /// Tells watchers a last time that the server is not serving and ends their streams, so that
    /// connections can close. The last step before connections are shut down; it cannot be undone.
    pub fn end_watches(&self) {
        self.not_serving();
        self.set(State::Ended);
    }

    fn set(&self, next: State) {
        self.state.send_if_modified(|state| {
            let changes = *state != next && *state != State::Ended;
            if changes {
                *state = next;
            }
            changes
        });
    }

    pub(crate) fn service(&self, known: Vec<&'static str>) -> HealthService {
        HealthService {
            state: self.state.subscribe(),
            known,
        }
    }
}

/// Answers for the server as a whole (the empty name) and for each of its services.
#[derive(Clone, Debug)]
pub(crate) struct HealthService {
    state: watch::Receiver<State>,
    known: Vec<&'static str>,
}

impl HealthService {
    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.known.contains(&service)
    }
}

#[tonic::async_trait]
impl health_server::Health for HealthService {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !self.knows(&request.get_ref().service) {
            return Err(Status::not_found("no such service"));
        }
        Ok(Response::new(answer(*self.state.borrow())))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let known = self.knows(&request.get_ref().service);
        let states = WatchStream::new(self.state.clone())
            .take_while(|state| *state != State::Ended)
            .chain(tokio_stream::once(State::Ended));
        let answers = states.map(move |state| {
            Ok(if known {
                answer(state)
            } else {
                response(ServingStatus::ServiceUnknown)
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

fn answer(state: State) -> HealthCheckResponse {
    response(match state {
        State::Serving => ServingStatus::Serving,
        State::NotServing | State::Ended => ServingStatus::NotServing,
    })
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}
