//! The parts of a call that need no other process: reading, writing, converting.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, Full};
use kabao_api::{Accounts, CallContext, Family, Upstream};
use kabao_gateway::config::{self, Environment};
use kabao_grpc::{GrpcService, Server};
use kabao_models::merchant::user_cards::{GetUserCard, UpdateUserCard, UserCard};
use kabao_models::{Answer as _, AnyAnswer, AnyEndpoint, Endpoint};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service as _;

use crate::member::{self, Question};
use crate::{Error, Result};

/// What the sandbox answers about its member.
const ANSWER: &[u8] = include_bytes!("../data/user_card.json");

/// Everything that the parts need, made beforehand.
pub struct Units {
    write: Box<dyn AnyEndpoint>,
    service: GrpcService,
    crowded: GrpcService,
    frame: Bytes,
    /// Deadlines need a clock.
    runtime: Runtime,
}

impl Units {
    /// Makes everything ready.
    ///
    /// # Errors
    ///
    /// Fails if a part does not do what it should.
    pub fn new() -> Result<Self> {
        let request = member::update(&member::request_number(0, 0));
        let mut write: UpdateUserCard = serde_json::from_str(&request)?;
        write.card_id = "pbLatjvWOibDc5-TBnbUk1pD12o0".to_owned();
        write.code = "478515832665".into();
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let units = Self {
            write: Box::new(write),
            service: runtime.block_on(async { service(Ready(UserCard::from_body(ANSWER)?)) })?,
            crowded: runtime.block_on(async { service(Crowded) })?,
            frame: frame(Question::FamilyRead)?,
            runtime,
        };
        if units.read()? == 0
            || units.write()? == 0
            || units.convert()? == 0
            || units.refuse()? == 0
        {
            return Err("a part does nothing".into());
        }
        Ok(units)
    }

    /// Reads WeChat's answer about a member. Returns how many texts it has.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn read(&self) -> Result<usize> {
        let card: UserCard = <GetUserCard as Endpoint>::Answer::from_body(ANSWER)?;
        Ok(usize::from(card.card_id.is_some()) + usize::from(card.code.is_some()))
    }

    /// Writes a change of a member. Returns how long it is.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn write(&self) -> Result<usize> {
        Ok(self.write.to_http()?.body.len())
    }

    /// Refuses a family read for which its account has no room, as every refusal but the first of a second is made.
    /// Returns how long the details of the status are.
    ///
    /// # Errors
    ///
    /// Fails if the answer is another one.
    pub fn refuse(&self) -> Result<usize> {
        let request = http::Request::post(Question::FamilyRead.path())
            .version(http::Version::HTTP_2)
            .header(CONTENT_TYPE, "application/grpc")
            .body(Full::new(self.frame.clone()))?;
        let mut service = self.crowded.clone();
        self.runtime.block_on(async move {
            let answer = service.call(request).await?;
            let details = answer.headers().get("grpc-status-details-bin");
            Ok(details.ok_or("the call was not refused")?.len())
        })
    }

    /// Serves a family read whose answer is there already: from the bytes of the message to those of the answer,
    /// through everything that stands between a connection and the upstream. Returns how long the answer is.
    ///
    /// # Errors
    ///
    /// Fails if the answer is a refusal.
    pub fn convert(&self) -> Result<usize> {
        let request = http::Request::post(Question::FamilyRead.path())
            .version(http::Version::HTTP_2)
            .header(CONTENT_TYPE, "application/grpc")
            .body(Full::new(self.frame.clone()))?;
        // A fresh clone is always ready.
        let mut service = self.service.clone();
        self.runtime.block_on(async move {
            let answer = service.call(request).await?;
            let body = answer.into_body().collect().await?;
            let status = body.trailers().and_then(|it| it.get("grpc-status"));
            if status.is_none_or(|status| status != "0") {
                return Err(Error::from("the answer is a refusal"));
            }
            Ok(body.to_bytes().len())
        })
    }
}

/// A message as it stands in the body of a call.
fn frame(question: Question) -> Result<Bytes> {
    let message = question.message(0, 0);
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len())?);
    frame.put_slice(&message);
    Ok(frame.freeze())
}

/// A facade over an account of this upstream.
fn service(upstream: impl Upstream + 'static) -> Result<GrpcService> {
    // Any account will do: only its upstream is asked.
    let text = "[[accounts]]\nid = \"demo-merchant\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_env = \"S\"\n";
    let environment = Environment::from_iter([("S".to_owned(), "secret".to_owned())]);
    let settings = config::parse("bench", text, ".".as_ref(), &environment, 0)
        .map_err(|faults| format!("{faults:?}"))?;
    let account = settings.accounts.into_iter().next().ok_or("no account")?;
    let mut account = account.client.into_account();
    account.family = Family::Merchant;
    account.upstream = Arc::new(upstream);
    let mut accounts = Accounts::new();
    accounts.insert(account)?;
    let (service, _health) = Server::builder(Arc::new(accounts)).into_service();
    Ok(service)
}

/// Has one answer for everything.
struct Ready(UserCard);

#[async_trait]
impl Upstream for Ready {
    async fn execute(
        &self,
        _: &CallContext,
        _: Box<dyn AnyEndpoint>,
    ) -> std::result::Result<Box<dyn AnyAnswer>, kabao_api::Error> {
        Ok(Box::new(self.0.clone()))
    }
}

/// Has room for nothing.
struct Crowded;

impl Crowded {
    fn error() -> kabao_api::Error {
        let message = "too many calls of this account are in flight";
        kabao_api::Error::new(kabao_api::Reason::Overloaded, message)
            .with_retry_after(Duration::from_millis(150))
            .with_operation("merchant.user_cards.get")
    }
}

#[async_trait]
impl Upstream for Crowded {
    async fn execute(
        &self,
        _: &CallContext,
        _: Box<dyn AnyEndpoint>,
    ) -> std::result::Result<Box<dyn AnyAnswer>, kabao_api::Error> {
        Err(Self::error())
    }

    fn refusal(&self, _: &CallContext, _: &dyn AnyEndpoint) -> Option<kabao_api::Error> {
        Some(Self::error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_do_what_they_are_measured_for() {
        let units = Units::new().unwrap();
        assert_eq!(units.read().unwrap(), 2);
        assert_eq!(
            units.write().unwrap(),
            member::update(&member::request_number(0, 0)).len()
        );
        assert!(units.convert().unwrap() > 200);
        assert!(units.refuse().unwrap() > 200);
    }
}
