//! WeChat's keys change under load, and no call fails.

use std::cell::Cell;

use kabao_client::{PayCredential, WechatpaySerial};
use kabao_models::Secret;
use kabao_proto::kabao::v1::Member;
use kabao_sandbox::{Credentials, Running};
use serde_json::{Value, json};
use tonic::Code;

use crate::demo::{Demo, MERCHANT};
use crate::load::Load;
use crate::refusal::refused;
use crate::refused_by_wechat::demo_credential;
use crate::walk::Walk;
use crate::world::World;

const PHONE: &str = "13800000417";
const DOWNLOAD: &str = "certificates.get";
const LOOK_UP: &str = "merchant.phone_members.search";

/// The demo merchant by its platform certificates, and by its public key.
const BY_CERTIFICATE: Demo = Demo {
    account: "by-certificate",
    ..MERCHANT
};
const BY_PUBLIC_KEY: Demo = Demo {
    account: "by-public-key",
    ..MERCHANT
};

fn both_keys(sandbox: &Running, named: WechatpaySerial) -> PayCredential {
    let Credentials { apiv3_key, .. } = sandbox.account(MERCHANT.account).unwrap();
    PayCredential {
        apiv3_key: apiv3_key.map(Secret::new),
        wechatpay_serial: Some(named),
        ..demo_credential(sandbox)
    }
}

fn client(demo: &Demo, sandbox: &Running, credential: PayCredential) -> kabao_client::Client {
    kabao_client::Client::merchant(demo.account)
        .base_url(sandbox.base_url())
        .root_certificates(sandbox.ca_pem())
        .credential(credential)
        .build()
        .unwrap()
}

/// One merchant number as two accounts, which name the two kinds of keys.
async fn start() -> World {
    World::with_accounts(|sandbox| {
        let by = |demo, named| client(demo, sandbox, both_keys(sandbox, named));
        vec![
            by(&BY_CERTIFICATE, WechatpaySerial::Certificate),
            by(&BY_PUBLIC_KEY, WechatpaySerial::PublicKey),
        ]
    })
    .await
}

/// The account that callers use, which the operator changes.
struct Callers<'w> {
    world: &'w World,
    walk: Walk<'w>,
    account: Cell<&'static Demo>,
    load: Load,
}

impl<'w> Callers<'w> {
    fn new(world: &'w World) -> Self {
        Self {
            world,
            walk: Walk::new(world, &MERCHANT),
            account: Cell::new(&BY_CERTIFICATE),
            load: Load::new(4),
        }
    }

    /// Reads, writes and fields that travel encrypted, all the time.
    async fn run(&self) {
        tokio::join!(
            self.load
                .run(0, |_| self.world.get_member(self.account.get())),
            self.load
                .run(1, |_| self.world.get_member(self.account.get())),
            self.load.run(2, |number| {
                let change = Member {
                    level: format!("L{}", number % 1000),
                    ..Member::default()
                };
                self.world
                    .update_member(self.account.get(), change, &["level"])
            }),
            self.load.run(3, |_| self.look_up()),
        );
    }

    /// A request with an encrypted field.
    async fn look_up(&self) -> Result<tonic::Response<Value>, tonic::Status> {
        let request = json!({
            "account": self.account.get().account(),
            "card_id": MERCHANT.card_id,
            "encrypted_phone_number": PHONE,
        });
        self.walk.send(LOOK_UP, &request).await
    }

    async fn enter_phone(&self) {
        let mut request = self.walk.example("merchant.phone_members.import");
        request["account"] = json!(BY_PUBLIC_KEY.account());
        request["member_information"]["card_id"] = json!(MERCHANT.card_id);
        request["encrypted_phone_number"] = json!(PHONE);
        let entered = self.walk.send("merchant.phone_members.import", &request);
        entered.await.unwrap();
    }
}

async fn phase(world: &World, phase: &str) {
    let path = format!("/accounts/{}", MERCHANT.account);
    let body = json!({ "key_phase": phase });
    world.order("PATCH", &path, &body).await;
}

async fn rotate(world: &World, mut body: Value) {
    body["account"] = json!(MERCHANT.account);
    world.order("POST", "/keys/rotate", &body).await;
}

