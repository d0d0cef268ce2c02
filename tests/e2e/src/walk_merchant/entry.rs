//! How users come to a card: links, the merchant's page, activation, confirmation.

use kabao_proto::kabao::merchant::v1::activate_information_service_client::ActivateInformationServiceClient;
use kabao_proto::kabao::merchant::v1::card_qrcode_service_client::CardQrcodeServiceClient;
use kabao_proto::kabao::merchant::v1::code_service_client::CodeServiceClient;
use kabao_proto::kabao::merchant::v1::permission_token_service_client::PermissionTokenServiceClient;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::merchant::v1::UserCardStatus;
use serde_json::json;

use super::{Journey, call};

/// The user of the examples.
pub(super) const OPENID: &str = "oKq3xjnA1b2C3d4E5f6G7h8J9k0L";

impl Journey {
    /// Lets the user of the examples scan a QR code, fill in the form and become a member.
    pub(super) async fn entry(&mut self, card_id: &str) -> String {
        let link = call!(self, "merchant.card_qrcodes.create", CardQrcodeServiceClient.create_card_qrcode, {
            "card_id": card_id
        });
        let opened = self
            .action(
                "open-link",
                json!({
                    "link": link.url.unwrap(),
                    "user": {
                        "openid": OPENID,
                        "nickname": "林间",
                        "head_image_url": "https://wx.qlogo.cn/mmopen/x8Kq/0"
                    },
                    "user_information": {
                        "common_field_list": [{ "name": "USER_FORM_FLAG_MOBILE", "value": "13800000000" }],
                        "custom_field_list": [{ "name": "喜欢的茶", "value": "红茶", "value_list": ["红茶"] }]
                    }
                }),
            )
            .await;
        assert_eq!(opened["card"]["user_card_status"], "NOT_ACTIVATE");
        let page = opened["jump"]["url"].as_str().unwrap();
        assert!(page.starts_with("https://example.com/member/activate?openid="), "{page}");
        let pass = &opened["jump"]["pass"];

        let decrypted = call!(self, "merchant.codes.decrypt", CodeServiceClient.decrypt_code, {
            "card_id": card_id, "encrypt_code": pass["encrypt_code"]
        });
        let code = decrypted.code.unwrap();
        assert_eq!(opened["card"]["code"], *code);

        let form = call!(
            self,
            "merchant.activate_informations.get",
            ActivateInformationServiceClient.get_activate_information,
            { "activate_ticket": pass["activate_ticket"] }
        );
        assert_eq!(form.nickname.as_deref(), Some("林间"));
        let answers = form.user_information.unwrap();
        assert_eq!(answers.common_field_list[0].value.as_deref(), Some("13800000000"));
        assert_eq!(answers.custom_field_list[0].value_list, ["红茶"]);

        call!(self, "merchant.user_cards.activate", UserCardServiceClient.activate_user_card, {
            "card_id": card_id, "code": code
        });
        let user_card = self.user_card(card_id, &code).await;
        assert_eq!(user_card.user_card_status(), UserCardStatus::Effective);
        assert_eq!(user_card.membership_number.as_deref(), Some("820915483307"));
        assert_eq!((user_card.openid.as_deref(), user_card.bonus_value), (Some(OPENID), Some(100)));

        self.token(card_id).await;
        self.confirmation(card_id).await;
        code
    }

    /// Lets a user follow a token; the card is active at once.
    async fn token(&mut self, card_id: &str) {
        let token = call!(
            self,
            "merchant.permission_tokens.create",
            PermissionTokenServiceClient.create_permission_token,
            { "card_id": card_id }
        );
        let link = json!({ "link": token.permission_token.unwrap(), "user": { "openid": "oToken" } });
        let opened = self.action("open-link", link).await;
        let code = opened["card"]["code"].as_str().unwrap();
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card.user_card_status(), UserCardStatus::Effective);
    }

    /// Lets a user open a card in the merchant's mini program, and confirms it.
    async fn confirmation(&mut self, card_id: &str) {
        let start = json!({ "card_id": card_id, "user": { "openid": "oMiniProgram" } });
        let started = self.action("start-activation", start).await;
        let code = started["card"]["code"].as_str().unwrap();
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card.user_card_status(), UserCardStatus::NotActivate);
        call!(self, "merchant.user_cards.confirm", UserCardServiceClient.confirm_user_card, {
            "card_id": card_id, "code": code
        });
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card.user_card_status(), UserCardStatus::Effective);
    }
}
