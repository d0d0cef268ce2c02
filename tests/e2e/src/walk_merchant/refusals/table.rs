//! What each operation refuses by a rule of its own.

use serde_json::{Value, json};

use super::Why::{self, Limit, NumberUsed, Parameter, Rule};
use super::{Ground, services};
use crate::demo::MERCHANT;

/// An operation, what is put into its example, and how it is refused.
pub(super) type Row = (&'static str, Value, Why);

pub(super) fn rows(ground: &Ground) -> Vec<Row> {
    let mut rows = templates(ground);
    rows.extend(pictures());
    rows.extend(entry(ground));
    rows.extend(members(ground));
    rows.extend(imports(ground));
    rows.extend(services::items(ground));
    rows.extend(services::states());
    rows.extend(services::activities(ground));
    rows
}

const CARD: &str = MERCHANT.card_id;
const CODE: &str = MERCHANT.code;

/// Kinds that WeChat does not take, by name and by content, and an empty picture.
fn pictures() -> Vec<Row> {
    let upload = "merchant.media.image_upload";
    vec![
        (
            upload,
            json!({ "filename": "card-face.gif" }),
            Limit("filename"),
        ),
        (upload, json!({ "content": b"GIF89a" }), Limit("content")),
        (upload, json!({ "content": [] }), Limit("content")),
    ]
}

fn templates(ground: &Ground) -> Vec<Row> {
    let create = "merchant.cards.create";
    vec![
        (
            create,
            json!({ "out_request_no": "other-number-1", "balance_information": { "balance_path": null } }),
            Rule("储值小程序path为空"),
        ),
        (
            create,
            json!({ "out_request_no": "ground-1", "title": "另一张卡" }),
            NumberUsed,
        ),
        (
            create,
            json!({ "out_request_no": "other-number-2", "date_information": { "type": "FIX_TERM" } }),
            Parameter("date_information.available_day_after_receive"),
        ),
        (
            "merchant.cards.list",
            json!({ "limit": 21 }),
            Limit("limit"),
        ),
        (
            "merchant.cards.list",
            json!({ "offset": -1 }),
            Parameter("offset"),
        ),
        (
            "merchant.cards.get",
            json!({ "card_id": ground.old }),
            Rule("请先升级"),
        ),
        (
            "merchant.cards.update",
            json!({
                "card_id": CARD,
                "balance_information": { "balance_appid": "wx7b20d4e6f8a1c359" },
            }),
            Rule("储值小程序path为空"),
        ),
        (
            "merchant.cards.update",
            json!({ "card_id": CARD, "code_mode": "MERCHANT_DEPOSIT" }),
            Rule("code_mode不可修改，当前为SYSTEM_ALLOCATE"),
        ),
        (
            "merchant.cards.update",
            json!({ "card_id": ground.real_time }),
            Rule("code_mode不可修改为SYSTEM_ALLOCATE"),
        ),
        (
            "merchant.cards.update",
            json!({ "card_id": ground.deleted }),
            Rule("会员卡已删除"),
        ),
        (
            "merchant.cards.delete",
            json!({ "card_id": ground.deleted }),
            Rule("会员卡已删除"),
        ),
        (
            "merchant.cards.upgrade",
            json!({ "card_id": CARD }),
            Rule("该会员卡已迁移"),
        ),
        (
            "merchant.card_rights.update",
            json!({ "card_id": CARD, "bonus": { "bonus_jump_path": null } }),
            Rule("积分跳转path为空"),
        ),
    ]
}

fn entry(ground: &Ground) -> Vec<Row> {
    vec![
        (
            "merchant.codes.deposit",
            json!({ "card_id": CARD }),
            Rule("code_mode不是MERCHANT_DEPOSIT"),
        ),
        (
            "merchant.codes.decrypt",
            json!({ "card_id": CARD }),
            Rule("encrypt_code无效或已过期"),
        ),
        (
            "merchant.card_qrcodes.create",
            json!({ "card_id": ground.real_time }),
            Rule("不支持二维码投放"),
        ),
        (
            "merchant.card_qrcodes.create",
            json!({ "card_id": CARD, "activate_url": null }),
            Parameter("activate_url"),
        ),
        (
            "merchant.permission_tokens.create",
            json!({ "card_id": ground.unapproved }),
            Rule("会员卡未通过审核"),
        ),
        (
            "merchant.permission_tokens.create",
            json!({ "card_id": ground.deleted }),
            Rule("会员卡已删除"),
        ),
        (
            "merchant.activate_informations.get",
            json!({}),
            Rule("activate_ticket无效或已过期"),
        ),
        (
            "merchant.user_cards.activate",
            json!({ "card_id": CARD, "code": CODE }),
            Rule("不是待激活状态"),
        ),
        (
            "merchant.user_cards.activate",
            json!({ "card_id": CARD, "code": ground.unavailable }),
            Rule("已失效"),
        ),
        (
            "merchant.user_cards.confirm",
            json!({ "card_id": CARD, "code": CODE, "user_card_confirm_state": "CREATE_CARD_FAIL" }),
            Rule("开卡结果已确认"),
        ),
    ]
}

fn members(ground: &Ground) -> Vec<Row> {
    vec![
        (
            "merchant.user_cards.get",
            json!({ "card_id": ground.real_time, "code": CODE }),
            Rule("code不存在"),
        ),
        (
            "merchant.user_cards.update",
            json!({ "card_id": CARD, "code": CODE, "level": "白银会员" }),
            NumberUsed,
        ),
        (
            "merchant.user_cards.update",
            json!({ "card_id": CARD, "code": ground.unavailable, "out_request_no": "other-number-1" }),
            Rule("已失效"),
        ),
        (
            "merchant.user_cards.set_unavailable",
            json!({ "card_id": ground.old, "code": CODE }),
            Rule("请先升级"),
        ),
        (
            "merchant.user_cards.list",
            json!({ "limit": 21 }),
            Limit("limit"),
        ),
        (
            "merchant.user_card_rights.update",
            json!({ "card_id": CARD, "code": CODE, "bonus_value": 751 }),
            NumberUsed,
        ),
        (
            "merchant.user_card_rights.update",
            json!({ "card_id": CARD, "code": ground.thrown_away, "out_request_no": "other-number-1" }),
            Rule("用户已删除"),
        ),
        (
            "merchant.bonus.prepare",
            json!({ "card_id": CARD, "code": CODE, "bonus_value": 31 }),
            Rule("该订单已预通知积分"),
        ),
        (
            "merchant.bonus.prepare",
            json!({ "card_id": CARD, "code": CODE, "mchid": "19" }),
            Rule("商户号不合法"),
        ),
        (
            "merchant.bonus.prepare",
            json!({ "card_id": ground.real_time, "code": CODE }),
            Rule("会员卡未开通积分权益"),
        ),
        (
            "merchant.bonus.prepare",
            json!({ "card_id": CARD, "code": ground.thrown_away }),
            Rule("用户已删除"),
        ),
        (
            "merchant.bonus.commit",
            json!({ "card_id": CARD, "code": ground.thrown_away }),
            Rule("用户已删除"),
        ),
        (
            "merchant.bonus.commit",
            json!({ "card_id": CARD, "code": CODE, "mchid": "19" }),
            Rule("商户号不合法"),
        ),
        (
            "merchant.bonus.commit",
            json!({ "card_id": ground.real_time, "code": CODE }),
            Rule("会员卡未开通积分权益"),
        ),
        (
            "merchant.bonus.commit",
            json!({ "card_id": CARD, "code": CODE, "out_trade_no": "unknown" }),
            Rule("该订单未预通知积分"),
        ),
    ]
}

fn imports(ground: &Ground) -> Vec<Row> {
    let openid = "merchant.user_cards.import_by_openid";
    let phone = "merchant.user_cards.import_by_phone";
    let number = "13800000417";
    vec![
        (
            openid,
            json!({ "card_id": CARD, "openid": "oUnavailable" }),
            Rule("用户已领取该会员卡"),
        ),
        (
            openid,
            json!({ "card_id": ground.real_time }),
            Rule("缺少code"),
        ),
        (
            openid,
            json!({ "card_id": ground.unapproved }),
            Rule("会员卡未通过审核"),
        ),
        (
            phone,
            json!({ "card_id": CARD, "encrypted_phone_number": "+1 555 0100" }),
            Parameter("encrypted_phone_number"),
        ),
        (
            phone,
            json!({
                "card_id": CARD,
                "encrypted_phone_number": number,
                "out_request_no": "other-number-1",
            }),
            Rule("用户已领取该会员卡"),
        ),
        (
            phone,
            json!({
                "card_id": ground.real_time,
                "encrypted_phone_number": number,
                "out_request_no": "other-number-1",
            }),
            Rule("缺少code"),
        ),
        (
            "merchant.phone_members.import",
            json!({
                "member_information": { "card_id": CARD, "code": null },
                "encrypted_phone_number": number,
            }),
            Rule("用户已领取该会员卡"),
        ),
        (
            phone,
            json!({ "card_id": ground.deleted, "encrypted_phone_number": "13800000419" }),
            Rule("会员卡已删除"),
        ),
        (
            "merchant.phone_members.import",
            json!({
                "member_information": { "card_id": ground.real_time, "code": null },
                "encrypted_phone_number": number,
            }),
            Rule("缺少code"),
        ),
        (
            "merchant.phone_members.search",
            json!({ "card_id": CARD, "encrypted_phone_number": "+1 555 0100" }),
            Parameter("encrypted_phone_number"),
        ),
    ]
}
