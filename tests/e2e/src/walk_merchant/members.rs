//! Members: level, balance, points, lists, imports.

use serde_json::{Value, json};

use super::templates::guide;
use super::{Journey, text};
use crate::demo::MERCHANT;

const PHONE: &str = "13800000417";
const OTHER_PHONE: &str = "13800000418";

impl Journey<'_> {
    /// Changes what a member has, and finds the member in the list of the openid.
    pub(super) async fn members(&mut self, card_id: &str, code: &str) {
        let picture = "https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0";
        let live = json!({ "card_id": card_id, "code": code, "background_picture_url": picture });
        self.call("merchant.user_cards.update", live).await;
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card["level"], "黄金会员");
        assert_eq!(user_card["balance"], 9800);
        assert_eq!(user_card["background_picture_url"], picture);

        let live = json!({
            "card_id": card_id,
            "code": code,
            "fapiao_jump_word": "开发票",
            "guide": guide(),
        });
        self.call("merchant.user_card_rights.update", live).await;
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card["bonus_value"], 750);
        assert_eq!(user_card["fapiao_jump_word"], "开发票");
        assert_eq!(user_card["guide"], guide());

        // The points of an order are shown after the payment; no answer has them.
        for (operation, arrived) in [
            ("merchant.bonus.prepare", false),
            ("merchant.bonus.commit", true),
        ] {
            let member = json!({ "card_id": card_id, "code": code });
            self.call(operation, member).await;
            let effects = self.world.effects_of(operation);
            assert_eq!(effects.len(), 1, "{operation}");
            let order = effects[0].changes[0].after.as_ref().unwrap();
            assert_eq!(order["points"], 30, "{operation}");
            assert_eq!(order["arrived"], arrived, "{operation}");
        }

        let list = self.call("merchant.user_cards.list", json!({})).await;
        assert_eq!(list["total_count"], 1);
        assert_eq!(list["data"], json!([{ "card_id": card_id, "code": code }]));
    }

    /// Imports members by openid and by phone number, and reminds one who registered.
    pub(super) async fn imports(&mut self, card_id: &str) {
        let live = json!({ "card_id": card_id, "openid": "oImported" });
        let imported = self
            .call("merchant.user_cards.import_by_openid", live)
            .await;
        let code = text(&imported["code"]);
        let user_card = self.user_card(card_id, &code).await;
        assert_eq!(user_card["openid"], "oImported");
        assert_eq!(user_card["user_card_status"], "EFFECTIVE");

        let live = json!({ "card_id": card_id, "encrypted_phone_number": PHONE });
        let imported = self.call("merchant.user_cards.import_by_phone", live).await;
        let code = text(&imported["code"]);
        let user_card = self.user_card(card_id, &code).await;
        assert_eq!(user_card["user_card_status"], "EFFECTIVE");
        assert_eq!(user_card.get("openid"), None);

        let live = json!({
            "member_information": { "card_id": card_id, "code": null },
            "encrypted_phone_number": OTHER_PHONE,
        });
        self.call("merchant.phone_members.import", live).await;
        let reminder = self.reminder(card_id).await;
        assert_eq!(reminder, json!({ "receive_status": "UNSHOWED" }));
        let remind = json!({ "card_id": card_id, "phone_number": OTHER_PHONE });
        self.act("remind-phone-member", remind).await;
        let reminder = self.reminder(card_id).await;
        assert_eq!(reminder, json!({ "receive_status": "UNRECEIVED" }));
        let claim = json!({
            "account": MERCHANT.account,
            "card_id": card_id,
            "openid": "oReminded",
            "phone_number": OTHER_PHONE,
        });
        let claimed = self.world.order("POST", "/cards/claim", &claim).await;
        let member = &claimed["member"];
        assert_eq!(member["membership_number"], "820915483307");
        let reminder = self.reminder(card_id).await;
        assert_eq!(reminder["receive_status"], "RECEIVED");
        let received = &reminder["user_card_information"];
        assert_eq!(received["openid"], "oReminded");
        assert_eq!(received["code"], member["code"]);
    }

    async fn reminder(&mut self, card_id: &str) -> Value {
        let live = json!({ "card_id": card_id, "encrypted_phone_number": OTHER_PHONE });
        self.call("merchant.phone_members.search", live).await
    }
}
