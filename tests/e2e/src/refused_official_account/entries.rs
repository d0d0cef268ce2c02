//! Pictures, testers, shelf pages, articles, the entries of a card, redeeming.

use serde_json::{Value, json};

use super::{Row, act, approved, card};
use crate::demo::OFFICIAL_ACCOUNT;
use crate::walk::Walk;

pub(super) async fn rows(walk: &mut Walk<'_>) -> Vec<Row> {
    let waiting = card(walk, json!({})).await;
    let bare = approved(walk, json!({"location_id_list": null})).await;
    let custom = approved(walk, json!({"use_custom_code": true})).await;
    let claim = json!({"card_id": custom, "openid": "oEntries", "code": "E1"});
    act(walk, "claim", claim).await;
    let (demo, code) = (OFFICIAL_ACCOUNT.card_id, OFFICIAL_ACCOUNT.code);
    let page = walk.example("official_account.landing_page.create");
    let with = |card_id: &str| {
        let mut page = page.clone();
        page["card_list"][0]["card_id"] = json!(card_id);
        page
    };
    let cell = |card_id: &str| json!({"card_id": card_id, "is_open": true});
    let consume = |card_id: &str, code: &str| json!({"card_id": card_id, "code": code});
    let testers = |openid: Value| json!({"openid": openid});
    let eleven: Value = (1..12).map(|number| format!("oTester{number}")).collect();
    let upload = "media.upload_image";
    vec![
        (
            upload,
            walk.example("official_account.media.upload_image"),
            "40009",
        ),
        (
            "test_whitelist.set",
            testers(json!(["not an openid"])),
            "40003",
        ),
        ("test_whitelist.set", testers(eleven), "47001"),
        ("test_whitelist.set", json!({}), "41011"),
        ("landing_page.create", with("none"), "40073"),
        ("landing_page.create", with(&waiting), "40078"),
        ("mp_news.get_html", json!({"card_id": "none"}), "40073"),
        ("mp_news.get_html", json!({"card_id": waiting}), "40078"),
        ("pay_cell.set", cell("none"), "40073"),
        ("pay_cell.set", cell(&bare), "43017"),
        ("self_consume_cell.set", cell("none"), "40073"),
        ("self_consume_cell.set", cell(&bare), "43017"),
        ("code.consume", consume("none", code), "40073"),
        ("code.consume", consume(demo, "000000000000"), "40056"),
        ("code.consume", json!({"code": "E1"}), "41012"),
        // What is said about member cards.
        ("code.consume", consume(demo, code), "40071"),
    ]
}