#[tokio::test]
async fn a_merchant_changes_from_certificates_to_the_public_key_and_back() {
    let world = start().await;
    let callers = Callers::new(&world);
    callers.enter_phone().await;
    phase(&world, "certificates").await;
    let script = async {
        // What WeChat does, and which account callers use: the operator changes it between the phases.
        for (change, account) in [
            ("certificates", &BY_CERTIFICATE),
            ("migrating", &BY_CERTIFICATE),
            ("migrating", &BY_PUBLIC_KEY),
            ("stopped", &BY_PUBLIC_KEY),
            ("migrating", &BY_PUBLIC_KEY),
            ("public_key", &BY_PUBLIC_KEY),
            ("migrating", &BY_PUBLIC_KEY),
            ("migrating", &BY_CERTIFICATE),
            ("certificates", &BY_CERTIFICATE),
        ] {
            println!("{change} {}", account.account);
            phase(&world, change).await;
            callers.load.survived().await;
            callers.account.set(account);
            callers.load.survived().await;
        }
        callers.load.end()
    };
    let ((), calls) = tokio::join!(callers.run(), script);
    assert!(calls >= 9 * 2 * 4 * 3, "{calls}");
    // Each account has downloaded the certificates once: the one that names them, and the one that has seen them.
    assert_eq!(world.requests_of(DOWNLOAD), 2);
}

#[tokio::test]
async fn a_platform_certificate_is_replaced_in_time_and_without_warning() {
    let world = start().await;
    let callers = Callers::new(&world);
    callers.enter_phone().await;
    phase(&world, "certificates").await;
    let script = async {
        callers.load.survived().await;
        // A new one is offered, and nobody has heard of it when WeChat begins to sign with it.
        rotate(
            &world,
            json!({ "key": "platform_certificate", "signs": false }),
        )
        .await;
        callers.load.survived().await;
        rotate(&world, json!({ "key": "sign_with_newest" })).await;
        callers.load.survived().await;
        callers.load.end()
    };
    let ((), calls) = tokio::join!(callers.run(), script);
    assert!(calls >= 36, "{calls}");
    assert_eq!(world.requests_of(DOWNLOAD), 2);
    assert_eq!(
        world
            .sandbox()
            .platform_certificates(MERCHANT.account)
            .len(),
        2
    );
}

#[tokio::test]
async fn a_start_verifies_with_the_certificates_that_were_kept_while_none_can_be_downloaded() {
    let dev = kabao_gateway::Dev::start(kabao_gateway::DevOptions::default());
    let (_, sandbox) = dev.await.unwrap().into_parts();
    let folder = std::env::temp_dir().join(format!("kabao-e2e-kept-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let account = client(
        &BY_CERTIFICATE,
        &sandbox,
        PayCredential {
            wechat_pay_key: None,
            ..both_keys(&sandbox, WechatpaySerial::Certificate)
        },
    );
    let mut world = World::over(&folder, vec![account], sandbox).await;
    world.get_member(&BY_CERTIFICATE).await.unwrap();
    let unreachable = kabao_sandbox::Fault::Status {
        status: 503,
        code: None,
        message: None,
        body: None,
        applied: false,
        signed: false,
    };
    world.inject(DOWNLOAD, 1000, unreachable);
    for _ in 0..2 {
        let (gateway, sandbox) = world.into_parts();
        let sandbox = sandbox.unwrap();
        drop(gateway);
        // Nothing of the process before is left but the store.
        let account = client(
            &BY_CERTIFICATE,
            &sandbox,
            PayCredential {
                wechat_pay_key: None,
                ..both_keys(&sandbox, WechatpaySerial::Certificate)
            },
        );
        world = World::over(&folder, vec![account], sandbox).await;
        world.get_member(&BY_CERTIFICATE).await.unwrap();
    }
    assert_eq!(world.requests_of(DOWNLOAD), 1);
    drop(world);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_replaced_public_key_is_the_operators_matter_and_drives_no_download() {
    let world = start().await;
    phase(&world, "public_key").await;
    world.get_member(&BY_PUBLIC_KEY).await.unwrap();
    let before = world.requests_of(DOWNLOAD);
    rotate(&world, json!({ "key": "public_key" })).await;
    for _ in 0..3 {
        let answer = world.get_member(&BY_PUBLIC_KEY).await;
        refused(Code::FailedPrecondition, "KEY_UNAVAILABLE")
            .upstream_status("400")
            .check(answer);
    }
    assert_eq!(world.requests_of(DOWNLOAD), before);
}
