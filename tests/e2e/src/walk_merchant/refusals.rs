//! Every operation of the merchant family, refused: by the rules of WeChat, for want of permission, for the wrong
//! owner.
//!
//! WeChat has one code for nearly all of it, so the rows name a piece of its message too; what the gateway makes of
//! it stands in `meanings`.

use std::collections::BTreeSet;

use kabao_client::{Client, PayCredential, WeChatPayKey};
use kabao_models::{Family, Operation, Secret};
use kabao_sandbox::{AccountConfig, Credentials, Sandbox};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{Journey, merge, text};
use crate::demo::MERCHANT;
use crate::refusal::{Refusal, refused, upstream_entry};
use crate::walk::Walk;
use crate::world::World;

mod by_settings;
mod meanings;
mod services;
mod table;

/// How a request is refused.
enum Why {
    /// WeChat says `INVALID_REQUEST`, and this.
    Rule(&'static str),
    /// WeChat names this parameter.
    Parameter(&'static str),
    /// WeChat has seen the request number before.
    NumberUsed,
    /// WeChat says that parameters do not fit together, and names none.
    Parameters,
    /// A documented limit that the gateway knows: WeChat is not asked.
    Limit(&'static str),
}

impl Why {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Rule(text) => meanings::of(text).upstream("400", "INVALID_REQUEST"),
            Self::Parameter(field) => refused(Code::InvalidArgument, "FIELD_INVALID")
                .upstream("400", "PARAM_ERROR")
                .fields(&[field]),
            Self::NumberUsed => refused(Code::AlreadyExists, "REQUEST_NUMBER_USED")
                .upstream("400", "PARAM_ERROR")
                .fields(&["out_request_no"])
                .may_have_executed(),
            Self::Parameters => {
                refused(Code::InvalidArgument, "FIELD_INVALID").upstream("400", "PARAM_ERROR")
            }
            Self::Limit(field) => refused(Code::InvalidArgument, "FIELD_INVALID").fields(&[field]),
        }
    }
}

impl Journey<'_> {
    /// Calls an operation with its example and `live` members in it, and compares what WeChat says against it.
    async fn refuse(&self, id: &str, live: Value, why: &Why) {
        let mut request = self.walk.example(id);
        merge(&mut request, live);
        let status = self.walk.refuse(id, &request, why.refusal()).await;
        if let Why::Rule(message) = why {
            says(id, &status, message);
        }
    }
}

#[track_caller]
fn says(id: &str, status: &Status, message: &str) {
    let said = upstream_entry(status, "upstream_message").unwrap_or_default();
    assert!(said.contains(message), "{id}: {said}");
}

fn operations() -> impl Iterator<Item = &'static Operation> {
    kabao_models::operations().filter(|operation| operation.family == Family::Merchant)
}

/// What an example needs so that it is about this card.
fn about(id: &str, card_id: &str) -> Value {
    const PHONE: &str = "13800000417";
    match id {
        "merchant.phone_members.import" => json!({
            "member_information": { "card_id": card_id },
            "encrypted_phone_number": PHONE,
        }),
        "merchant.phone_members.search" | "merchant.user_cards.import_by_phone" => {
            json!({ "card_id": card_id, "encrypted_phone_number": PHONE })
        }
        "merchant.activities.create" => json!({ "card_id": card_id }),
        _ if is_about_a_card(id) => json!({ "card_id": card_id }),
        _ => json!({}),
    }
}

/// Whether an operation needs a template that is there.
fn is_about_a_card(id: &str) -> bool {
    const BESIDES: [&str; 3] = [
        "merchant.phone_members.import",
        "merchant.phone_members.search",
        "merchant.activities.create",
    ];
    BESIDES.contains(&id)
        || operations().any(|operation| operation.id == id && operation.path.contains("{card_id}"))
}

#[tokio::test]
async fn a_card_that_nobody_has() {
    let world = World::start().await;
    let journey = Journey::start(&world).await;
    let mut count = 0;
    for operation in operations().filter(|operation| is_about_a_card(operation.id)) {
        let live = about(operation.id, "pNoSuchCardAtAll0000000000");
        let why = Why::Rule("card_id不合法");
        journey.refuse(operation.id, live, &why).await;
        count += 1;
    }
    assert_eq!(count, 26);
}

