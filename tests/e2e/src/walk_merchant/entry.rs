//! How users come to a card: links, the merchant's page, activation, confirmation.

use serde_json::json;

use super::{Journey, text};

/// The user of the examples.
const OPENID: &str = "oKq3xjnA1b2C3d4E5f6G7h8J9k0L";

impl Journey<'_> {
    /// Lets the user of the examples scan a QR code, fill in the form and become a member.
    pub(super) async fn entry(&mut self, card_id: &str) -> String {
        let card = json!({ "card_id": card_id });
        let link = self.call("merchant.card_qrcodes.create", card).await;
        let answers = json!({
            "common_field_list": [{ "name": "USER_FORM_FLAG_MOBILE", "value": "13800000000" }],
            "custom_field_list": [{ "name": "喜欢的茶", "value": "红茶", "value_list": ["红茶"] }],
        });
        let scan = json!({
            "link": link["url"],
            "user": {
                "openid": OPENID,
                "nickname": "林间",
                "head_image_url": "https://wx.qlogo.cn/mmopen/x8Kq/0",
            },
            "user_information": answers,
        });
        let opened = self.act("open-link", scan).await;
        assert_eq!(opened["card"]["user_card_status"], "NOT_ACTIVATE");
        let page = text(&opened["jump"]["url"]);
        let expected = format!("https://example.com/member/activate?openid={OPENID}&");
        assert!(page.starts_with(&expected), "{page}");
        let pass = &opened["jump"]["pass"];

        let carried = json!({ "card_id": card_id, "encrypt_code": pass["encrypt_code"] });
        let decrypted = self.call("merchant.codes.decrypt", carried).await;
        assert_eq!(decrypted["code"], opened["card"]["code"]);
        let code = text(&decrypted["code"]);

        let carried = json!({ "activate_ticket": pass["activate_ticket"] });
        let form = self
            .call("merchant.activate_informations.get", carried)
            .await;
        assert_eq!(form["nickname"], "林间");
        assert_eq!(form["user_information"], answers);

        let member = json!({ "card_id": card_id, "code": code });
        self.call("merchant.user_cards.activate", member).await;
        let user_card = self.user_card(card_id, &code).await;
        assert_eq!(user_card["user_card_status"], "EFFECTIVE");
        assert_eq!(user_card["membership_number"], "820915483307");
        assert_eq!(user_card["openid"], OPENID);
        assert_eq!(user_card["bonus_value"], 100);

        self.token(card_id).await;
        self.confirmation(card_id).await;
        code
    }

    /// Lets a user follow a token; the card is active at once.
    async fn token(&mut self, card_id: &str) {
        let card = json!({ "card_id": card_id });
        let token = self.call("merchant.permission_tokens.create", card).await;
        let follow = json!({ "link": token["permission_token"], "user": { "openid": "oToken" } });
        let opened = self.act("open-link", follow).await;
        let code = text(&opened["card"]["code"]);
        let user_card = self.user_card(card_id, &code).await;
        assert_eq!(user_card["user_card_status"], "EFFECTIVE");
        assert_eq!(user_card["openid"], "oToken");
    }

    /// Lets a user open a card in the merchant's mini program, and confirms it.
    async fn confirmation(&mut self, card_id: &str) {
        let start = json!({ "card_id": card_id, "user": { "openid": "oMiniProgram" } });
        let started = self.act("start-activation", start).await;
        let code = text(&started["card"]["code"]);
        let user_card = self.user_card(card_id, &code).await;
        assert_eq!(user_card["user_card_status"], "NOT_ACTIVATE");
        let member = json!({ "card_id": card_id, "code": code });
        self.call("merchant.user_cards.confirm", member).await;
        let user_card = self.user_card(card_id, &code).await;
        assert_eq!(user_card["user_card_status"], "EFFECTIVE");
    }
}
