//! What is refused around service items, activities and the callback.

use serde_json::json;

use super::Ground;
use super::Why::{Limit, NumberUsed, Parameter, Parameters, Rule};
use super::table::Row;
use crate::demo::MERCHANT;

const CARD: &str = MERCHANT.card_id;
const CODE: &str = MERCHANT.code;

/// Service items on a template.
pub(super) fn items(ground: &Ground) -> Vec<Row> {
    let add = "merchant.service_modules.add";
    let set = "merchant.user_card_services.set";
    vec![
        (
            add,
            json!({ "card_id": CARD }),
            Rule("会员卡已添加该服务项"),
        ),
        (
            add,
            json!({ "card_id": CARD, "service_module_id": "999" }),
            Rule("服务项ID不存在"),
        ),
        (
            "merchant.service_modules.update",
            json!({ "card_id": CARD, "service_module_id": "732" }),
            Rule("会员卡未添加该服务项"),
        ),
        (
            add,
            json!({ "card_id": CARD, "service_module_id": "732", "jump_miniprogram": { "path": "" } }),
            Limit("jump_miniprogram.path"),
        ),
        (
            "merchant.service_modules.update",
            json!({ "card_id": CARD, "service_module_id": "731", "jump_miniprogram": { "path": "" } }),
            Limit("jump_miniprogram.path"),
        ),
        (
            "merchant.service_modules.update",
            json!({ "card_id": CARD, "service_module_id": "999" }),
            Rule("服务项ID不存在"),
        ),
        (
            "merchant.service_modules.remove",
            json!({ "card_id": CARD, "service_module_id": "999" }),
            Rule("服务项ID不存在"),
        ),
        (
            "merchant.service_modules.remove",
            json!({ "card_id": ground.unapproved }),
            Rule("会员卡未添加该服务项"),
        ),
        (
            set,
            json!({ "card_id": CARD, "code": CODE, "service_module_id": "732" }),
            NumberUsed,
        ),
    ]
}

/// What is wrong with the state of a service item.
pub(super) fn states() -> Vec<Row> {
    let field = |id: &str, value: &str| json!({ "field_id": id, "field_value": value });
    let hotel = field("hotel_name", "海港店");
    [
        (
            json!({ "state_id": "FLYING" }),
            Rule("状态不在服务项模板中"),
        ),
        (
            json!({ "content_template_data": { "field_list": [field("wings", "2")] } }),
            Rule("内容字段不在服务项模板中"),
        ),
        (
            json!({ "content_template_data": { "field_list": [hotel, hotel] } }),
            Parameters,
        ),
        (
            json!({ "message_template_setting": { "message_template_id": "Unknown1" } }),
            Rule("消息模板ID错误"),
        ),
        (
            json!({ "message_template_setting": { "field_list": [field("keyword1", " ")] } }),
            Rule("消息模板部分字段值为空"),
        ),
    ]
    .into_iter()
    .map(|(state, why)| {
        let live = json!({
            "card_id": CARD,
            "code": CODE,
            "out_request_no": "other-number-1",
            "state_setting": state,
        });
        ("merchant.user_card_services.set", live, why)
    })
    .collect()
}

/// Activities and the callback.
pub(super) fn activities(ground: &Ground) -> Vec<Row> {
    let create = "merchant.activities.create";
    vec![
        (
            create,
            json!({ "card_id": CARD, "out_request_no": "other-number-1", "end_time": "2026-09-30T00:00:00+08:00" }),
            Parameter("end_time"),
        ),
        (
            create,
            json!({ "card_id": ground.real_time, "out_request_no": "other-number-1" }),
            Rule("不支持REAL_TIME模式"),
        ),
        (create, json!({ "card_id": CARD }), NumberUsed),
        (
            "merchant.activities.list",
            json!({ "limit": 101 }),
            Parameter("limit"),
        ),
        (
            "merchant.activities.get",
            json!({}),
            Rule("activity_id不合法"),
        ),
        (
            "merchant.activities.terminate",
            json!({ "activity_id": ground.over }),
            Rule("活动已结束"),
        ),
        (
            "merchant.callback.set",
            json!({ "notify_url": "https://example.com/notify?x=1" }),
            Limit("notify_url"),
        ),
        ("merchant.callback.get", json!({}), Rule("未设置回调地址")),
    ]
}
