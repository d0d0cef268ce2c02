//! A gateway, a sandbox, and a channel from a caller to them.

use std::path::Path;
use std::time::Duration;

use kabao_client::Client;
use kabao_gateway::config::{AccountSettings, AuditSettings, MemorySettings, Settings};
use kabao_gateway::{Dev, DevOptions, Gateway, StartError};
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::template_service_client::TemplateServiceClient;
use kabao_proto::kabao::v1::{
    DeleteTemplateRequest, GetMemberRequest, GetTemplateRequest, Member, Template,
    UpdateMemberRequest, UpdateTemplateRequest, View,
};
use kabao_sandbox::{ExchangeFilter, Fault, FaultRule, LedgerEntry, Running};
use prost_types::FieldMask;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};

use crate::canaries;
use crate::demo::{Demo, OFFICIAL_ACCOUNT};

/// Only a failure waits for so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that a test needs; nothing of it is shared with another test.
pub(crate) struct World {
    gateway: Gateway,
    sandbox: Option<Running>,
    channel: Channel,
}

impl World {
    /// What `kabao dev` starts, in memory.
    pub(crate) async fn start() -> Self {
        let options = DevOptions {
            directory: canaries::folder(),
            ..DevOptions::default()
        };
        let dev = Dev::start(options).await.unwrap();
        let (gateway, sandbox) = dev.into_parts();
        Self::of(gateway, sandbox).await
    }

    /// A gateway with one account of the test's making, in front of the sandbox of `kabao dev`.
    pub(crate) async fn with_account(client: impl FnOnce(&Running) -> Client) -> Self {
        Self::with_accounts(|sandbox| vec![client(sandbox)]).await
    }

    /// The same with several accounts.
    pub(crate) async fn with_accounts(clients: impl FnOnce(&Running) -> Vec<Client>) -> Self {
        Self::with_settings(|sandbox| {
            let accounts = clients(sandbox).into_iter().map(AccountSettings::new);
            Settings {
                accounts: accounts.collect(),
                ..Settings::default()
            }
        })
        .await
    }

    /// A gateway of the test's making, in front of the sandbox of `kabao dev`.
    pub(crate) async fn with_settings(settings: impl FnOnce(&Running) -> Settings) -> Self {
        let dev = Dev::start(DevOptions::default()).await.unwrap();
        let (_, sandbox) = dev.into_parts();
        let mut settings = settings(&sandbox);
        if let Some(folder) = canaries::folder() {
            settings.store = Some(MemorySettings::embedded(folder.join("store")));
            let (log, key) = (folder.join("audit.jsonl"), folder.join("audit.key"));
            settings.audit = Some(AuditSettings::to_file(log, key));
        }
        settings.grpc.listen.set_port(0);
        settings.admin.listen.set_port(0);
        let gateway = Gateway::start(&settings).await.unwrap();
        gateway.ready();
        Self::of(gateway, sandbox).await
    }

