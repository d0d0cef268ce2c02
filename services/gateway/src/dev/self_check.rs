//! Asks before announcing: the health service over the wire, and WeChat's side with every account's keys.

use std::net::SocketAddr;
use std::time::Duration;

use kabao_api::{Accounts, CallContext, GetTemplate, TemplateId, TemplateName, View};
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::DevError;
use super::demo::{ACCOUNTS, Demo};

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn run(grpc: SocketAddr, accounts: &Accounts) -> Result<(), DevError> {
    timeout(PATIENCE, async {
        health(grpc).await?;
        for demo in &ACCOUNTS {
            signed_call(accounts, demo).await?;
        }
        Ok(())
    })
    .await
    .map_err(|_| failed("no answer", "timeout"))?
}

async fn health(grpc: SocketAddr) -> Result<(), DevError> {
    let channel = Endpoint::from_shared(format!("http://{grpc}"))
        .map_err(|error| failed("the gRPC address", error))?
        .connect()
        .await
        .map_err(|error| failed("connecting to the gateway", error))?;
    let answer = HealthClient::new(channel)
        .check(HealthCheckRequest::default())
        .await
        .map_err(|status| failed("the gateway's health", status.code()))?;
    match answer.into_inner().status() {
        ServingStatus::Serving => Ok(()),
        other => Err(failed("the gateway's health", other.as_str_name())),
    }
}

/// A read that proves TLS, keys, signatures on both ways, and for the official account the access token.
async fn signed_call(accounts: &Accounts, demo: &Demo) -> Result<(), DevError> {
    let answer = async {
        let id = demo.account.parse()?;
        let account = accounts.get(&id)?;
        let name = TemplateName::new(id.clone(), TemplateId::new(demo.card_id)?);
        let request = GetTemplate {
            name,
            view: View::Basic,
        };
        let context = CallContext::new(id, "self-check");
        account.templates.get_template(&context, request).await
    };
    answer
        .await
        .map(drop)
        .map_err(|error: kabao_api::Error| failed(demo.account, error))
}

fn failed(what: &str, why: impl std::fmt::Display) -> DevError {
    DevError::SelfCheck(format!("{what}: {why}"))
}
