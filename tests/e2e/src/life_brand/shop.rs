//! The calls of a service provider, and what users do.

use kabao_proto::kabao::brand::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::brand::v1::membership_activity_service_client::MembershipActivityServiceClient;
use kabao_proto::kabao::brand::v1::pre_auth_token_service_client::PreAuthTokenServiceClient;
use kabao_proto::kabao::brand::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::brand::v1::user_feed_service_client::UserFeedServiceClient;
use kabao_proto::kabao::brand::v1::user_point_service_client::UserPointServiceClient;
use kabao_proto::kabao::brand::v1::{
    ActivityChannel, Card, CardType, CodeMode, CodeType, ConfirmExchangeCouponRequest,
    ConfirmUserCardRequest, CreateCardRequest, CreateMembershipActivityRequest,
    CreatePreAuthTokenRequest, CreateUserFeedRequest, ExchangeRecord, GetCardRequest,
    GetMembershipActivityRequest, GetUserCardRequest, ImportUserCardByOpenidRequest,
    InvalidateCardRequest, InvalidateUserCardRequest, JumpTarget, ListUserCardsRequest,
    PointExchangeResult, ProductCouponStock, SyncUserPointsRequest, Token, UpdateUserCardRequest,
    UserCard, UserCardConfirmState, UserCardState, ValidDateInformation, ValidDateType,
};
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::EXCHANGE;
use crate::control;
use crate::demo::{BRAND, BRAND_ID};
use crate::world::World;

const APPID: &str = "wxd678efh567hg6787";

/// The service provider of a shop.
pub(super) struct Shop {
    pub(super) world: World,
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn brand() -> String {
    BRAND_ID.to_owned()
}

impl Shop {
    pub(super) async fn open() -> Self {
        let world = World::start().await;
        let clock = json!({ "set": "2026-03-10T09:00:00+08:00" });
        world.order("POST", "/clock", &clock).await;
        Self { world }
    }

    /// What a user does; returns the HTTP status and the answer.
    pub(super) async fn act(&self, action: &str, body: Value) -> (u16, Value) {
        let path = format!("/actions/{}/{action}", BRAND.account);
        control::post(&self.world, &path, &body).await
    }

    /// What WeChat keeps of a member without an operation that reads it.
    pub(super) async fn kept(&self, code: &str, part: &str) -> Value {
        let state = self.world.order("GET", "/state", &Value::Null).await;
        let members = state["brand"]["members"].as_array().unwrap();
        let mut found = members
            .iter()
            .filter(|member| member["card"]["user_card_code"] == code);
        found.next().unwrap()[part].clone()
    }

    fn cards(&self) -> CardServiceClient<Channel> {
        CardServiceClient::new(self.world.channel())
    }

    fn user_cards(&self) -> UserCardServiceClient<Channel> {
        UserCardServiceClient::new(self.world.channel())
    }

    fn activities(&self) -> MembershipActivityServiceClient<Channel> {
        MembershipActivityServiceClient::new(self.world.channel())
    }

    /// Makes a card, and lets its members give points for coupons.
    pub(super) async fn create_card(&self) -> String {
        let request = CreateCardRequest {
            account: BRAND.account(),
            out_request_no: "card-1".to_owned(),
            brand_id: brand(),
            appid: APPID.to_owned(),
            card_type: CardType::Normal.into(),
            card_title: "茶港会员".to_owned(),
            card_color: "#1A7F5A".to_owned(),
            card_picture_url: "https://wxpaylogo.qpic.cn/wxpaylogo/face/0".to_owned(),
            code_mode: CodeMode::SystemAllocate.into(),
            code_type: CodeType::QrCode.into(),
            benefits: "生日饮品".to_owned(),
            notify_url: "https://notify.example.com/member".to_owned(),
            need_display_level: Some(true),
            init_level: text("白银会员"),
            legal_agreement: "会员须遵守门店规定。".to_owned(),
            valid_date_information: Some(ValidDateInformation {
                r#type: ValidDateType::Permanent.into(),
                ..ValidDateInformation::default()
            }),
            member_information: Some(JumpTarget {
                jump_appid: APPID.to_owned(),
                jump_path: "/pages/member/index".to_owned(),
                ..JumpTarget::default()
            }),
            ..CreateCardRequest::default()
        };
        let created = Box::pin(self.cards().create_card(request)).await.unwrap();
        let card_id = created.into_inner().card_id.unwrap();
        let exchange = json!({
            "exchange_coupon_template_id": EXCHANGE,
            "card_id": card_id,
            "deduct_points": 300,
            "product_coupon_id": "200000000417",
            "stock_id": "98065417",
            "stock": 10,
            "per_user_and_day": 5,
        });
        assert_eq!(self.act("exchange-template", exchange).await.0, 200);
        card_id
    }

