//! The certificate of a merchant is renewed while callers call: the new key is configured beside the old one, WeChat
//! takes both for a while, then the old one is revoked and goes. No call of anybody fails.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kabao_gateway::config::{Environment, Source};
use kabao_gateway::{Dev, DevOptions, Gateway};
use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::{GetAccountRequest, Member};
use kabao_sandbox::{Clock as _, Credentials, SystemClock};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::demo::MERCHANT;
use crate::world::{PATIENCE, World, get_member, update_member};

/// A configuration whose keys change.
struct Configuration {
    folder: PathBuf,
    credentials: Credentials,
    base_url: String,
}

impl Drop for Configuration {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Configuration {
    fn write(&self, name: &str, content: &str) {
        let path = self.folder.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    /// Keeps key and certificate under a name.
    fn keep(&self, name: &str, credentials: &Credentials) {
        let key = credentials.private_key_pem.as_deref().unwrap();
        self.write(&format!("{name}_key.pem"), key);
        let certificate = credentials.certificate_pem.as_deref().unwrap();
        self.write(&format!("{name}_cert.pem"), certificate);
    }

    /// Configures these keys, in this order.
    fn with(&self, names: &[&str]) -> PathBuf {
        let known = &self.credentials;
        let mut text = format!(
            "[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[reload]\npoll = \"0s\"\n\
             [[accounts]]\nid = \"{}\"\nfamily = \"merchant\"\nmchid = \"{}\"\nbase_url = \"{}\"\n\
             extra_ca_file = \"ca.pem\"\npublic_key_file = \"pub.pem\"\npublic_key_id = \"{}\"\n",
            MERCHANT.account,
            known.mchid.as_deref().unwrap(),
            self.base_url,
            known.public_key_id.as_deref().unwrap(),
        );
        for name in names {
            text.push_str(&format!(
                "[[accounts.keys]]\nprivate_key_file = \"{name}_key.pem\"\ncertificate_file = \"{name}_cert.pem\"\n"
            ));
        }
        self.write("kabao.toml", &text);
        self.folder.join("kabao.toml")
    }
}

/// Callers who never stop.
struct Load {
    done: Arc<[AtomicUsize]>,
    ends: Arc<AtomicBool>,
    tasks: JoinSet<usize>,
}

const CALLERS: usize = 8;

impl Load {
    fn start(channel: &Channel) -> Self {
        let done: Arc<[AtomicUsize]> = (0..CALLERS).map(|_| AtomicUsize::new(0)).collect();
        let ends = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for caller in 0..CALLERS {
            let (done, ends) = (Arc::clone(&done), Arc::clone(&ends));
            let mut members = MemberServiceClient::new(channel.clone());
            tasks.spawn(async move {
                while !ends.load(Ordering::SeqCst) {
                    let calls = done[caller].load(Ordering::SeqCst);
                    // One of them writes.
                    if caller == 0 {
                        let level = Member {
                            level: (calls % 1000).to_string(),
                            ..Member::default()
                        };
                        let change = update_member(&MERCHANT, level, &["level"]);
                        members.update_member(change).await.unwrap();
                    } else {
                        members.get_member(get_member(&MERCHANT)).await.unwrap();
                    }
                    done[caller].fetch_add(1, Ordering::SeqCst);
                }
                done[caller].load(Ordering::SeqCst)
            });
        }
        Self { done, ends, tasks }
    }

    /// Waits until every caller has begun and ended a call since now.
    async fn goes_on(&self) {
        let calls = |done: &[AtomicUsize]| -> Vec<usize> {
            done.iter()
                .map(|calls| calls.load(Ordering::SeqCst))
                .collect()
        };
        let before = calls(&self.done);
        let all = async {
            while !calls(&self.done)
                .iter()
                .zip(&before)
                .all(|(now, before)| *now >= before + 2)
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, all)
            .await
            .expect("every caller goes on");
    }

    /// How many calls there were; a single one that has failed fails here.
    async fn end(mut self) -> usize {
        self.ends.store(true, Ordering::SeqCst);
        let mut calls = 0;
        while let Some(done) = self.tasks.join_next().await {
            calls += done.expect("no call fails");
        }
        calls
    }
}

async fn reload(gateway: &Gateway) {
    let mut stream = TcpStream::connect(gateway.admin()).await.unwrap();
    let request = "POST /reload HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// The serial number that the account signs with.
async fn serial(channel: &Channel) -> String {
    let request = GetAccountRequest {
        name: format!("accounts/{}", MERCHANT.account),
    };
    let account = AccountServiceClient::new(channel.clone())
        .get_account(request)
        .await
        .unwrap()
        .into_inner();
    account.credentials[0].serial_number.clone()
}

async fn order(world: &World, path: &str, body: &Value) {
    world.order("POST", path, body).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_under_load_and_no_call_fails() {
    let dev = Dev::start(DevOptions::default()).await.unwrap();
    let (_, sandbox) = dev.into_parts();
    let folder = std::env::temp_dir().join(format!("kabao-e2e-{}-renewal", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let old = sandbox.account(MERCHANT.account).unwrap();
    let configuration = Configuration {
        folder,
        base_url: sandbox.base_url(),
        credentials: old.clone(),
    };
    configuration.write("ca.pem", sandbox.ca_pem());
    configuration.write("pub.pem", old.public_key_pem.as_deref().unwrap());
    configuration.keep("old", &old);

    let file = configuration.with(&["old"]);
    let gateway = start(&file).await;
    let world = World::of(gateway, sandbox).await;
    let channel = world.channel();
    let old_serial = old.serial_no.clone().unwrap();
    assert_eq!(serial(&channel).await, old_serial);
    let load = Load::start(&channel);
    load.goes_on().await;

    // The merchant applies for a new certificate; from now on WeChat takes both.
    let rotate = json!({ "account": MERCHANT.account, "key": "client_certificate" });
    order(&world, "/keys/rotate", &rotate).await;
    let new = world.sandbox().account(MERCHANT.account).unwrap();
    let new_serial = new.serial_no.clone().unwrap();
    assert_ne!(new_serial, old_serial);
    configuration.keep("new", &new);
    load.goes_on().await;

    // The new one signs, the old one still decrypts.
    configuration.with(&["new", "old"]);
    reload(world.gateway()).await;
    assert_eq!(serial(&channel).await, new_serial);
    load.goes_on().await;

    // Nothing is on its way any more that the old one has signed.
    let revoke = json!({ "account": MERCHANT.account, "serial_no": old_serial });
    order(&world, "/keys/revoke", &revoke).await;
    load.goes_on().await;
    configuration.with(&["new"]);
    reload(world.gateway()).await;
    load.goes_on().await;

    let calls = load.end().await;
    assert!(calls >= 10 * CALLERS, "{calls} calls");
    assert_eq!(serial(&channel).await, new_serial);
}

async fn start(file: &Path) -> Gateway {
    let source = Source::new(file, Environment::default());
    let loaded = source.load(SystemClock.now().as_second()).unwrap();
    let gateway = Gateway::start_from(source, loaded).await.unwrap();
    gateway.ready();
    gateway
}
