//! Cards: made, reviewed, changed, deleted.

use serde_json::{Value, json};

use super::{adapted, approve, text};
use crate::demo::OFFICIAL_ACCOUNT;
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
    assert_eq!(cards["total_num"], 2);
    assert_eq!(
        cards["card_id_list"],
        json!([OFFICIAL_ACCOUNT.card_id, card_id])
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
