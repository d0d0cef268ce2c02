//! Service items, activities and the callback.

use kabao_proto::kabao::merchant::v1::ActivityStatus;
use kabao_proto::kabao::merchant::v1::activity_service_client::ActivityServiceClient;
use kabao_proto::kabao::merchant::v1::callback_service_client::CallbackServiceClient;
use kabao_proto::kabao::merchant::v1::service_module_service_client::ServiceModuleServiceClient;
use kabao_proto::kabao::merchant::v1::user_card_service_service_client::UserCardServiceServiceClient;
use serde_json::json;

use super::{Journey, call};

impl Journey {
    /// Puts a service item on a template, gives a member a state of it and takes it away again.
    pub(super) async fn services(&mut self, card_id: &str, code: &str) {
        call!(self, "merchant.service_modules.add", ServiceModuleServiceClient.add_service_module, {
            "card_id": card_id
        });
        let updated = call!(
            self,
            "merchant.service_modules.update",
            ServiceModuleServiceClient.update_service_module,
            { "card_id": card_id, "service_module_id": "731" }
        );
        let services = self.card(card_id).await.service_modules;
        assert_eq!(services.len(), 1);
        assert_eq!(services[0].jump_miniprogram, updated.jump_miniprogram);
        let path = services[0].jump_miniprogram.as_ref().unwrap().path.as_deref();
        assert_eq!(path, Some("pages/service/v2"));

        call!(self, "merchant.user_card_services.set", UserCardServiceServiceClient.set_user_card_service, {
            "card_id": card_id, "code": code
        });
        let services = self.user_card(card_id, code).await.service_modules;
        assert_eq!(services.len(), 1);
        let state = services[0].state_setting.as_ref().unwrap();
        assert_eq!(state.state_id.as_deref(), Some("CHECKED_IN"));

        call!(self, "merchant.service_modules.remove", ServiceModuleServiceClient.remove_service_module, {
            "card_id": card_id
        });
        assert!(self.card(card_id).await.service_modules.is_empty());
        assert!(self.user_card(card_id, code).await.service_modules.is_empty());
    }

    /// Runs the activity of the examples from its creation to its end, and one in a mini program.
    pub(super) async fn activities(&mut self, card_id: &str) {
        let created = call!(self, "merchant.activities.create", ActivityServiceClient.create_activity, {
            "card_id": card_id,
            "award_send_period": {
                "award_send_time": [
                    { "begin_time": "2026-04-01T00:00:00+08:00", "end_time": "2026-05-01T00:00:00+08:00" }
                ]
            },
            "pay_activity_setting": {
                "activate_setting": {
                    "activate_type": "JUMP_ACTIVATE",
                    "activate_url": "https://example.com/member/activate",
                    "activate_miniprogram": { "activate_appid": "wx7b20d4e6f8a1c359", "activate_path": "pages/index" }
                },
                "payment_setting": {
                    "payment_mode": { "payment_scene_list": ["APP_SCENE"] },
                    "limit_bank": "ICBC_CREDIT",
                    "goods_tags": ["tea"]
                }
            }
        });
        assert_eq!(created.activity_status(), ActivityStatus::Created);
        let activity_id = created.activity_id.unwrap();
        let other = call!(self, "merchant.activities.create", ActivityServiceClient.create_activity, {
            "card_id": card_id,
            "out_request_no": "1900000109_20260325_000014",
            "activity_type": "MEMBER_MINIPROGRAM",
            "pay_activity_setting": null,
            "miniprogram_activity_setting": {
                "outer_str": ["sz_store_007"],
                "award_jump_deploy": {
                    "mini_program_appid": "wx7b20d4e6f8a1c359",
                    "mini_program_path": "pages/award/index",
                    "button_text": "去使用"
                }
            }
        });
        assert_ne!(other.activity_id.as_ref(), Some(&activity_id));

        let later = json!({ "set": "2026-04-20T08:00:00+08:00" });
        self.world.order("POST", "/clock", &later).await;
        let list = call!(self, "merchant.activities.list", ActivityServiceClient.list_activities, {
            "card_id": card_id
        });
        assert_eq!((list.total_count, list.data.len()), (Some(1), 1));
        assert_eq!(list.data[0].activity_id.as_ref(), Some(&activity_id));

        let ended = call!(self, "merchant.activities.terminate", ActivityServiceClient.terminate_activity, {
            "activity_id": activity_id
        });
        assert_eq!(ended.terminate_time.as_deref(), Some("2026-04-20T08:00:00.000+08:00"));
        let activity = call!(self, "merchant.activities.get", ActivityServiceClient.get_activity, {
            "activity_id": activity_id
        });
        assert_eq!(activity.activity_status(), ActivityStatus::Terminated);
        assert_eq!(activity.activity_name.as_deref(), Some("春季开卡礼"));
    }

    pub(super) async fn callback(&mut self) {
        let set = call!(self, "merchant.callback.set", CallbackServiceClient.set_callback, {});
        let got = call!(self, "merchant.callback.get", CallbackServiceClient.get_callback, {});
        assert_eq!(got, set);
        assert_eq!(got.notify_url.as_deref(), Some("https://example.com/wechatpay/membercard"));
        assert_eq!(got.mchid.as_deref(), Some("1900000109"));
    }
}
