//! A server on a port of its own, a scripted account behind it, and a client that may break rules.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use kabao_api::{
    Account, Accounts, ActivateMember, AdjustMember, Adjustment, CallContext, CallerId, ChangeApi,
    ChangeName, ChangeRecord, ChangeState, Decision, Error, Family, GetMember, ImportMember,
    InvalidateMember, ListChanges, ListMembers, Member, MemberApi, MemberName, MemberState,
    MockAccountApi, MockMediaApi, MockTemplateApi, MockUpstream, Page, Reason, RequestId,
    UpdateMember,
};
use kabao_grpc::{Health, Server, Tokens};
use kabao_proto::kabao::v1::GetMemberRequest;
use prost::Message;
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_types::StatusExt;

pub(crate) const NAME: &str =
    "accounts/demo/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665";
pub(crate) const GET_MEMBER: &str = "/kabao.v1.MemberService/GetMember";

/// The token of each caller is its name with a `!`. Counts how often it was asked.
#[derive(Default)]
pub(crate) struct Names(pub(crate) AtomicUsize);

impl Tokens for Names {
    fn holder(&self, token: &str) -> Option<CallerId> {
        self.0.fetch_add(1, Ordering::SeqCst);
        token.strip_suffix('!')?.parse().ok()
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Member, Error>> + Send>>;

/// Members that do what the test wants.
struct Scripted<F>(F);

#[tonic::async_trait]
impl<F> MemberApi for Scripted<F>
where
    F: Fn(CallContext) -> Answering + Send + Sync,
{
    async fn get_member(&self, context: &CallContext, _: GetMember) -> Result<Member, Error> {
        (self.0)(context.clone()).await
    }

    async fn update_member(&self, context: &CallContext, _: UpdateMember) -> Result<Member, Error> {
        (self.0)(context.clone()).await
    }

    async fn list_members(&self, _: &CallContext, _: ListMembers) -> Result<Page<Member>, Error> {
        Err(not_scripted())
    }

    async fn adjust_balance(&self, _: &CallContext, _: AdjustMember) -> Result<Adjustment, Error> {
        Err(not_scripted())
    }

    async fn adjust_points(&self, _: &CallContext, _: AdjustMember) -> Result<Adjustment, Error> {
        Err(not_scripted())
    }

    async fn activate_member(&self, _: &CallContext, _: ActivateMember) -> Result<Member, Error> {
        Err(not_scripted())
    }

    async fn invalidate_member(
        &self,
        _: &CallContext,
        _: InvalidateMember,
    ) -> Result<Member, Error> {
        Err(not_scripted())
    }

    async fn import_member(&self, _: &CallContext, _: ImportMember) -> Result<Member, Error> {
        Err(not_scripted())
    }
}

fn not_scripted() -> Error {
    Error::new(Reason::Internal, "the test scripts no such method")
}

pub(crate) fn member() -> Member {
    Member::new(NAME.parse().unwrap(), MemberState::Active)
}

/// One account, `accounts/demo`, whose members are scripted.
pub(crate) fn builder<F>(script: F) -> Server
where
    F: Fn(CallContext) -> Answering + Send + Sync + 'static,
{
    serving(account(Scripted(script)))
}

/// The account `accounts/demo`.
pub(crate) fn account(members: impl MemberApi + 'static) -> Account {
    Account {
        id: "demo".parse().unwrap(),
        family: Family::Merchant,
        templates: Arc::new(MockTemplateApi::new()),
        members: Arc::new(members),
        media: Arc::new(MockMediaApi::new()),
        state: Arc::new(MockAccountApi::new()),
        upstream: Arc::new(MockUpstream::new()),
        card_signer: None,
        held_credentials: None,
        changes: None,
    }
}

/// A server of one account.
pub(crate) fn serving(account: Account) -> Server {
    let mut accounts = Accounts::new();
    accounts.insert(account).unwrap();
    Server::builder(Arc::new(accounts))
}

/// A journal with a change that never ends.
pub(crate) struct Journal;

#[tonic::async_trait]
impl ChangeApi for Journal {
    async fn get_change(&self, _: &ChangeName) -> Result<ChangeRecord, Error> {
        Err(not_scripted())
    }

    async fn list_changes(&self, _: ListChanges) -> Result<Page<ChangeRecord>, Error> {
        Err(not_scripted())
    }

    async fn resolve_change(&self, _: &ChangeName, _: Decision) -> Result<ChangeRecord, Error> {
        Err(not_scripted())
    }

    async fn watch_change(
        &self,
        name: &ChangeName,
        known: Option<ChangeState>,
    ) -> Result<ChangeRecord, Error> {
        if known.is_some() {
            std::future::pending::<()>().await;
        }
        let (state, then) = (ChangeState::Sent, std::time::SystemTime::UNIX_EPOCH);
        Ok(ChangeRecord::new(name.clone(), state, "AdjustPoints", then))
    }

    async fn begin_batch(
        &self,
        context: &CallContext,
        _: &RequestId,
        _: &[u8],
    ) -> Result<CallContext, Error> {
        Ok(context.clone())
    }

    async fn is_reused(&self, _: &RequestId, _: &[u8]) -> Result<bool, Error> {
        Ok(false)
    }

    async fn first_known(&self, _: &[RequestId]) -> Result<Option<RequestId>, Error> {
        Ok(None)
    }

    fn new_request_id(&self) -> Option<RequestId> {
        "made-by-the-journal".parse().ok()
    }

    fn is_changing(&self, _: &MemberName) -> bool {
        true
    }
}

/// The same with members that are simply there.
pub(crate) fn quiet() -> Server {
    builder(|_| Box::pin(async { Ok(member()) }))
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) health: Health,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Serves on a free port until the test ends.
pub(crate) async fn start(server: Server) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (service, health) = server.into_service();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let connection = auto::Builder::new(TokioExecutor::new());
                let _ = connection
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    Running {
        address,
        health,
        client,
    }
}

/// One answer, whatever it is.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) http: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) status: Option<Status>,
}