#[tokio::test]
async fn an_old_card_of_the_public_platform() {
    let world = World::start().await;
    let journey = Journey::start(&world).await;
    let old = journey.act("create-old-card", json!({})).await;
    let card_id = text(&old["template"]["card_id"]);
    let upgrade = "merchant.cards.upgrade";
    for operation in operations().filter(|operation| is_about_a_card(operation.id)) {
        if operation.id != upgrade {
            let live = about(operation.id, &card_id);
            let why = Why::Rule("该会员卡为公众平台会员卡，请先升级");
            journey.refuse(operation.id, live, &why).await;
        }
    }
}

#[tokio::test]
async fn a_code_that_nobody_has() {
    let world = World::start().await;
    let journey = Journey::start(&world).await;
    let mut count = 0;
    for operation in operations().filter(|operation| operation.path.contains("{code}")) {
        let live = json!({ "card_id": MERCHANT.card_id, "code": "000000000000" });
        let why = Why::Rule("code不存在");
        journey.refuse(operation.id, live, &why).await;
        count += 1;
    }
    assert_eq!(count, 9);
}

#[tokio::test]
async fn an_account_without_permission_may_call_nothing() {
    let world = World::start().await;
    let journey = Journey::start(&world).await;
    let path = format!("/accounts/{}", MERCHANT.account);
    let standing = json!({ "permitted": false });
    world.order("PATCH", &path, &standing).await;
    for operation in operations() {
        let mut request = journey.walk.example(operation.id);
        merge(&mut request, about(operation.id, MERCHANT.card_id));
        let refusal = refused(Code::PermissionDenied, "UPSTREAM_PERMISSION_DENIED")
            .upstream("403", "NO_AUTH");
        journey.walk.refuse(operation.id, &request, refusal).await;
    }
    assert_eq!(world.sandbox().ledger(), []);
}

#[tokio::test]
async fn a_card_of_another_merchant_number() {
    let sandbox = Sandbox::builder()
        .account(AccountConfig::merchant("stranger", "1900000999"))
        .start()
        .await
        .unwrap();
    let credentials = sandbox.account("stranger").unwrap();
    let world =
        World::with_account(|_| stranger(credentials, sandbox.base_url(), sandbox.ca_pem())).await;
    let walk = Walk::new(&world, &MERCHANT);
    // The clock and dynamic codes in the state move by themselves; templates do not.
    let templates = |state: Value| state["merchant"]["templates"].clone();
    let before = templates(sandbox.state());
    assert_ne!(before, Value::Null);
    for operation in operations().filter(|operation| is_about_a_card(operation.id)) {
        let mut request = walk.example(operation.id);
        merge(&mut request, about(operation.id, MERCHANT.card_id));
        let refusal = refused(Code::PermissionDenied, "UPSTREAM_PERMISSION_DENIED")
            .upstream("400", "INVALID_REQUEST");
        let status = walk.refuse(operation.id, &request, refusal).await;
        let message = match operation.id {
            "merchant.activities.create" => "活动创建方与会员卡品牌未绑定",
            _ => "调用商户号与创建会员卡的商户号不一致",
        };
        says(operation.id, &status, message);
    }
    assert_eq!(templates(sandbox.state()), before);
    assert_eq!(sandbox.ledger(), []);
    sandbox.shutdown().await;
}

/// The client of a merchant number that owns nothing.
fn stranger(credentials: Credentials, base_url: String, ca_pem: &str) -> Client {
    let credential = PayCredential {
        number: credentials.mchid.unwrap(),
        private_key: Secret::new(credentials.private_key_pem.unwrap()),
        serial_no: credentials.serial_no,
        wechat_pay_key: Some(WeChatPayKey {
            id: credentials.public_key_id.unwrap(),
            public_key: credentials.public_key_pem.unwrap(),
        }),
        ..PayCredential::default()
    };
    let builder = Client::merchant(MERCHANT.account)
        .base_url(base_url)
        .root_certificates(ca_pem)
        .credential(credential);
    builder.build().unwrap()
}

