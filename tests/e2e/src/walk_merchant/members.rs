//! Members: level, balance, points, lists, imports.

use kabao_proto::kabao::merchant::v1::bonus_service_client::BonusServiceClient;
use kabao_proto::kabao::merchant::v1::phone_member_service_client::PhoneMemberServiceClient;
use kabao_proto::kabao::merchant::v1::user_card_right_service_client::UserCardRightServiceClient;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::merchant::v1::{ReceiveStatus, UserCardStatus};
use serde_json::json;

use super::entry::OPENID;
use super::{Journey, call};
use crate::demo::MERCHANT;

const PHONE: &str = "13800000417";
const OTHER_PHONE: &str = "13800000418";

impl Journey {
    /// Changes what a member has, and finds the member in the list of the openid.
    pub(super) async fn members(&mut self, card_id: &str, code: &str) {
        call!(self, "merchant.user_cards.update", UserCardServiceClient.update_user_card, {
            "card_id": card_id,
            "code": code,
            "background_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0"
        });
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card.level.as_deref(), Some("黄金会员"));
        assert_eq!(user_card.balance, Some(9800));

        call!(
            self,
            "merchant.user_card_rights.update",
            UserCardRightServiceClient.update_user_card_rights,
            { "card_id": card_id, "code": code, "fapiao_jump_word": "开发票", "guide": { "staff_name": "小林" } }
        );
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card.bonus_value, Some(750));
        assert_eq!(user_card.fapiao_jump_word.as_deref(), Some("开发票"));

        call!(self, "merchant.bonus.prepare", BonusServiceClient.prepare_bonus, { "card_id": card_id, "code": code });
        call!(self, "merchant.bonus.commit", BonusServiceClient.commit_bonus, { "card_id": card_id, "code": code });
        for (operation, arrived) in [("merchant.bonus.prepare", false), ("merchant.bonus.commit", true)] {
            let effects = self.world.effects_of(operation);
            assert_eq!(effects.len(), 1, "{operation}");
            let order = effects[0].changes[0].after.as_ref().unwrap();
            assert_eq!((&order["points"], &order["arrived"]), (&json!(30), &json!(arrived)));
        }

        let list = call!(self, "merchant.user_cards.list", UserCardServiceClient.list_user_cards, {});
        assert_eq!((list.total_count, list.data.len()), (Some(1), 1));
        assert_eq!(list.data[0].code.as_deref(), Some(code));
    }

    /// Imports members by openid and by phone number, and reminds one who registered.
    pub(super) async fn imports(&mut self, card_id: &str) {
        let imported = call!(
            self,
            "merchant.user_cards.import_by_openid",
            UserCardServiceClient.import_user_card_by_openid,
            { "card_id": card_id, "openid": "oImported" }
        );
        let user_card = self.user_card(card_id, &imported.code.unwrap()).await;
        assert_eq!(user_card.openid.as_deref(), Some("oImported"));
        assert_ne!(user_card.openid.as_deref(), Some(OPENID));

        let imported = call!(
            self,
            "merchant.user_cards.import_by_phone",
            UserCardServiceClient.import_user_card_by_phone,
            { "card_id": card_id, "encrypted_phone_number": PHONE }
        );
        let code = imported.code.unwrap();
        let user_card = self.user_card(card_id, &code).await;
        assert_eq!((user_card.user_card_status(), user_card.openid), (UserCardStatus::Effective, None));

        call!(self, "merchant.phone_members.import", PhoneMemberServiceClient.import_phone_member, {
            "member_information": { "card_id": card_id, "code": null },
            "encrypted_phone_number": OTHER_PHONE
        });
        assert_eq!(self.reminder(card_id).await, ReceiveStatus::Unshowed);
        let remind = json!({ "card_id": card_id, "phone_number": OTHER_PHONE });
        self.action("remind-phone-member", remind).await;
        assert_eq!(self.reminder(card_id).await, ReceiveStatus::Unreceived);
        let claim = json!({
            "account": MERCHANT.account, "card_id": card_id, "openid": "oReminded", "phone_number": OTHER_PHONE
        });
        let claimed = self.world.order("POST", "/cards/claim", &claim).await;
        assert_eq!(claimed["member"]["membership_number"], "820915483307");
        assert_eq!(self.reminder(card_id).await, ReceiveStatus::Received);
    }

    async fn reminder(&mut self, card_id: &str) -> ReceiveStatus {
        let found = call!(self, "merchant.phone_members.search", PhoneMemberServiceClient.search_phone_member, {
            "card_id": card_id, "encrypted_phone_number": OTHER_PHONE
        });
        let openid = found.user_card_information.as_ref().and_then(|card| card.openid.as_deref());
        let received = found.receive_status() == ReceiveStatus::Received;
        assert_eq!(openid, received.then_some("oReminded"));
        found.receive_status()
    }
}
