//! Cards: made, reviewed, changed, deleted.

use serde_json::{Value, json};

use super::{adapted, approve, merge, text};
use crate::demo::{ADVERTISED_CARD, OFFICIAL_ACCOUNT};
use crate::walk::Walk;

const GET: &str = "official_account.card.get";

async fn base_info(walk: &mut Walk<'_>, card_id: &str) -> Value {
    let card = walk.call(GET, json!({"card_id": card_id})).await;
    card["card"]["member_card"]["base_info"].clone()
}

/// Makes the card of the example, which is approved and stocked up.
pub(super) async fn make(walk: &mut Walk<'_>) -> String {
    let create = "official_account.card.create";
    let made = walk.call(create, walk.example(create)).await;
    let card_id = text(&made["card_id"]);
    let base = base_info(walk, &card_id).await;
    assert_eq!(base["status"], "CARD_STATUS_NOT_VERIFY");
    assert_eq!(base["title"], "Harbour Member");
    approve(walk.world(), &card_id).await;
    let base = base_info(walk, &card_id).await;
    assert_eq!(base["status"], "CARD_STATUS_VERIFY_OK");

    let list = "official_account.card.batch_get";
    let cards = walk.call(list, walk.example(list)).await;
    assert_eq!(cards["total_num"], 3);
    assert_eq!(
        cards["card_id_list"],
        json!([OFFICIAL_ACCOUNT.card_id, ADVERTISED_CARD, card_id])
    );

    let stock = "official_account.card.modify_stock";
    let request = adapted(walk, stock, json!({"card_id": card_id}));
    walk.call(stock, request).await;
    let base = base_info(walk, &card_id).await;
    assert_eq!(base["sku"]["quantity"], 100_500);

    // The demo card has what the example has not.
    base_info(walk, OFFICIAL_ACCOUNT.card_id).await;
    card_id
}

/// Changes the card, which is reviewed again; then its slot in messages, which is not.
pub(super) async fn change(walk: &mut Walk<'_>, card_id: &str) {
    let update = "official_account.card.update";
    let request = adapted(walk, update, json!({"card_id": card_id}));
    let answer = walk.call(update, request).await;
    assert_eq!(answer["send_check"], true);
    approve(walk.world(), card_id).await;
    let base = base_info(walk, card_id).await;
    assert_eq!(base["service_phone"], "020-87654321");
    assert_eq!(base["location_id_list"], json!([101, 102, 103]));

    let slot = "official_account.card.update_modify_msg";
    let cell = json!({"card_cell": {"card_id": OFFICIAL_ACCOUNT.card_id}});
    let request = adapted(
        walk,
        slot,
        json!({"card_id": card_id, "member_card": {"modify_msg_operation": cell}}),
    );
    let answer = walk.call(slot, request).await;
    assert_eq!(answer["send_check"], false);
    // No answer shows the slot; the sandbox knows it.
    let effects = walk.world().effects_of(slot);
    assert_eq!(effects.len(), 1, "{effects:?}");
}

/// Deletes the card, which no list has any more.
pub(super) async fn delete(walk: &mut Walk<'_>, card_id: &str) {
    let delete = "official_account.card.delete";
    walk.call(delete, json!({"card_id": card_id})).await;
    let base = base_info(walk, card_id).await;
    assert_eq!(base["status"], "CARD_STATUS_DELETE");
}

/// Makes a card with everything that a card can have beyond the example; what excludes each other is on other cards.
pub(super) async fn make_full(walk: &mut Walk<'_>) {
    let mini = |prefix: &str| {
        json!({
            format!("{prefix}app_brand_user_name"): "gh_86a091e50ad4@app",
            format!("{prefix}app_brand_pass"): "pages/index",
        })
    };
    let mut base = json!({
        "date_info": {"type": "DATE_TYPE_FIX_TERM", "fixed_term": 365, "fixed_begin_term": 0},
        "source": "Harbour",
    });
    for place in ["center_", "custom_", "promotion_"] {
        merge(&mut base, mini(place));
    }
    let mut card = json!({
        "base_info": base,
        "supply_bonus": false,
        "activate_url": "https://shop.example.com/activate",
        "wx_activate": false,
        "wx_activate_after_submit": false,
        "wx_activate_after_submit_url": "https://shop.example.com/welcome",
        "advanced_info": {"use_condition": {"least_cost": 100, "object_use_for": "Tea"}},
    });
    for place in [
        "wx_activate_after_submit_",
        "activate_",
        "bonus_",
        "balance_",
    ] {
        merge(&mut card, mini(place));
    }
    for number in 1..=3 {
        let url = "https://shop.example.com";
        let mut field = json!({"name_type": "FIELD_NAME_TYPE_LEVEL", "name": "Level", "url": url});
        let mut cell = json!({"name": "Orders", "tips": "All", "url": url});
        merge(&mut field, mini(""));
        merge(&mut cell, mini(""));
        card[format!("custom_field{number}")] = field;
        card[format!("custom_cell{number}")] = cell;
    }
    let create = "official_account.card.create";
    let request = adapted(walk, create, json!({"card": {"member_card": card}}));
    let made = walk.call(create, request.clone()).await;
    let shown = walk.call(GET, json!({"card_id": made["card_id"]})).await;
    for place in ["custom_field3", "custom_cell3", "advanced_info"] {
        assert_eq!(
            shown["card"]["member_card"][place],
            request["card"]["member_card"][place]
        );
    }
}
