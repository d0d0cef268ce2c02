//! What WeChat refuses of those whom it was not told about: the settings of the sandbox say who they are.

use serde_json::{Value, json};

use super::Ground;
use super::Why::{self, Rule};
use crate::demo::MERCHANT;

const CARD: &str = MERCHANT.card_id;
const CODE: &str = MERCHANT.code;
const PHONE: &str = "13800000419";

/// Settings of the family, and what is refused under them: operations, what is put into their examples, and how.
type Block = (Value, Vec<(&'static str, Value, Why)>);

pub(super) fn blocks(ground: &Ground) -> [Block; 6] {
    [
        service_accounts(ground),
        (
            json!({ "everyone_has_paid": false }),
            vec![
                (
                    "merchant.user_cards.import_by_phone",
                    json!({ "card_id": CARD, "encrypted_phone_number": PHONE }),
                    Rule("用户一年内在该商户无微信支付交易"),
                ),
                (
                    "merchant.phone_members.import",
                    json!({
                        "member_information": { "card_id": CARD, "code": null },
                        "encrypted_phone_number": PHONE,
                    }),
                    Rule("用户一年内在该商户无微信支付交易"),
                ),
            ],
        ),
        services(),
        (
            json!({ "bound_merchant_numbers": ["1900000998"], "confirm_for_merchants": false }),
            vec![
                bound("merchant.bonus.prepare"),
                bound("merchant.bonus.commit"),
                activity("活动创建方与会员卡品牌未绑定"),
                (
                    "merchant.activities.terminate",
                    json!({ "activity_id": ground.over }),
                    Rule("活动创建方与会员卡品牌未绑定"),
                ),
                (
                    "merchant.user_cards.confirm",
                    json!({ "card_id": CARD, "code": CODE }),
                    Rule("仅服务商可确认开卡结果"),
                ),
            ],
        ),
        (
            json!({ "bound_merchant_numbers": ["1900000109"] }),
            vec![activity("活动曝光商户号与会员卡品牌未绑定")],
        ),
        (
            json!({ "bound_merchant_numbers": [], "authorized_stocks": ["1"] }),
            vec![activity("活动创建方无该商家券批次的发放权限")],
        ),
    ]
}

fn service_accounts(ground: &Ground) -> Block {
    let why = || Rule("appid不是服务号的appid");
    let create = json!({ "out_request_no": "other-number-1" });
    let update = json!({ "card_id": CARD, "appid": "wx3f1c9a7e5b2d8046" });
    let rows = vec![
        ("merchant.cards.create", create, why()),
        ("merchant.cards.list", json!({}), why()),
        ("merchant.cards.update", update, why()),
        (
            "merchant.cards.upgrade",
            json!({ "card_id": ground.old }),
            why(),
        ),
        ("merchant.user_cards.list", json!({}), why()),
    ];
    let settings = json!({ "service_account_appids": ["wxd678efh567hg6787"] });
    (settings, rows)
}

fn services() -> Block {
    let rows = [
        "merchant.service_modules.add",
        "merchant.service_modules.update",
        "merchant.service_modules.remove",
    ]
    .map(|id| (id, json!({ "card_id": CARD, "service_module_id": "731" })))
    .into_iter()
    .chain([(
        "merchant.user_card_services.set",
        json!({ "card_id": CARD, "code": CODE, "out_request_no": "other-number-1" }),
    )])
    .map(|(id, live)| (id, live, Rule("品牌无权限使用该服务项")));
    let settings = json!({ "granted_service_items": ["732"] });
    (settings, rows.collect())
}

fn bound(id: &'static str) -> (&'static str, Value, Why) {
    let live = json!({ "card_id": CARD, "code": CODE });
    (id, live, Rule("商户号与会员卡品牌未绑定"))
}

fn activity(message: &'static str) -> (&'static str, Value, Why) {
    let live = json!({
        "card_id": CARD,
        "out_request_no": "other-number-1",
        "pay_activity_setting": { "mchid_list": ["1900000998"] },
    });
    ("merchant.activities.create", live, Rule(message))
}
