//! Templates: create, list, read, change, sections, deposited codes, end, upgrade.

use kabao_proto::kabao::merchant::v1::card_right_service_client::CardRightServiceClient;
use kabao_proto::kabao::merchant::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::merchant::v1::code_service_client::CodeServiceClient;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::merchant::v1::{CardTemplateStatus, DepositResult, UserCardStatus};
use serde_json::json;

use super::{Journey, call};

impl Journey {
    /// Creates the template of the examples, approves it and gives it all its sections.
    pub(super) async fn templates(&mut self) -> String {
        let created = call!(self, "merchant.cards.create", CardServiceClient.create_card, {
            "balance_information": { "balance_url": "https://example.com/balance" },
            "additional_statement": { "appid": "wx7b20d4e6f8a1c359", "path": "pages/statement/index" },
            "date_information": { "available_day_after_receive": 365, "wait_days_after_receive": 0 }
        });
        assert_eq!(created.status(), CardTemplateStatus::NotApprove);
        assert_eq!(created.remain_quantity, Some(200_000));
        let card_id = created.card_id.unwrap();
        self.approve(&card_id).await;

        let list = call!(self, "merchant.cards.list", CardServiceClient.list_cards, {});
        assert_eq!((list.total_count, list.data.len()), (Some(1), 1));
        assert_eq!(list.data[0].card_id.as_ref(), Some(&card_id));
        assert_eq!(list.data[0].status(), CardTemplateStatus::Approved);

        call!(self, "merchant.cards.update", CardServiceClient.update_card, {
            "card_id": card_id,
            "user_information_form": {
                "custom_field_list": [{ "type": "RADIO", "name": "喜欢的茶", "values": ["红茶", "绿茶"] }]
            }
        });
        let card = self.card(&card_id).await;
        assert_eq!(card.description.as_deref(), Some("出示会员卡可累积积分,生日当月双倍"));
        assert_eq!((card.total_quantity, card.remain_quantity), (Some(300_000), Some(300_000)));
        let form = card.user_information_form.unwrap();
        assert_eq!(form.can_modify_after_activate, Some(true));
        assert_eq!(form.common_field_list.len(), 1);

        call!(self, "merchant.card_rights.update", CardRightServiceClient.update_card_rights, {
            "card_id": card_id,
            "bonus": { "bonus_support_appid": "wx7b20d4e6f8a1c359", "bonus_support_path": "pages/support/index" },
            "show_fapiao": true,
            "fapiao": {
                "fapiao_jump_word": "开发票",
                "fapiao_jump_appid": "wx7b20d4e6f8a1c359",
                "fapiao_jump_path": "pages/fapiao/index"
            },
            "show_guide": true,
            "guide": {
                "staff_name": "小林",
                "head_image_url": "https://wx.qlogo.cn/mmopen/x8Kq/0",
                "contact_information_name": "电话",
                "contact_information_value": "0755-86001234",
                "phone_number": "0755-86001234"
            }
        });
        let card = self.card(&card_id).await;
        assert_eq!(card.bonus.unwrap().bonus_value_word.as_deref(), Some("我的积分"));
        assert_eq!(card.favor.unwrap().member_price_word.as_deref(), Some("周二八折"));
        assert_eq!(card.fapiao.unwrap().fapiao_jump_word.as_deref(), Some("开发票"));
        assert_eq!(card.guide.unwrap().staff_name.as_deref(), Some("小林"));
        card_id
    }

    /// Deposits the codes of the example for a template that gives out deposited codes.
    pub(super) async fn deposited_codes(&mut self) {
        let created = call!(self, "merchant.cards.create", CardServiceClient.create_card, {
            "out_request_no": "1900000109_20260301_0002",
            "code_mode": "MERCHANT_DEPOSIT",
            "total_quantity": null
        });
        let card_id = created.card_id.unwrap();
        self.approve(&card_id).await;
        for expected in [DepositResult::Success, DepositResult::Duplicate] {
            let answer = call!(self, "merchant.codes.deposit", CodeServiceClient.deposit_codes, { "card_id": card_id });
            let results: Vec<_> = answer.data.iter().map(|entry| entry.result()).collect();
            assert_eq!(results, [expected; 2]);
        }
        let card = self.card(&card_id).await;
        assert_eq!((card.total_quantity, card.remain_quantity), (Some(2), Some(2)));
    }

    /// Ends the user card and the template.
    pub(super) async fn ends(&mut self, card_id: &str, code: &str) {
        call!(self, "merchant.user_cards.set_unavailable", UserCardServiceClient.set_user_card_unavailable, {
            "card_id": card_id, "code": code
        });
        let user_card = self.user_card(card_id, code).await;
        assert_eq!(user_card.user_card_status(), UserCardStatus::Unavailable);

        call!(self, "merchant.cards.delete", CardServiceClient.delete_card, { "card_id": card_id });
        assert_eq!(self.card(card_id).await.status(), CardTemplateStatus::Deleted);
    }

    /// Takes over an old card of the public platform.
    pub(super) async fn upgrade(&mut self) {
        let old = self.action("create-old-card", json!({ "title": "老会员卡" })).await;
        let card_id = old["template"]["card_id"].as_str().unwrap();
        call!(self, "merchant.cards.upgrade", CardServiceClient.upgrade_card, { "card_id": card_id });
        let card = self.card(card_id).await;
        assert_eq!(card.brand.unwrap().brand_id.as_deref(), Some("20481"));
        assert_eq!(card.appid.as_deref(), Some("wx3f1c9a7e5b2d8046"));
    }
}