    pub(super) async fn card(&self, card_id: &str) -> Card {
        let request = GetCardRequest {
            account: BRAND.account(),
            card_id: card_id.to_owned(),
            brand_id: brand(),
        };
        self.cards().get_card(request).await.unwrap().into_inner()
    }

    pub(super) async fn end_card(&self, card_id: &str) -> Card {
        let request = InvalidateCardRequest {
            account: BRAND.account(),
            card_id: card_id.to_owned(),
            brand_id: brand(),
            ..InvalidateCardRequest::default()
        };
        let ended = self.cards().invalidate_card(request).await;
        ended.unwrap().into_inner()
    }

    pub(super) async fn create_activity(&self, card_id: &str) -> i64 {
        let request = CreateMembershipActivityRequest {
            account: BRAND.account(),
            out_request_no: "activity-1".to_owned(),
            brand_id: brand(),
            card_id: card_id.to_owned(),
            activity_channel: ActivityChannel::MechantAppComponent.into(),
            title: "入会有礼".to_owned(),
            sub_title: "一张券".to_owned(),
            begin_time: "2026-03-10T00:00:00+08:00".to_owned(),
            end_time: "2026-06-30T23:59:59+08:00".to_owned(),
            apply_total: Some(100),
            product_coupon_stock_list: vec![ProductCouponStock {
                product_coupon_id: "200000000417".to_owned(),
                stock_id: "98065417".to_owned(),
                ..ProductCouponStock::default()
            }],
            ..CreateMembershipActivityRequest::default()
        };
        let created = self.activities().create_membership_activity(request).await;
        created.unwrap().into_inner().activity_id()
    }

    pub(super) async fn gifts_left(&self, activity_id: i64) -> i64 {
        let request = GetMembershipActivityRequest {
            account: BRAND.account(),
            activity_id,
            brand_id: brand(),
        };
        let activity = self.activities().get_membership_activity(request).await;
        activity.unwrap().into_inner().apply_available()
    }

    pub(super) async fn token(
        &self,
        card_id: &str,
        openid: &str,
    ) -> Result<Response<Token>, Status> {
        let request = CreatePreAuthTokenRequest {
            account: BRAND.account(),
            brand_id: brand(),
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            ..CreatePreAuthTokenRequest::default()
        };
        let mut tokens = PreAuthTokenServiceClient::new(self.world.channel());
        tokens.create_pre_auth_token(request).await
    }

    pub(super) async fn member(&self, card_id: &str, openid: &str, code: &str) -> UserCard {
        let request = GetUserCardRequest {
            account: BRAND.account(),
            user_card_code: code.to_owned(),
            brand_id: brand(),
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
        };
        let card = self.user_cards().get_user_card(request).await;
        card.unwrap().into_inner()
    }

    /// The cards of a user that are good.
    pub(super) async fn cards_of(&self, openid: &str) -> Vec<UserCard> {
        let request = ListUserCardsRequest {
            account: BRAND.account(),
            brand_id: brand(),
            openid: openid.to_owned(),
            user_card_state: Some(UserCardState::Effective.into()),
            offset: Some(0),
            limit: 20,
        };
        let page = self.user_cards().list_user_cards(request).await;
        let page = page.unwrap().into_inner();
        assert_eq!(page.total_count, i64::try_from(page.data.len()).ok());
        page.data
    }

