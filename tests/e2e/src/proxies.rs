//! Accounts that reach WeChat through a proxy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kabao_client::{Client, Proxy, Secret, Settings};
use kabao_proto::kabao::v1::Member;
use kabao_sandbox::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;

use crate::demo::{MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::refused_by_wechat::demo_credential;
use crate::world::{PATIENCE, World};

const PASSWORD: &str = "hush-hush";
/// `kabao:hush-hush`
const AUTHORIZATION: &str = "Proxy-Authorization: Basic a2FiYW86aHVzaC1odXNo\r\n";

/// What the proxy does with whoever shows the password.
#[derive(Clone, Copy)]
enum Conduct {
    Tunnel,
    Say(&'static str),
    Hang,
}

/// A proxy, and what it was asked for.
struct Asked {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Asked {
    fn proxy(&self, password: &str) -> Proxy {
        let url = format!("http://kabao@{}", self.address);
        Proxy::new(&url, Some(&Secret::new(password))).unwrap()
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn proxy(conduct: Conduct) -> Asked {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(serve(tcp, conduct, Arc::clone(&seen)));
        }
    });
    Asked { address, heads }
}

async fn serve(mut tcp: TcpStream, conduct: Conduct, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match tcp.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let host = head.split(' ').nth(1).unwrap().to_owned();
    let is_known = head.contains(AUTHORIZATION);
    seen.lock().unwrap().push(head);
    match conduct {
        _ if !is_known => {
            let said = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n";
            let _ = tcp.write_all(said).await;
        }
        Conduct::Tunnel => {
            let mut to = TcpStream::connect(host).await.unwrap();
            let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let _ = copy_bidirectional(&mut tcp, &mut to).await;
        }
        Conduct::Say(text) => {
            let _ = tcp.write_all(text.as_bytes()).await;
        }
        Conduct::Hang => std::future::pending().await,
    }
}

/// The demo merchant and the demo official account behind a proxy.
fn clients(sandbox: &Running, proxy: &Proxy, connect_timeout: Duration) -> Vec<Client> {
    let mut settings = Settings::default();
    settings.connect_timeout = connect_timeout;
    settings.retry.max_attempts = 1;
    let merchant = Client::merchant(MERCHANT.account)
        .base_url(sandbox.account(MERCHANT.account).unwrap().base_url)
        .root_certificates(sandbox.ca_pem())
        .credential(demo_credential(sandbox))
        .proxy(proxy)
        .settings(settings.clone());
    let account = sandbox.account(OFFICIAL_ACCOUNT.account).unwrap();
    let official = Client::official_account(OFFICIAL_ACCOUNT.account)
        .base_url(account.base_url)
        .root_certificates(sandbox.ca_pem())
        .appid(account.appid.unwrap())
        .app_secret(account.app_secret.unwrap())
        .proxy(proxy)
        .settings(settings);
    vec![merchant.build().unwrap(), official.build().unwrap()]
}

#[tokio::test]
async fn calls_go_through_the_proxy_which_sees_the_host_and_no_call() {
    let asked = proxy(Conduct::Tunnel).await;
    let through = asked.proxy(PASSWORD);
    let world = World::with_accounts(|sandbox| clients(sandbox, &through, PATIENCE)).await;
    for demo in [&MERCHANT, &OFFICIAL_ACCOUNT] {
        world.get_member(demo).await.unwrap();
    }
    let heads = asked.heads();
    let bases = [&MERCHANT, &OFFICIAL_ACCOUNT].map(|demo| {
        let account = world.sandbox().account(demo.account).unwrap();
        account.base_url.replace("https://", "")
    });
    for base in &bases {
        let line = format!("CONNECT {base} HTTP/1.1\r\n");
        assert!(
            heads.iter().any(|head| head.starts_with(&line)),
            "{heads:?}"
        );
    }
    for head in &heads {
        assert!(head.contains(AUTHORIZATION), "{head}");
        assert_eq!(head.lines().count(), 4, "{head}");
    }
}

#[tokio::test]
async fn without_a_tunnel_nothing_leaves_and_the_caller_hears_that_it_is_the_proxy() {
    let rows = [
        (Conduct::Tunnel, "wrong-hush", PATIENCE, "user and password"),
        (
            Conduct::Say("HTTP/1.1 403 Forbidden\r\n\r\n"),
            PASSWORD,
            PATIENCE,
            "makes no tunnel",
        ),
        (
            Conduct::Hang,
            PASSWORD,
            Duration::from_millis(300),
            "in time",
        ),
    ];
    for (conduct, password, limit, told) in rows {
        let asked = proxy(conduct).await;
        let through = asked.proxy(password);
        let world = World::with_accounts(|sandbox| clients(sandbox, &through, limit)).await;
        for demo in [&MERCHANT, &OFFICIAL_ACCOUNT] {
            let answer = world.get_member(demo).await;
            let status = refused(Code::Unavailable, "UPSTREAM_UNAVAILABLE").check(answer);
            assert!(status.message().contains(told), "{status:?}");
            let shown = format!("{status:?}");
            assert!(
                shown.contains("proxy_"),
                "the remedy names the setting: {shown}"
            );
            assert!(!shown.contains("hush"), "{shown}");
        }
        let change = Member {
            background_picture_url: "https://wx.gtimg.com/resource/x.jpg".to_owned(),
            ..Member::default()
        };
        let answer = world
            .update_member(&MERCHANT, change, &["background_picture_url"])
            .await;
        refused(Code::Unavailable, "UPSTREAM_UNAVAILABLE").check(answer);
        assert!(
            asked
                .heads()
                .iter()
                .all(|head| head.starts_with("CONNECT "))
        );
        assert!(!asked.heads().is_empty());
    }
}

#[tokio::test]
async fn a_proxy_that_is_away_takes_no_other_account_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let away = Asked {
        address,
        heads: Arc::default(),
    };
    let through = away.proxy(PASSWORD);
    let world = World::with_accounts(|sandbox| {
        let direct = World::official_account(OFFICIAL_ACCOUNT.account, sandbox, false);
        let merchant = clients(sandbox, &through, PATIENCE).swap_remove(0);
        vec![merchant, direct]
    })
    .await;
    let answer = world.get_member(&MERCHANT).await;
    let status = refused(Code::Unavailable, "UPSTREAM_UNAVAILABLE").check(answer);
    assert!(status.message().contains("cannot be reached"), "{status:?}");
    world.get_member(&OFFICIAL_ACCOUNT).await.unwrap();
}
