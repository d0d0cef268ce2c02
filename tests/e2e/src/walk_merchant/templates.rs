//! Templates: create, list, read, change, sections, deposited codes, end, upgrade.

use serde_json::json;

use super::{Journey, text};

impl Journey<'_> {
    /// Creates the template of the examples, approves it and gives it all its sections.
    pub(super) async fn templates(&mut self) -> String {
        let live = json!({
            "balance_information": { "balance_url": "https://example.com/balance" },
            "additional_statement": { "appid": "wx7b20d4e6f8a1c359", "path": "pages/statement/index" },
            // The other kind of validity has them; together they are tolerated.
            "date_information": { "available_day_after_receive": 365, "wait_days_after_receive": 0 },
        });
        let created = self.call("merchant.cards.create", live).await;
        assert_eq!(created["status"], "NOT_APPROVE");
        assert_eq!(created["remain_quantity"], 200_000);
        let card_id = text(&created["card_id"]);
        self.approve(&card_id).await;

        let form = json!({
            "card_id": card_id,
            "user_information_form": {
                "custom_field_list": [{ "type": "RADIO", "name": "喜欢的茶", "values": ["红茶", "绿茶"] }],
            },
        });
        self.call("merchant.cards.update", form).await;
        let card = self.card(&card_id).await;
        assert_eq!(card["description"], "出示会员卡可累积积分,生日当月双倍");
        assert_eq!(card["total_quantity"], 300_000);
        assert_eq!(card["remain_quantity"], 300_000);
        let form = &card["user_information_form"];
        assert_eq!(form["can_modify_after_activate"], true);
        assert_eq!(form["common_field_list"], json!(["USER_FORM_FLAG_MOBILE"]));

        let list = self.call("merchant.cards.list", json!({})).await;
        assert_eq!(list["total_count"], 1);
        assert_eq!(list["data"][0]["card_id"], card_id);
        assert_eq!(list["data"][0]["status"], "APPROVED");

        self.sections(&card_id).await;
        card_id
    }

    async fn sections(&mut self, card_id: &str) {
        let live = json!({
            "card_id": card_id,
            "bonus": {
                "bonus_support_appid": "wx7b20d4e6f8a1c359",
                "bonus_support_path": "pages/support/index",
            },
            "show_fapiao": true,
            "fapiao": {
                "fapiao_jump_word": "开发票",
                "fapiao_jump_appid": "wx7b20d4e6f8a1c359",
                "fapiao_jump_path": "pages/fapiao/index",
            },
            "show_guide": true,
            "guide": guide(),
        });
        self.call("merchant.card_rights.update", live).await;
        let card = self.card(card_id).await;
        assert_eq!(card["bonus"]["bonus_value_word"], "我的积分");
        assert_eq!(card["favor"]["member_price_word"], "周二八折");
        assert_eq!(card["fapiao"]["fapiao_jump_word"], "开发票");
        assert_eq!(card["guide"], guide());
    }

    /// Deposits the codes of the example for a template that gives out deposited codes.
    pub(super) async fn deposited_codes(&mut self) {
        let live = json!({
            "out_request_no": "1900000109_20260301_0002",
            "code_mode": "MERCHANT_DEPOSIT",
            "total_quantity": null,
        });
        let created = self.call("merchant.cards.create", live).await;
        let card_id = text(&created["card_id"]);
        self.approve(&card_id).await;
        for expected in ["SUCCESS", "DUPLICATE"] {
            let live = json!({ "card_id": card_id });
            let answer = self.call("merchant.codes.deposit", live).await;
            let expected = json!([
                { "code": "620915483307", "result": expected },
                { "code": "620915483308", "result": expected },
            ]);
            assert_eq!(answer["data"], expected);
        }
        let card = self.card(&card_id).await;
        assert_eq!(card["total_quantity"], 2);
        assert_eq!(card["remain_quantity"], 2);
    }

    /// Ends the user card and the template.
    pub(super) async fn ends(&mut self, card_id: &str, code: &str) {
        let live = json!({ "card_id": card_id, "code": code });
        self.call("merchant.user_cards.set_unavailable", live).await;
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card["user_card_status"], "UNAVAILABLE");

        let live = json!({ "card_id": card_id });
        self.call("merchant.cards.delete", live).await;
        assert_eq!(self.card(card_id).await["status"], "DELETED");
    }

    /// Takes over an old card of the public platform.
    pub(super) async fn upgrade(&mut self) {
        let old = self
            .act("create-old-card", json!({ "title": "老会员卡" }))
            .await;
        let card_id = text(&old["template"]["card_id"]);
        let live = json!({ "card_id": card_id });
        self.call("merchant.cards.upgrade", live).await;
        let card = self.card(&card_id).await;
        assert_eq!(card["title"], "老会员卡");
        assert_eq!(card["brand"]["brand_id"], "20481");
        assert_eq!(card["appid"], "wx3f1c9a7e5b2d8046");
    }
}

/// Somebody to ask.
pub(super) fn guide() -> serde_json::Value {
    json!({
        "staff_name": "小林",
        "head_image_url": "https://wx.qlogo.cn/mmopen/x8Kq/0",
        "contact_information_name": "电话",
        "contact_information_value": "0755-86001234",
        "phone_number": "0755-86001234",
    })
}
