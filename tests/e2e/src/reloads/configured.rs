//! A gateway with a configuration in files, in front of the sandbox of `kabao dev`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kabao_gateway::config::{Environment, Source};
use kabao_gateway::{Dev, DevOptions, Gateway};
use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::{Account, GetAccountRequest, Member};
use kabao_sandbox::Running;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::demo::Demo;
use crate::world::{PATIENCE, get_member};

/// Everything that a test needs; nothing of it is shared with another test.
pub(super) struct Configured {
    pub(super) folder: PathBuf,
    pub(super) sandbox: Running,
    pub(super) gateway: Gateway,
    pub(super) channel: Channel,
}

impl Configured {
    /// Starts with the demo merchant in a file of its own and `more` in the configuration itself.
    pub(super) async fn start(name: &str, more: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("kabao-reloads-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("accounts")).unwrap();
        let (_, sandbox) = Dev::start(DevOptions::default())
            .await
            .unwrap()
            .into_parts();
        fs::write(folder.join("ca.pem"), sandbox.ca_pem()).unwrap();
        write_account(&folder.join("accounts"), &sandbox, "demo-merchant");
        let file = folder.join("kabao.toml");
        fs::write(&file, configuration(more)).unwrap();
        let source = Source::new(&file, Environment::default());
        let loaded = source.load(sandbox_now()).unwrap();
        let gateway = Gateway::start_from(source, loaded).await.unwrap();
        gateway.ready();
        let endpoint = Endpoint::from_shared(format!("http://{}", gateway.grpc())).unwrap();
        Self {
            channel: endpoint.connect().await.unwrap(),
            folder,
            sandbox,
            gateway,
        }
    }

    /// Another configuration beside the accounts' files.
    pub(super) fn configure(&self, more: &str) {
        replace(&self.folder.join("kabao.toml"), &configuration(more));
    }

    /// Writes the file of an account of the sandbox, with the keys that it has now.
    pub(super) fn write_account(&self, name: &str) {
        write_account(&self.folder.join("accounts"), &self.sandbox, name);
    }

    /// What `POST /reload` answers: status and report.
    pub(super) async fn reload(&self) -> (u16, Value) {
        let (status, body) = ask(
            self.gateway.admin(),
            "POST /reload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n",
        )
        .await;
        (
            status,
            serde_json::from_str(&body).unwrap_or_else(|_| json!(body)),
        )
    }

    /// A number of `/metrics`.
    pub(super) async fn metric(&self, series: &str) -> Option<u64> {
        let (_, page) = ask(
            self.gateway.admin(),
            "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n",
        )
        .await;
        let value = page
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map(|value| value.parse().unwrap())
    }

    /// Waits until a number of `/metrics` is this.
    pub(super) async fn until(&self, series: &str, wanted: u64) {
        let reached = async {
            while self.metric(series).await != Some(wanted) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(PATIENCE, reached).await.is_err() {
            panic!("{series} is {:?}, not {wanted}", self.metric(series).await);
        }
    }

    pub(super) async fn account(&self, name: &str) -> Result<Account, Status> {
        let request = GetAccountRequest {
            name: format!("accounts/{name}"),
        };
        let mut accounts = AccountServiceClient::new(self.channel.clone());
        accounts
            .get_account(request)
            .await
            .map(tonic::Response::into_inner)
    }

    pub(super) async fn member(&self, demo: &Demo) -> Result<Member, Status> {
        let mut members = MemberServiceClient::new(self.channel.clone());
        let found = members.get_member(get_member(demo)).await;
        found.map(tonic::Response::into_inner)
    }

    /// Calls for a member again and again until it is asked to stop.
    pub(super) fn callers(&self, demo: &'static Demo, number: usize) -> Callers {
        let stop = Arc::new(AtomicBool::new(false));
        let calls: Vec<_> = (0..number).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let tasks = calls.iter().map(|calls| {
            let (stop, calls) = (Arc::clone(&stop), Arc::clone(calls));
            let mut members = MemberServiceClient::new(self.channel.clone());
            tokio::spawn(async move {
                let mut failed = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    if let Err(status) = members.get_member(get_member(demo)).await {
                        failed.push(status);
                    }
                    calls.fetch_add(1, Ordering::Relaxed);
                }
                failed
            })
        });
        Callers {
            tasks: tasks.collect(),
            stop,
            calls,
        }
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Callers that never rest.
pub(super) struct Callers {
    tasks: Vec<JoinHandle<Vec<Status>>>,
    stop: Arc<AtomicBool>,
    calls: Vec<Arc<AtomicU64>>,
}

impl Callers {
    /// Waits until each of them has made two more calls to their ends, so that none is of an earlier generation.
    pub(super) async fn have_gone_on(&self) {
        let now = |calls: &Arc<AtomicU64>| calls.load(Ordering::Relaxed);
        let wanted: Vec<_> = self.calls.iter().map(|calls| now(calls) + 2).collect();
        let reached = async {
            while self
                .calls
                .iter()
                .zip(&wanted)
                .any(|(calls, wanted)| now(calls) < *wanted)
            {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, reached).await.expect("the callers go on");
    }

    /// Stops them; none of their calls may have failed.
    pub(super) async fn all_succeeded(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            let failed = task.await.unwrap();
            assert!(failed.is_empty(), "{failed:?}");
        }
    }
}

/// Puts another file in the place of one, as a whole.
pub(super) fn replace(file: &Path, content: &str) {
    let next = file.with_extension("next");
    fs::write(&next, content).unwrap();
    fs::rename(next, file).unwrap();
}

/// Writes the entry of an account and its keys; no key has a name that an earlier one had.
pub(super) fn write_account(folder: &Path, sandbox: &Running, name: &str) {
    let account = sandbox.account(name).unwrap();
    let serial = account.serial_no.unwrap();
    let keys = format!("{name}-{serial}");
    for (what, pem) in [
        ("key", account.private_key_pem.unwrap()),
        ("cert", account.certificate_pem.unwrap()),
        ("pub", account.public_key_pem.unwrap()),
    ] {
        let file = folder.join(format!("{keys}-{what}.pem"));
        fs::write(&file, pem).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    }
    let brand = account.brand_id.map(|id| format!("brand_id = \"{id}\"\n"));
    let entry = format!(
        "family = \"{}\"\nmchid = \"{}\"\n{}private_key_file = \"{keys}-key.pem\"\ncertificate_file = \"{keys}-cert.pem\"\n\
         public_key_id = \"{}\"\npublic_key_file = \"{keys}-pub.pem\"\nbase_url = \"{}\"\nextra_ca_file = \"../ca.pem\"\n",
        account.family,
        account.mchid.unwrap(),
        brand.unwrap_or_default(),
        account.public_key_id.unwrap(),
        account.base_url,
    );
    replace(&folder.join(format!("{name}.toml")), &entry);
}

/// Assets that an account is one that nobody has configured.
pub(super) fn is_unknown<T: std::fmt::Debug>(answer: Result<T, Status>) {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
    assert!(status.message().contains("is not configured"), "{status:?}");
}

fn configuration(more: &str) -> String {
    format!(
        "accounts_dir = \"accounts\"\n{more}\n[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n"
    )
}

/// Certificates of the sandbox are valid now.
fn sandbox_now() -> i64 {
    use kabao_sandbox::Clock as _;
    kabao_sandbox::SystemClock.now().as_second()
}

async fn ask(admin: std::net::SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(admin).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut said))
        .await
        .unwrap()
        .unwrap();
    let status = said.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = said.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}
