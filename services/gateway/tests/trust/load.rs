//! Everything about TLS is exchanged while callers call, and none of their calls fails.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use kabao_client::Client;
use kabao_gateway::Gateway;
use kabao_gateway::config::AccountSettings;
use kabao_proto::kabao::v1::GetMemberRequest;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_sandbox::Sandbox;
use rustls::ClientConfig;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};

use crate::authority::Authority;
use crate::world::{Folder, PATIENCE, connect, evicted, trusting_all, until_among};

const ACCOUNT: &str = "demo-official-account";
const MEMBER: &str =
    "accounts/demo-official-account/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278";
/// Calls of each worker between two steps.
const CALLS: usize = 5;
const WORKERS: usize = 4;

/// What callers show and trust at present, as their own files would say.
#[derive(Clone)]
struct Present(Arc<Mutex<Arc<ClientConfig>>>);

impl Present {
    fn get(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0.lock().unwrap())
    }

    fn set(&self, config: Arc<ClientConfig>) {
        *self.0.lock().unwrap() = config;
    }

    /// A channel that opens each of its connections with what is present then.
    fn channel(&self, address: std::net::SocketAddr) -> Channel {
        let present = self.clone();
        let connect = tower::service_fn(move |_: http::Uri| {
            let config = present.get();
            async move {
                let stream = tokio::net::TcpStream::connect(address).await?;
                let name = "localhost".try_into().map_err(io::Error::other)?;
                let connector = tokio_rustls::TlsConnector::from(config);
                io::Result::Ok(TokioIo::new(connector.connect(name, stream).await?))
            }
        });
        Endpoint::from_static("http://localhost").connect_with_connector_lazy(connect)
    }
}

/// Callers that do not stop, and what became of their calls.
struct Load {
    workers: JoinSet<Vec<String>>,
    counts: Arc<Vec<AtomicUsize>>,
    ends: Arc<AtomicBool>,
}

impl Load {
    /// Half of the workers keep their connection, the others open one for each call.
    fn start(address: std::net::SocketAddr, present: &Present) -> Self {
        let counts: Arc<Vec<_>> = Arc::new((0..WORKERS).map(|_| AtomicUsize::new(0)).collect());
        let ends = Arc::new(AtomicBool::new(false));
        let mut workers = JoinSet::new();
        for number in 0..WORKERS {
            let (counts, ends) = (Arc::clone(&counts), Arc::clone(&ends));
            let present = present.clone();
            workers.spawn(async move {
                let mut failures = Vec::new();
                let kept = present.channel(address);
                while !ends.load(Ordering::Relaxed) {
                    let channel = match number % 2 {
                        0 => kept.clone(),
                        _ => present.channel(address),
                    };
                    let request = GetMemberRequest {
                        name: MEMBER.to_owned(),
                        ..GetMemberRequest::default()
                    };
                    let called = MemberServiceClient::new(channel).get_member(request).await;
                    failures.extend(called.err().map(|status| format!("{number}: {status:?}")));
                    counts[number].fetch_add(1, Ordering::Relaxed);
                }
                failures
            });
        }
        Self {
            workers,
            counts,
            ends,
        }
    }

    /// Waits until every worker has made some more calls.
    async fn goes_on(&self) {
        let count = |number: usize| self.counts[number].load(Ordering::Relaxed);
        let before: Vec<_> = (0..WORKERS).map(count).collect();
        let more = async {
            while (0..WORKERS).any(|number| count(number) < before[number] + CALLS) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, more).await.expect("calls go on");
    }

    async fn end(mut self) -> Vec<String> {
        self.ends.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        while let Some(ended) = self.workers.join_next().await {
            failures.extend(ended.unwrap());
        }
        failures
    }
}

/// Waits until handshakes with this come to what is wanted; TLS 1.3 tells a client late that it is refused.
async fn until_taken(gateway: &Gateway, config: &Arc<ClientConfig>, wanted: bool) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let taken = async || {
        let Ok(mut stream) = connect(gateway, config).await else {
            return false;
        };
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        let said = stream.write_all(preface).await;
        said.is_ok() && stream.read_exact(&mut [0; 9]).await.is_ok()
    };
    let reached = async {
        while taken().await != wanted {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, reached).await.expect("it comes into use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificate_and_authorities_are_exchanged_under_load_and_no_call_fails() {
    let folder = Folder::new("load");
    let (old_servers, new_servers) = (Authority::new("servers"), Authority::new("servers-2"));
    let (old_clients, new_clients) = (Authority::new("clients"), Authority::new("clients-2"));
    folder.put_server(&old_servers.server());
    folder.put("clients.pem", &old_clients.pem());
    folder.put("clients.crl", &old_clients.list(&[]));
    let sandbox = Sandbox::builder().demo(true).start().await.unwrap();
    let account = sandbox.account(ACCOUNT).unwrap();
    let client = Client::official_account(ACCOUNT)
        .base_url(account.base_url)
        .root_certificates(sandbox.ca_pem())
        .appid(account.appid.unwrap())
        .app_secret(account.app_secret.unwrap())
        .build()
        .unwrap();
    let tls = "client_ca_file = \"clients.pem\"\ncrl_files = [\"clients.crl\"]\n";
    let mut settings = folder.settings("", tls, "").unwrap();
    settings.accounts = vec![AccountSettings::new(client)];
    let gateway = Gateway::start(&settings).await.unwrap();
    gateway.ready();

    // Callers trust the next authority of the gateway before it is in use.
    let servers = [&old_servers, &new_servers];
    let old_caller = trusting_all(&servers, Some(&old_clients.client("till", 1)));
    let new_caller = trusting_all(&servers, Some(&new_clients.client("till", 1)));
    let revoked = trusting_all(&servers, Some(&new_clients.client("lost", 7)));
    let present = Present(Arc::new(Mutex::new(Arc::clone(&old_caller))));
    let load = Load::start(gateway.grpc(), &present);
    load.goes_on().await;

    folder.put_server(&new_servers.server());
    let of_new = trusting_all(&[&new_servers], Some(&old_clients.client("till", 2)));
    until_taken(&gateway, &of_new, true).await;
    load.goes_on().await;

    // The gateway takes both authorities before callers show certificates of the new one, and the old one goes last.
    let both = |old: String, new: String| format!("{old}{new}");
    folder.put(
        "clients.crl",
        &both(old_clients.list(&[]), new_clients.list(&[7])),
    );
    folder.put("clients.pem", &both(old_clients.pem(), new_clients.pem()));
    until_taken(&gateway, &new_caller, true).await;
    until_taken(&gateway, &revoked, false).await;
    present.set(Arc::clone(&new_caller));
    load.goes_on().await;

    folder.put("clients.pem", &new_clients.pem());
    until_taken(&gateway, &old_caller, false).await;
    // Those that kept their connection were asked to open another one.
    until_among(&gateway, &evicted("foreign"), 2..=i64::MAX).await;
    load.goes_on().await;
    assert_eq!(load.end().await, Vec::<String>::new());
}
