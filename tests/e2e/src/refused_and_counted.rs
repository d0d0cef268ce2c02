//! What is not WeChat, or not WeChat's answer to this account, is refused, and a metric counts it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use kabao_client::{Client, WeChatPayKey};
use kabao_sandbox::{Fault, Running};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use crate::demo::{BRAND, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::refused_by_wechat::{credential_of, demo_credential};
use crate::world::World;

const READ: &str = "merchant.user_cards.get";
/// More than the client ever tries.
const ALWAYS: u32 = 10;

/// The demo merchant, with trust in the key of another one.
const OTHER_KEY: Demo = Demo {
    account: "other-key",
    ..MERCHANT
};
const OTHER_ID: Demo = Demo {
    account: "other-id",
    ..MERCHANT
};
/// The demo merchant at a host that does not speak TLS.
const PLAIN: Demo = Demo {
    account: "plain",
    ..MERCHANT
};

fn merchant(demo: &Demo, sandbox: &Running, base_url: &str, key: Option<WeChatPayKey>) -> Client {
    let mut credential = demo_credential(sandbox);
    credential.wechat_pay_key = key.or(credential.wechat_pay_key);
    Client::merchant(demo.account)
        .base_url(base_url)
        .root_certificates(sandbox.ca_pem())
        .credential(credential)
        .build()
        .unwrap()
}

/// A series of `/metrics`; 0 as long as it is not there.
async fn metric(world: &World, series: &str) -> u64 {
    let mut stream = TcpStream::connect(world.gateway().admin()).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    let mut values = page
        .lines()
        .filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    values.next().map_or(0, |value| value.parse().unwrap())
}

fn discarded(cause: &str) -> String {
    format!(
        r#"kabao_upstream_answers_discarded_total{{kabao_cause="{cause}",kabao_operation="{READ}"}}"#
    )
}

fn calls(account: &str, reason: &str) -> String {
    format!(r#"kabao_upstream_calls_total{{kabao_account="{account}",kabao_reason="{reason}"}}"#)
}

#[tokio::test]
async fn an_answer_that_is_signed_with_another_merchants_key_is_refused_and_counted() {
    let world = World::with_accounts(|sandbox| {
        let own = demo_credential(sandbox).wechat_pay_key.unwrap();
        let other = credential_of(sandbox, BRAND.account)
            .wechat_pay_key
            .unwrap();
        assert_ne!(own.public_key, other.public_key);
        let under_own_id = WeChatPayKey {
            id: own.id,
            public_key: other.public_key.clone(),
        };
        let url = &sandbox.base_url();
        vec![
            merchant(&OTHER_KEY, sandbox, url, Some(under_own_id)),
            merchant(&OTHER_ID, sandbox, url, Some(other)),
        ]
    })
    .await;
    // The answer names the key that is trusted, and was signed with another one.
    let answer = world.get_member(&OTHER_KEY).await;
    refused(Code::Internal, "UPSTREAM_UNVERIFIED")
        .upstream_status("200")
        .check(answer);
    assert_eq!(metric(&world, &discarded("wrong_signature")).await, 2);
    // It names a key that is not trusted: WeChat does not take a request that names one which is not its own.
    let answer = world.get_member(&OTHER_ID).await;
    refused(Code::FailedPrecondition, "KEY_UNAVAILABLE")
        .upstream_status("400")
        .check(answer);
    assert_eq!(
        metric(&world, &calls(OTHER_ID.account, "KEY_UNAVAILABLE")).await,
        1
    );
}

#[tokio::test]
async fn probes_are_refused_and_counted() {
    let world = World::start().await;
    world.inject(READ, ALWAYS, Fault::SignTest);
    let answer = world.get_member(&MERCHANT).await;
    refused(Code::Internal, "UPSTREAM_UNVERIFIED")
        .upstream_status("200")
        .check(answer);
    assert_eq!(metric(&world, &discarded("probe")).await, 2);
}

#[tokio::test]
async fn a_redirect_is_never_followed_and_counted() {
    let world = World::start().await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let redirect = || Fault::Redirect {
        location: format!("https://{}/", elsewhere.local_addr().unwrap()),
    };
    for (demo, operation, reason) in [
        (&MERCHANT, READ, "UPSTREAM_UNVERIFIED"),
        (
            &OFFICIAL_ACCOUNT,
            "official_account.member.userinfo_get",
            "UPSTREAM_MALFORMED",
        ),
    ] {
        world.inject(operation, ALWAYS, redirect());
        let answer = world.get_member(demo).await;
        refused(Code::Internal, reason)
            .upstream_status("302")
            .check(answer);
        let counted = calls(demo.account, reason);
        assert_eq!(metric(&world, &counted).await, 1, "{operation}");
    }
    assert_eq!(metric(&world, &discarded("unsigned")).await, 2);
    let nobody = elsewhere.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn nothing_of_a_call_leaves_to_a_host_that_speaks_plain_http_and_it_is_counted() {
    // It hears whatever is said to it, and answers in plain text.
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", host.local_addr().unwrap());
    let heard = thread::spawn(move || {
        let (mut stream, _) = host.accept().unwrap();
        let mut heard = vec![0; 4096];
        let length = stream.read(&mut heard).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer).unwrap();
        heard.truncate(length);
        heard
    });
    let world = World::with_account(|sandbox| merchant(&PLAIN, sandbox, &url, None)).await;
    let answer = world.get_member(&PLAIN).await;
    refused(Code::Unavailable, "UPSTREAM_UNAVAILABLE").check(answer);
    assert_eq!(
        metric(&world, &calls(PLAIN.account, "UPSTREAM_UNAVAILABLE")).await,
        1
    );
    let heard = heard.join().unwrap();
    // The beginning of a handshake.
    assert_eq!(heard.first(), Some(&0x16));
    let text = String::from_utf8_lossy(&heard);
    for secret in [MERCHANT.card_id, MERCHANT.code, "WECHATPAY2"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