    /// A gateway over an embedded store in a folder, in front of a sandbox. An earlier one over that folder may be on its
    /// way out.
    pub(crate) async fn over(folder: &Path, clients: Vec<Client>, sandbox: Running) -> Self {
        let mut settings = Settings {
            store: Some(MemorySettings::embedded(folder)),
            ..Settings::default()
        };
        settings.grpc.listen.set_port(0);
        settings.admin.listen.set_port(0);
        settings.accounts = clients.into_iter().map(AccountSettings::new).collect();
        let gateway = timeout(PATIENCE, async {
            loop {
                match Gateway::start(&settings).await {
                    Ok(gateway) => break gateway,
                    Err(StartError::Store(error)) => {
                        println!("{error}");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let gateway = gateway.await.unwrap();
        gateway.ready();
        Self::of(gateway, sandbox).await
    }

    /// A gateway with the demo official account alone, which lets callers see its tokens.
    pub(crate) async fn with_exposed_tokens() -> Self {
        Self::with_account(|sandbox| {
            Self::official_account(OFFICIAL_ACCOUNT.account, sandbox, true)
        })
        .await
    }

    /// A client of the demo official account under a name, which lets callers see its tokens or does not.
    pub(crate) fn official_account(name: &str, sandbox: &Running, expose_tokens: bool) -> Client {
        let account = sandbox.account(OFFICIAL_ACCOUNT.account).unwrap();
        let builder = Client::official_account(name)
            .base_url(account.base_url)
            .root_certificates(sandbox.ca_pem())
            .appid(account.appid.unwrap())
            .app_secret(account.app_secret.unwrap())
            .expose_tokens(expose_tokens);
        builder.build().unwrap()
    }

    pub(crate) async fn of(gateway: Gateway, sandbox: Running) -> Self {
        canaries::note_secrets(&sandbox);
        let endpoint = Endpoint::from_shared(format!("http://{}", gateway.grpc())).unwrap();
        Self {
            channel: endpoint.connect().await.unwrap(),
            gateway,
            sandbox: Some(sandbox),
        }
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Takes the world apart; channels stay with whoever cloned them.
    pub(crate) fn into_parts(self) -> (Gateway, Option<Running>) {
        (self.gateway, self.sandbox)
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) fn sandbox(&self) -> &Running {
        self.sandbox
            .as_ref()
            .expect("the sandbox is on the network")
    }

    /// Takes WeChat off the network.
    pub(crate) async fn stop_sandbox(&mut self) {
        let sandbox = self.sandbox.take().expect("the sandbox is on the network");
        sandbox.shutdown().await;
    }

    /// Lets the next `times` requests of an operation meet a fault.
    pub(crate) fn inject(&self, operation: &str, times: u32, fault: Fault) {
        let rule = FaultRule::next(fault).on(operation).times(times);
        self.sandbox().inject(rule).unwrap();
    }

    /// What really happened upstream through one operation.
    pub(crate) fn effects_of(&self, operation: &str) -> Vec<LedgerEntry> {
        let mut entries = self.sandbox().ledger();
        entries.retain(|entry| entry.operation == operation);
        entries
    }

    /// How often WeChat was asked for an operation, successfully or not.
    pub(crate) fn requests_of(&self, operation: &str) -> usize {
        let filter = ExchangeFilter {
            operation: Some(operation.to_owned()),
            ..ExchangeFilter::default()
        };
        self.sandbox().requests(&filter).len()
    }

    /// Gives an order to the control API of the sandbox and returns its answer.
    pub(crate) async fn order(&self, method: &str, path: &str, body: &Value) -> Value {
        Self::order_of(self.sandbox(), method, path, body).await
    }

    /// The same to any sandbox.
    pub(crate) async fn order_of(
        sandbox: &Running,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Value {
        // Reading and deleting take no body.
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(sandbox.control_addr()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    /// Forgets the faults that are still waiting.
    pub(crate) async fn clear_faults(&self) {
        self.order("DELETE", "/faults", &Value::Null).await;
    }

    /// Returns once no fault is waiting any more, so that the request it was meant for is being served.
    pub(crate) async fn all_faults_taken(&self) {
        let sandbox = self.sandbox();
        let taken = sandbox.wait_until(|sandbox| sandbox.faults().is_empty());
        timeout(PATIENCE, taken)
            .await
            .expect("the faults are taken");
    }

    pub(crate) fn members(&self) -> MemberServiceClient<Channel> {
        MemberServiceClient::new(self.channel())
    }

    pub(crate) fn templates(&self) -> TemplateServiceClient<Channel> {
        TemplateServiceClient::new(self.channel())
    }

    pub(crate) async fn get_member(&self, demo: &Demo) -> Result<Response<Member>, Status> {
        self.members().get_member(get_member(demo)).await
    }

    pub(crate) async fn update_member(
        &self,
        demo: &Demo,
        member: Member,
        paths: &[&str],
    ) -> Result<Response<Member>, Status> {
        self.members()
            .update_member(update_member(demo, member, paths))
            .await
    }

    pub(crate) async fn get_template(&self, demo: &Demo) -> Result<Response<Template>, Status> {
        let request = GetTemplateRequest {
            name: demo.template(),
            view: View::Full.into(),
        };
        self.templates().get_template(request).await
    }

    pub(crate) async fn update_template(
        &self,
        demo: &Demo,
        template: Template,
        paths: &[&str],
    ) -> Result<Response<Template>, Status> {
        let request = UpdateTemplateRequest {
            template: Some(Template {
                name: demo.template(),
                ..template
            }),
            update_mask: mask(paths),
            ..UpdateTemplateRequest::default()
        };
        // Boxed: a template with its upstream message is large.
        Box::pin(self.templates().update_template(request)).await
    }

    pub(crate) async fn delete_template(&self, demo: &Demo) -> Result<Response<()>, Status> {
        let request = DeleteTemplateRequest {
            name: demo.template(),
            ..DeleteTemplateRequest::default()
        };
        self.templates().delete_template(request).await
    }
}

pub(crate) fn get_member(demo: &Demo) -> GetMemberRequest {
    GetMemberRequest {
        name: demo.member(),
        openid: demo.openid.to_owned(),
        view: View::Full.into(),
    }
}

pub(crate) fn update_member(demo: &Demo, member: Member, paths: &[&str]) -> UpdateMemberRequest {
    UpdateMemberRequest {
        member: Some(Member {
            name: demo.member(),
            ..member
        }),
        update_mask: mask(paths),
        openid: demo.openid.to_owned(),
        ..UpdateMemberRequest::default()
    }
}

/// A mask of these paths; no mask at all for none.
fn mask(paths: &[&str]) -> Option<FieldMask> {
    (!paths.is_empty()).then(|| FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}
