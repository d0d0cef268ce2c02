//! The same without a gateway: what a program hears that calls the crate.

use kabao_api::{CallContext, Error, Reason};
use kabao_client::Client;
use kabao_models::merchant::user_cards::{GetUserCard, ImportUserCardByOpenid};
use kabao_models::official_account::member::UpdateUser;
use serde_json::json;

use super::{ALWAYS, edit, inject, sent};
use crate::demo::{Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refused_by_wechat::merchant;
use crate::world::World;

fn context(demo: &Demo) -> CallContext {
    CallContext::new(demo.account.parse().unwrap(), "order-4711".parse().unwrap())
}

fn client(world: &World) -> Client {
    merchant(world.sandbox(), |_| {})
}

fn official_account(world: &World) -> Client {
    let account = world.sandbox().account(OFFICIAL_ACCOUNT.account).unwrap();
    Client::official_account(OFFICIAL_ACCOUNT.account)
        .base_url(account.base_url)
        .root_certificates(world.sandbox().ca_pem())
        .appid(account.appid.unwrap())
        .app_secret(account.app_secret.unwrap())
        .build()
        .unwrap()
}

fn import(number: &str) -> ImportUserCardByOpenid {
    ImportUserCardByOpenid::new(MERCHANT.card_id, "oImported", number)
}

fn told(error: &Error) -> (Reason, bool) {
    (error.reason(), error.may_have_executed())
}

#[tokio::test]
async fn an_import_beside_a_message_is_done_and_another_member_is_not_believed() {
    let world = World::start().await;
    let client = client(&world);
    let context = context(&MERCHANT);
    let operation = "merchant.user_cards.import_by_openid";
    let odd = json!({"code": "722317683772", "message": "ok"});
    edit(&world, operation, &odd);
    let answer = client.call(&context, import("import1")).await.unwrap();
    assert!(
        answer
            .code
            .is_some_and(|code| code == "722317683772".into())
    );
    assert_eq!(world.effects_of(operation).len(), 1);

    edit(&world, "merchant.user_cards.get", &odd);
    let request = GetUserCard::new(MERCHANT.card_id, MERCHANT.code);
    let error = client.call(&context, request).await.unwrap_err();
    assert_eq!(told(&error), (Reason::UpstreamUnverified, false));
    assert!(!format!("{error} {error:?}").contains("722317683772"));
}

#[tokio::test]
async fn a_success_without_errcode_and_a_429_after_a_write_prove_nothing() {
    let world = World::start().await;
    let client = official_account(&world);
    let context = context(&OFFICIAL_ACCOUNT);
    let operation = "official_account.member.update_user";
    let add = || {
        let mut update = UpdateUser::new(OFFICIAL_ACCOUNT.code, OFFICIAL_ACCOUNT.card_id);
        update.add_bonus = Some(50);
        update
    };
    let limited = json!({"kind": "status", "status": 429, "body": "slow down", "applied": true});
    let empty = json!({"kind": "replace_body", "body": "{}", "applied": true});
    for (turn, fault) in [limited, empty].into_iter().enumerate() {
        world.clear_faults().await;
        inject(&world, operation, ALWAYS, fault);
        let error = client.call(&context, add()).await.unwrap_err();
        assert_eq!(told(&error), (Reason::OutcomeUnknown, true), "{error}");
        assert_eq!(world.effects_of(operation).len(), turn + 1);
        assert_eq!(sent(&world, operation).len(), turn + 1);
    }
}
