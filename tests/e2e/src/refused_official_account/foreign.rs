//! What belongs to another account.

use kabao_client::Client;
use kabao_models::Secret;
use kabao_sandbox::{AccountConfig, Sandbox};
use serde_json::json;

use super::refusal;
use super::rules::{LATER, by_card, by_number};
use crate::demo::OFFICIAL_ACCOUNT;
use crate::walk::Walk;
use crate::world::World;

/// The account of the gateway in this test; the demo card is not its own.
const STRANGER: &str = "wx9f8e7d6c5b4a3021";

#[tokio::test]
async fn the_card_of_another_account_is_out_of_reach() {
    let sandbox = Sandbox::builder()
        .listen("127.0.0.1:0")
        .control("127.0.0.1:0")
        .account(AccountConfig::official_account("stranger", STRANGER))
        .start()
        .await
        .unwrap();
    let stranger = sandbox.account("stranger").unwrap();
    let world = World::with_account(|_| {
        let builder = Client::official_account(OFFICIAL_ACCOUNT.account)
            .base_url(sandbox.base_url())
            .root_certificates(sandbox.ca_pem())
            .appid(STRANGER)
            .app_secret(Secret::new(stranger.app_secret.unwrap()));
        builder.build().unwrap()
    })
    .await;
    let walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let (card_id, code) = (OFFICIAL_ACCOUNT.card_id, OFFICIAL_ACCOUNT.code);
    let card = json!({"card_id": card_id});
    let member = json!({"card_id": card_id, "code": code});
    let cell = json!({"card_cell": {"card_id": card_id, "end_time": LATER}});
    let open = json!({"card_id": card_id, "is_open": true});
    let mut page = walk.example("official_account.landing_page.create");
    page["card_list"][0]["card_id"] = json!(card_id);
    for (operation, request) in [
        ("card.get", card.clone()),
        ("card.delete", card.clone()),
        (
            "card.modify_stock",
            json!({"card_id": card_id, "increase_stock_value": 1}),
        ),
        (
            "card.update",
            json!({"card_id": card_id, "member_card": {"discount": 5}}),
        ),
        (
            "card.update_modify_msg",
            json!({"card_id": card_id, "member_card": {"modify_msg_operation": cell}}),
        ),
        ("code.get", member.clone()),
        ("code.unavailable", member.clone()),
        (
            "code.update",
            json!({"card_id": card_id, "code": code, "new_code": "M9"}),
        ),
        ("code.deposit", json!({"card_id": card_id, "code": ["N1"]})),
        ("code.get_deposit_count", card.clone()),
        ("code.check", json!({"card_id": card_id, "code": ["N1"]})),
        ("member.userinfo_get", member.clone()),
        (
            "member.activate",
            json!({"card_id": card_id, "code": code, "membership_number": "M1"}),
        ),
        (
            "member.update_user",
            json!({"card_id": card_id, "code": code, "add_bonus": 1}),
        ),
        ("member.activate_user_form_set", card.clone()),
        ("member.activate_get_url", card.clone()),
        (
            "qrcode.create",
            json!({"action_name": "QR_CARD", "action_info": {"card": {"card_id": card_id}}}),
        ),
        ("landing_page.create", page),
        ("mp_news.get_html", card.clone()),
        ("pay_cell.set", open.clone()),
        ("self_consume_cell.set", open),
        ("code.consume", member.clone()),
        ("pay_gift_member_card.add", by_card(card_id, 1, LATER)),
        (
            "pay_gift_member_card.delete",
            json!({"card_id": card_id, "mchid_list": ["1900000109"]}),
        ),
        ("pay_gift_card.add", by_number(card_id, 1, LATER)),
    ] {
        let id = format!("official_account.{operation}");
        walk.refuse(&id, &request, refusal(documented(&id))).await;
    }
    assert!(sandbox.ledger().is_empty(), "{:?}", sandbox.ledger());
}

/// Where the documents have no code for a card of somebody else, it is one that does not exist.
fn documented(id: &str) -> &'static str {
    let mut operations = kabao_models::operations();
    let operation = operations.find(|operation| operation.id == id).unwrap();
    match operation.errors().any(|row| row.code == "45030") {
        true => "45030",
        false => "40073",
    }
}