    pub(super) async fn confirm(&self, card_id: &str, openid: &str, code: &str) {
        let request = ConfirmUserCardRequest {
            account: BRAND.account(),
            user_card_code: code.to_owned(),
            brand_id: brand(),
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            phone_number: text("13800138000"),
            user_card_confirm_state: UserCardConfirmState::CreateCardSuccess.into(),
            ..ConfirmUserCardRequest::default()
        };
        self.user_cards().confirm_user_card(request).await.unwrap();
    }

    pub(super) async fn promote(
        &self,
        card_id: &str,
        openid: &str,
        code: &str,
        level: &str,
    ) -> Result<Response<UserCard>, Status> {
        let request = UpdateUserCardRequest {
            account: BRAND.account(),
            user_card_code: code.to_owned(),
            brand_id: brand(),
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            level: text(level),
            ..UpdateUserCardRequest::default()
        };
        self.user_cards().update_user_card(request).await
    }

    pub(super) async fn invalidate(&self, card_id: &str, openid: &str, code: &str) -> UserCard {
        let request = InvalidateUserCardRequest {
            account: BRAND.account(),
            user_card_code: code.to_owned(),
            brand_id: brand(),
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            invalid_reason: text("停用"),
            ..InvalidateUserCardRequest::default()
        };
        let ended = self.user_cards().invalidate_user_card(request).await;
        ended.unwrap().into_inner()
    }

    pub(super) async fn import(
        &self,
        card_id: &str,
        openid: &str,
        code: &str,
    ) -> Result<Response<UserCard>, Status> {
        let request = ImportUserCardByOpenidRequest {
            account: BRAND.account(),
            brand_id: brand(),
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            user_card_code: code.to_owned(),
            level: text("黑金会员"),
            ..ImportUserCardByOpenidRequest::default()
        };
        self.user_cards().import_user_card_by_openid(request).await
    }

    pub(super) async fn points(
        &self,
        card_id: &str,
        openid: &str,
        code: &str,
        number: &str,
        balance: i64,
    ) {
        let request = SyncUserPointsRequest {
            account: BRAND.account(),
            out_request_no: number.to_owned(),
            brand_id: brand(),
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            user_card_code: code.to_owned(),
            point_balance: Some(balance),
            ..SyncUserPointsRequest::default()
        };
        let mut points = UserPointServiceClient::new(self.world.channel());
        points.sync_user_points(request).await.unwrap();
    }

    pub(super) async fn tell(&self, card_id: &str, openid: &str, code: &str, cell: &str) {
        let request = CreateUserFeedRequest {
            account: BRAND.account(),
            brand_id: brand(),
            card_id: card_id.to_owned(),
            user_card_code: code.to_owned(),
            openid: openid.to_owned(),
            out_request_no: "n-1".to_owned(),
            cell: cell.to_owned(),
            ..CreateUserFeedRequest::default()
        };
        let mut feeds = UserFeedServiceClient::new(self.world.channel());
        feeds.create_user_feed(request).await.unwrap();
    }

    /// Allows the exchange that a member asked for.
    pub(super) async fn allow(&self, record: &Value) -> ExchangeRecord {
        let member = |name: &str| record[name].as_str().unwrap().to_owned();
        let request = ConfirmExchangeCouponRequest {
            account: BRAND.account(),
            record_id: member("record_id"),
            exchange_coupon_template_id: member("exchange_coupon_template_id"),
            brand_id: brand(),
            card_id: member("card_id"),
            openid: member("openid"),
            user_card_code: member("user_card_code"),
            result: PointExchangeResult::PointExchangeCouponAllow.into(),
            ..ConfirmExchangeCouponRequest::default()
        };
        let mut points = UserPointServiceClient::new(self.world.channel());
        let answer = points.confirm_exchange_coupon(request).await;
        answer.unwrap().into_inner()
    }
}
