//! What WeChat refuses, in WeChat's words and with its request id.

use kabao_auth::PrivateKey;
use kabao_client::{Client, PayCredential, WeChatPayKey};
use kabao_models::Secret;
use kabao_proto::kabao::v1::Member;
use kabao_sandbox::{Credentials, Running};
use serde_json::json;
use tonic::Code;

use crate::demo::{BRAND, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::{refused, upstream_entry};
use crate::world::World;

/// The demo merchant's key material.
pub(crate) fn demo_credential(sandbox: &Running) -> PayCredential {
    credential_of(sandbox, MERCHANT.account)
}

/// What an account that signs is given by WeChat Pay.
pub(crate) fn credential_of(sandbox: &Running, account: &str) -> PayCredential {
    let Credentials {
        mchid,
        serial_no,
        public_key_id,
        private_key_pem,
        public_key_pem,
        ..
    } = sandbox.account(account).unwrap();
    PayCredential {
        number: mchid.unwrap(),
        private_key: Secret::new(private_key_pem.unwrap()),
        serial_no,
        wechat_pay_key: Some(WeChatPayKey {
            id: public_key_id.unwrap(),
            public_key: public_key_pem.unwrap(),
        }),
        ..PayCredential::default()
    }
}

/// The demo merchant's client with something changed.
pub(crate) fn merchant(sandbox: &Running, change: impl FnOnce(&mut PayCredential)) -> Client {
    let mut credential = demo_credential(sandbox);
    change(&mut credential);
    let builder = Client::merchant(MERCHANT.account)
        .base_url(sandbox.base_url())
        .root_certificates(sandbox.ca_pem())
        .credential(credential);
    builder.build().unwrap()
}

#[tokio::test]
async fn cards_and_codes_that_do_not_exist() {
    let world = World::start().await;
    // The merchant family has one code for everything that is refused; only its message says "code does not exist".
    let by_text = |reason| refused(Code::NotFound, reason).upstream("400", "INVALID_REQUEST");
    let no_member = refused(Code::NotFound, "MEMBER_NOT_FOUND");
    for (demo, refusal) in [
        (&MERCHANT, by_text("MEMBER_NOT_FOUND")),
        (&BRAND, no_member.clone().upstream("404", "NOT_FOUND")),
        (&OFFICIAL_ACCOUNT, no_member.upstream("200", "40056")),
    ] {
        let stranger = Demo {
            code: "000000000000",
            ..*demo
        };
        let status = refusal.check(world.get_member(&stranger).await);
        assert!(
            upstream_entry(&status, "upstream_request_id").is_some(),
            "{}",
            demo.account
        );
        let words = upstream_entry(&status, "upstream_message").unwrap();
        assert!(status.message().contains(&words), "{}", status.message());
    }
    let no_template = refused(Code::NotFound, "TEMPLATE_NOT_FOUND");
    for (demo, refusal) in [
        (&MERCHANT, by_text("TEMPLATE_NOT_FOUND")),
        (&BRAND, no_template.clone().upstream("404", "NOT_FOUND")),
        (&OFFICIAL_ACCOUNT, no_template.upstream("200", "40073")),
    ] {
        let stranger = Demo {
            card_id: "pNoSuchCard",
            ..*demo
        };
        let status = refusal.check(world.get_template(&stranger).await);
        assert!(
            upstream_entry(&status, "upstream_request_id").is_some(),
            "{}",
            demo.account
        );
    }
}

#[tokio::test]
async fn a_revoked_key_of_the_merchant() {
    let world = World::start().await;
    let account = json!({ "account": MERCHANT.account });
    world.order("POST", "/keys/revoke", &account).await;
    let answer = world.get_member(&MERCHANT).await;
    refused(Code::FailedPrecondition, "CREDENTIAL_REJECTED")
        .upstream("401", "SIGN_ERROR")
        .check(answer);
    // The refusal is not signed, and anybody could have made it: what became of a write is open,
    // and the refusal is a hint.
    let change = Member {
        level: "金".to_owned(),
        ..Member::default()
    };
    let answer = world.update_member(&MERCHANT, change, &["level"]).await;
    let status = refused(Code::Unknown, "OUTCOME_UNKNOWN")
        .upstream("401", "SIGN_ERROR")
        .may_have_executed()
        .check(answer);
    assert!(status.message().contains("credentials"), "{status:?}");
    // Nobody else is touched.
    world.get_member(&BRAND).await.unwrap();
    world.order("POST", "/keys/restore", &account).await;
    world.get_member(&MERCHANT).await.unwrap();
}

#[tokio::test]
async fn a_serial_number_that_is_not_the_merchants() {
    let world = World::with_account(|sandbox| {
        merchant(sandbox, |credential| {
            credential.serial_no = Some("5157F09EFDC096DE15EBE81A47057A7200000000".to_owned());
        })
    })
    .await;
    let answer = world.get_member(&MERCHANT).await;
    refused(Code::FailedPrecondition, "CREDENTIAL_REJECTED")
        .upstream("401", "SIGN_ERROR")
        .check(answer);
}

#[tokio::test]
async fn a_private_key_that_is_not_the_merchants() {
    let world = World::with_account(|sandbox| {
        merchant(sandbox, |credential| {
            let other = PrivateKey::generate_pem().unwrap();
            credential.private_key = Secret::new(other.to_str().unwrap());
        })
    })
    .await;
    let answer = world.get_member(&MERCHANT).await;
    refused(Code::FailedPrecondition, "CREDENTIAL_REJECTED")
        .upstream("401", "SIGN_ERROR")
        .check(answer);
}

#[tokio::test]
async fn an_account_without_the_product_permission() {
    let world = World::start().await;
    for (demo, status, code) in [
        (&MERCHANT, "403", "NO_AUTH"),
        (&BRAND, "403", "NO_AUTH"),
        (&OFFICIAL_ACCOUNT, "200", "48001"),
    ] {
        let path = format!("/accounts/{}", demo.account);
        world
            .order("PATCH", &path, &json!({ "permitted": false }))
            .await;
        let answer = world.get_member(demo).await;
        refused(Code::PermissionDenied, "UPSTREAM_PERMISSION_DENIED")
            .upstream(status, code)
            .check(answer);
    }
}
