//! Codes and lists.

use serde_json::json;

use super::{Row, act, approved};
use crate::demo::OFFICIAL_ACCOUNT;
use crate::walk::Walk;

pub(super) async fn rows(walk: &mut Walk<'_>) -> Vec<Row> {
    let custom = approved(walk, json!({"use_custom_code": true})).await;
    for (number, code) in ["M1", "M2", "M3"].into_iter().enumerate() {
        let claim = json!({"card_id": custom, "openid": format!("oUser{number}"), "code": code});
        act(walk, "claim", claim).await;
    }
    act(walk, "consume", json!({"card_id": custom, "code": "M2"})).await;
    act(walk, "gift", json!({"card_id": custom, "code": "M3"})).await;
    let demo = OFFICIAL_ACCOUNT;
    let mut rows = vec![
        ("code.decrypt", json!({"encrypt_code": "unknown"}), "40075"),
        // The codes of the platform cannot be replaced.
        (
            "code.update",
            json!({"card_id": demo.card_id, "code": demo.code, "new_code": "M9"}),
            "43009",
        ),
        // Nor can codes be imported into a card that does not give out imported ones.
        (
            "code.deposit",
            json!({"card_id": demo.card_id, "code": ["N1"]}),
            "43009",
        ),
        (
            "code.deposit",
            json!({"card_id": custom, "code": ["N1"]}),
            "40078",
        ),
        (
            "code.deposit",
            json!({"card_id": "none", "code": ["N1"]}),
            "40073",
        ),
        (
            "code.get_deposit_count",
            json!({"card_id": "none"}),
            "40073",
        ),
        (
            "code.check",
            json!({"card_id": "none", "code": ["N1"]}),
            "40073",
        ),
        (
            "user.get_card_list",
            json!({"openid": "not an openid"}),
            "40003",
        ),
        (
            "user.get_card_list",
            json!({"openid": "oUser1", "card_id": "none"}),
            "40073",
        ),
    ];
    for (operation, new_code) in [
        ("code.get", None),
        ("code.unavailable", None),
        ("code.update", Some("M9")),
    ] {
        let ask = |card_id: &str, code: &str| {
            let mut request = json!({"card_id": card_id, "code": code});
            if let Some(new_code) = new_code {
                request["new_code"] = json!(new_code);
            }
            request
        };
        rows.push((operation, ask(&custom, "M0"), "40056"));
        rows.push((operation, ask("none", "M1"), "40073"));
        rows.push((operation, ask(&custom, "M3"), "40127"));
        if new_code.is_none() {
            rows.push((operation, ask(&custom, "M2"), "40099"));
        }
    }
    rows
}