impl Answer {
    pub(crate) fn code(&self) -> Code {
        self.status.as_ref().map_or(Code::Unknown, Status::code)
    }

    pub(crate) fn status(&self) -> &Status {
        self.status.as_ref().unwrap()
    }

    pub(crate) fn reason(&self) -> String {
        self.status()
            .get_details_error_info()
            .map(|info| info.reason)
            .unwrap_or_default()
    }

    pub(crate) fn metadata(&self, key: &str) -> Option<String> {
        self.status()
            .get_details_error_info()?
            .metadata
            .get(key)
            .cloned()
    }

    pub(crate) fn message<M: Message + Default>(&self) -> M {
        M::decode(self.body.slice(5..)).unwrap()
    }
}

/// A message in its frame.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed.freeze()
}

pub(crate) fn get_member() -> Bytes {
    frame(
        &GetMemberRequest {
            name: NAME.to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
    )
}

impl Running {
    /// A request as a gRPC client would make it.
    pub(crate) fn request(&self, path: &str) -> http::request::Builder {
        Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) async fn send(&self, request: http::request::Builder, body: Bytes) -> Answer {
        let response = self
            .client
            .request(request.body(Full::new(body)).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status =
            Status::from_header_map(&parts.headers).or_else(|| Status::from_header_map(&trailers));
        Answer {
            http: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
            status,
        }
    }

    /// Calls `GetMember`.
    pub(crate) async fn get_member(&self, headers: &[(&str, &str)]) -> Answer {
        let request = headers
            .iter()
            .fold(self.request(GET_MEMBER), |request, (name, value)| {
                request.header(*name, *value)
            });
        self.send(request, get_member()).await
    }

    /// A channel as generated clients use it.
    pub(crate) async fn channel(&self) -> tonic::transport::Channel {
        tonic::transport::Endpoint::from_shared(format!("http://{}", self.address))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }
}