#[tokio::test]
async fn every_operation_keeps_the_rules_of_its_own() {
    let world = World::start().await;
    let mut journey = Journey::start(&world).await;
    let ground = journey.ground().await;
    let before = world.sandbox().ledger().len();
    for (settings, rows) in by_settings::blocks(&ground) {
        let settings = json!({ "merchant": settings });
        let usual = world.order("GET", "/settings", &Value::Null).await;
        world.order("PATCH", "/settings", &settings).await;
        for (id, live, why) in rows {
            journey.refuse(id, live, &why).await;
        }
        world.order("PATCH", "/settings", &usual).await;
    }
    let mut refused: BTreeSet<&str> = BTreeSet::new();
    for (id, live, why) in table::rows(&ground) {
        journey.refuse(id, live, &why).await;
        refused.insert(id);
    }
    assert_eq!(
        world.sandbox().ledger().len(),
        before,
        "a refusal has no effect"
    );
    let all: BTreeSet<&str> = operations().map(|operation| operation.id).collect();
    assert_eq!(refused, all);
    println!(
        "merchant: {} of {} operations refused",
        refused.len(),
        all.len()
    );
}

/// What the rows of the table stand on.
struct Ground {
    /// A template that nobody approved.
    unapproved: String,
    /// One whose codes come from the merchant.
    real_time: String,
    /// One that was deleted.
    deleted: String,
    /// An old card of the public platform.
    old: String,
    /// A member whose card is over.
    unavailable: String,
    /// A member who threw the card away.
    thrown_away: String,
    /// An activity that is over.
    over: String,
}

impl Journey<'_> {
    async fn ground(&mut self) -> Ground {
        let create = "merchant.cards.create";
        let number = |number: &str| json!({ "out_request_no": number });
        let unapproved = text(&self.call(create, number("ground-1")).await["card_id"]);
        let live = json!({
            "out_request_no": "ground-2",
            "code_mode": "REAL_TIME",
            "total_quantity": null,
        });
        let real_time = text(&self.call(create, live).await["card_id"]);
        self.approve(&real_time).await;
        let deleted = text(&self.call(create, number("ground-3")).await["card_id"]);
        let card = json!({ "card_id": deleted });
        self.call("merchant.cards.delete", card).await;
        let old = self.act("create-old-card", json!({})).await;

        let unavailable = self.member("oUnavailable").await;
        let member = json!({ "card_id": MERCHANT.card_id, "code": unavailable });
        self.call("merchant.user_cards.set_unavailable", member)
            .await;
        let thrown_away = self.member("oThrownAway").await;
        let member = json!({
            "account": MERCHANT.account,
            "card_id": MERCHANT.card_id,
            "code": thrown_away,
        });
        self.world.order("POST", "/members/delete", &member).await;

        let card = json!({ "card_id": MERCHANT.card_id });
        self.call("merchant.service_modules.add", card).await;
        let member = json!({ "card_id": MERCHANT.card_id, "code": MERCHANT.code });
        for operation in [
            "merchant.user_cards.update",
            "merchant.user_cards.confirm",
            "merchant.user_card_rights.update",
            "merchant.user_card_services.set",
            "merchant.bonus.prepare",
        ] {
            self.call(operation, member.clone()).await;
        }
        let live = json!({
            "card_id": MERCHANT.card_id,
            "encrypted_phone_number": "13800000417",
            "out_request_no": "ground-phone",
        });
        self.call("merchant.user_cards.import_by_phone", live).await;
        let live = json!({
            "card_id": MERCHANT.card_id,
            "begin_time": "2026-03-25T00:00:00+08:00",
            "end_time": "2026-03-25T14:30:00+08:00",
        });
        let over = self.call("merchant.activities.create", live).await;
        let later = json!({ "set": "2026-03-25T15:00:00+08:00" });
        self.world.order("POST", "/clock", &later).await;
        Ground {
            unapproved,
            real_time,
            deleted,
            old: text(&old["template"]["card_id"]),
            unavailable,
            thrown_away,
            over: text(&over["activity_id"]),
        }
    }

    async fn member(&self, openid: &str) -> String {
        let claim = json!({
            "account": MERCHANT.account,
            "card_id": MERCHANT.card_id,
            "openid": openid,
        });
        let claimed = self.world.order("POST", "/cards/claim", &claim).await;
        text(&claimed["member"]["code"])
    }
}
