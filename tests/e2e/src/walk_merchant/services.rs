//! Service items, activities and the callback.

use serde_json::json;

use super::{Journey, text};

impl Journey<'_> {
    /// Puts a service item on a template, gives a member a state of it and takes it away again.
    pub(super) async fn services(&mut self, card_id: &str, code: &str) {
        let card = json!({ "card_id": card_id });
        self.call("merchant.service_modules.add", card.clone())
            .await;
        // The example has the id of another world.
        let live = json!({ "card_id": card_id, "service_module_id": "731" });
        let updated = self.call("merchant.service_modules.update", live).await;
        assert_eq!(updated["jump_miniprogram"]["path"], "pages/service/v2");
        let service = json!({
            "service_module_id": "731",
            "jump_miniprogram": updated["jump_miniprogram"],
        });
        let shown = self.card(card_id).await;
        assert_eq!(shown["service_modules"], json!([service]));

        let set = "merchant.user_card_services.set";
        let example = self.walk.example(set);
        let member = json!({ "card_id": card_id, "code": code });
        self.call(set, member).await;
        let services = &self.user_card(card_id, code).await["service_modules"];
        let service = json!({
            "service_module_id": "731",
            "state_setting": example["state_setting"],
        });
        assert_eq!(*services, json!([service]));

        self.call("merchant.service_modules.remove", card).await;
        assert_eq!(self.card(card_id).await.get("service_modules"), None);
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card.get("service_modules"), None);
    }

    /// Runs an activity after payments from its creation to its end, and one in a mini program.
    pub(super) async fn activities(&mut self, card_id: &str) {
        let begin = "2026-04-01T00:00:00+08:00";
        let end = "2026-05-01T00:00:00+08:00";
        let create = "merchant.activities.create";
        let period = json!({ "award_send_time": [{ "begin_time": begin, "end_time": end }] });
        let activate = json!({
            "activate_type": "JUMP_ACTIVATE",
            "activate_url": "https://example.com/member/activate",
            "activate_miniprogram": {
                "activate_appid": "wx7b20d4e6f8a1c359",
                "activate_path": "pages/index",
            },
        });
        let payment = json!({
            "payment_mode": { "payment_scene_list": ["APP_SCENE"] },
            "limit_bank": "ICBC_CREDIT",
            "goods_tags": ["tea"],
        });
        let miniprogram = json!({
            "outer_str": ["sz_store_007"],
            "award_jump_deploy": {
                "mini_program_appid": "wx7b20d4e6f8a1c359",
                "mini_program_path": "pages/award/index",
                "button_text": "去使用",
            },
        });
        let live = json!({
            "card_id": card_id,
            "award_send_period": period,
            "pay_activity_setting": { "activate_setting": activate, "payment_setting": payment },
            // An activity of the other kind needs it; here it is kept.
            "miniprogram_activity_setting": miniprogram,
        });
        let created = self.call(create, live).await;
        assert_eq!(created["activity_status"], "CREATED");
        let activity_id = text(&created["activity_id"]);
        let live = json!({
            "card_id": card_id,
            "out_request_no": "1900000109_20260325_000014",
            "activity_type": "MEMBER_MINIPROGRAM",
            "pay_activity_setting": null,
            "miniprogram_activity_setting": miniprogram,
        });
        let other = self.call(create, live).await;
        assert_ne!(other["activity_id"], created["activity_id"]);

        let later = json!({ "set": "2026-04-20T08:00:00+08:00" });
        self.world.order("POST", "/clock", &later).await;
        let card = json!({ "card_id": card_id });
        let list = self.call("merchant.activities.list", card).await;
        assert_eq!(list["total_count"], 1);
        assert_eq!(list["data"][0]["activity_id"], activity_id);
        assert_eq!(list["data"][0]["activity_status"], "ONGOING");

        let activity = json!({ "activity_id": activity_id });
        let ended = self
            .call("merchant.activities.terminate", activity.clone())
            .await;
        // The clock runs on.
        let when = text(&ended["terminate_time"]);
        assert!(when.starts_with("2026-04-20T08:"), "{when}");
        let ended = self.call("merchant.activities.get", activity).await;
        assert_eq!(ended["activity_status"], "TERMINATED");
        assert_eq!(ended["activity_name"], "春季开卡礼");
    }

    pub(super) async fn callback(&mut self) {
        let set = self.call("merchant.callback.set", json!({})).await;
        let expected = json!({
            "notify_url": "https://example.com/wechatpay/membercard",
            "mchid": "1900000109",
        });
        assert_eq!(set, expected);
        let got = self.call("merchant.callback.get", json!({})).await;
        assert_eq!(got, expected);
    }
}
