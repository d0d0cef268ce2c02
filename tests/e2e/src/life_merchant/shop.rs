//! A shop with its gateway, and what its customers do.

use kabao_proto::kabao::merchant::v1::activate_information_service_client::ActivateInformationServiceClient;
use kabao_proto::kabao::merchant::v1::card_qrcode_service_client::CardQrcodeServiceClient;
use kabao_proto::kabao::merchant::v1::card_right_service_client::CardRightServiceClient;
use kabao_proto::kabao::merchant::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::merchant::v1::code_service_client::CodeServiceClient;
use kabao_proto::kabao::merchant::v1::user_card_right_service_client::UserCardRightServiceClient;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use kabao_proto::kabao::merchant::v1::{
    ActivateType, ActivateUserCardRequest, BalanceChange, BalanceInformation, Bonus, Brand, Card,
    CodeMode, CodeType, CreateCardQrcodeRequest, CreateCardQrcodeResponse, CreateCardRequest,
    DateInformation, DateInformationType, DecryptCodeRequest, DeleteCardRequest,
    GetActivateInformationRequest, GetCardRequest, GetUserCardRequest,
    ImportUserCardByOpenidRequest, ListCardsRequest, ListUserCardsRequest,
    SetUserCardUnavailableRequest, UpdateCardRightsRequest, UpdateUserCardRequest,
    UpdateUserCardResponse, UpdateUserCardRightsRequest, UserCard,
};
use serde_json::{Value, json};
use tonic::{Response, Status};

use crate::demo::MERCHANT;
use crate::world::World;

const BRAND_ID: &str = "20488";
const PAGE: &str = "https://tea.example.com/join";
const PICTURE: &str = "https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0";

/// The shop with its gateway, and what its customers do.
pub(super) struct Shop {
    pub(super) world: World,
}

impl Shop {
    pub(super) async fn open() -> Self {
        Self {
            world: World::start().await,
        }
    }

    pub(super) async fn create_card(&self) -> String {
        let text = |text: &str| Some(text.to_owned());
        let request = CreateCardRequest {
            account: MERCHANT.account(),
            appid: "wx3f1c9a7e5b2d8046".to_owned(),
            logo_url: PICTURE.to_owned(),
            brand: Some(Brand {
                brand_id: BRAND_ID.to_owned(),
                display_name: "山间茶铺".to_owned(),
                ..Brand::default()
            }),
            title: "山间茶卡".to_owned(),
            background_picture_url: PICTURE.to_owned(),
            description: "出示会员卡可累积积分".to_owned(),
            code_type: CodeType::Qrcode.into(),
            total_quantity: Some(100),
            date_information: Some(DateInformation {
                r#type: DateInformationType::Permanent.into(),
                ..DateInformation::default()
            }),
            code_mode: CodeMode::SystemAllocate.into(),
            need_display_level: Some(true),
            init_level: text("新叶"),
            out_request_no: "life-card-1".to_owned(),
            balance_information: Some(BalanceInformation {
                need_balance: Some(true),
                ..BalanceInformation::default()
            }),
            ..CreateCardRequest::default()
        };
        let mut cards = CardServiceClient::new(self.world.channel());
        // Boxed: a template is large.
        let created = Box::pin(cards.create_card(request)).await.unwrap();
        created.into_inner().card_id.unwrap()
    }

    pub(super) async fn approve(&self, card_id: &str) {
        let template = json!({ "account": MERCHANT.account, "card_id": card_id });
        self.world
            .order("POST", "/templates/approve", &template)
            .await;
    }

    pub(super) async fn card(&self, card_id: &str) -> Card {
        let request = GetCardRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
        };
        let mut cards = CardServiceClient::new(self.world.channel());
        cards.get_card(request).await.unwrap().into_inner()
    }

    pub(super) async fn cards(&self) -> Vec<String> {
        let request = ListCardsRequest {
            account: MERCHANT.account(),
            brand_id: Some(BRAND_ID.to_owned()),
            appid: None,
            offset: Some(0),
            limit: Some(20),
        };
        let mut cards = CardServiceClient::new(self.world.channel());
        let list = cards.list_cards(request).await.unwrap().into_inner();
        list.data
            .into_iter()
            .filter_map(|card| card.card_id)
            .collect()
    }

    pub(super) async fn give_points_from_the_start(&self, card_id: &str, points: i64) {
        let request = UpdateCardRightsRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            show_bonus: Some(true),
            show_favor: Some(false),
            bonus: Some(Bonus {
                init_bonus: Some(points),
                bonus_value_word: "茶叶".to_owned(),
                bonus_cost_word: "100茶叶=1杯茶".to_owned(),
                ..Bonus::default()
            }),
            ..UpdateCardRightsRequest::default()
        };
        let mut rights = CardRightServiceClient::new(self.world.channel());
        rights.update_card_rights(request).await.unwrap();
    }

    pub(super) async fn delete_card(&self, card_id: &str) {
        let request = DeleteCardRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
        };
        let mut cards = CardServiceClient::new(self.world.channel());
        cards.delete_card(request).await.unwrap();
    }

    pub(super) async fn qrcode(
        &self,
        card_id: &str,
    ) -> Result<Response<CreateCardQrcodeResponse>, Status> {
        let request = CreateCardQrcodeRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            activate_type: ActivateType::JumpActivate.into(),
            activate_url: Some(PAGE.to_owned()),
            outer_str: Some("till-1".to_owned()),
            ..CreateCardQrcodeRequest::default()
        };
        let mut codes = CardQrcodeServiceClient::new(self.world.channel());
        codes.create_card_qrcode(request).await
    }

    pub(super) async fn scan(&self, link: &str, openid: &str) -> Value {
        let path = format!("/actions/{}/open-link", MERCHANT.account);
        let user = json!({ "openid": openid, "nickname": "梅" });
        let scan = json!({ "link": link, "user": user });
        self.world.order("POST", &path, &scan).await
    }

    pub(super) async fn decrypt(&self, card_id: &str, encrypt_code: &Value) -> String {
        let request = DecryptCodeRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            encrypt_code: encrypt_code.as_str().unwrap().to_owned(),
        };
        let mut codes = CodeServiceClient::new(self.world.channel());
        let decrypted = codes.decrypt_code(request).await.unwrap();
        decrypted.into_inner().code.unwrap()
    }

    pub(super) async fn nickname(&self, ticket: &Value) -> Option<String> {
        let request = GetActivateInformationRequest {
            account: MERCHANT.account(),
            activate_ticket: ticket.as_str().unwrap().to_owned(),
        };
        let mut forms = ActivateInformationServiceClient::new(self.world.channel());
        let form = forms.get_activate_information(request).await.unwrap();
        form.into_inner().nickname
    }

    pub(super) async fn activate(&self, card_id: &str, code: &str, number: &str) {
        let request = ActivateUserCardRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            code: code.to_owned(),
            membership_number: Some(number.to_owned()),
            ..ActivateUserCardRequest::default()
        };
        let mut user_cards = UserCardServiceClient::new(self.world.channel());
        user_cards.activate_user_card(request).await.unwrap();
    }

    pub(super) async fn user_card(&self, card_id: &str, code: &str) -> UserCard {
        let request = GetUserCardRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            code: code.to_owned(),
        };
        let mut user_cards = UserCardServiceClient::new(self.world.channel());
        let user_card = user_cards.get_user_card(request).await.unwrap();
        user_card.into_inner()
    }

    pub(super) async fn cards_of(&self, openid: &str) -> Vec<(String, String)> {
        let request = ListUserCardsRequest {
            account: MERCHANT.account(),
            openid: openid.to_owned(),
            appid: None,
            offset: Some(0),
            limit: Some(20),
        };
        let mut user_cards = UserCardServiceClient::new(self.world.channel());
        let list = user_cards.list_user_cards(request).await.unwrap();
        list.into_inner()
            .data
            .into_iter()
            .map(|card| (card.card_id.unwrap(), card.code.unwrap()))
            .collect()
    }

    pub(super) async fn set_level(&self, card_id: &str, code: &str, level: &str) {
        let request = UpdateUserCardRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            code: code.to_owned(),
            level: Some(level.to_owned()),
            out_request_no: "level-1".to_owned(),
            need_inform_level: Some(true),
            ..UpdateUserCardRequest::default()
        };
        let mut user_cards = UserCardServiceClient::new(self.world.channel());
        user_cards.update_user_card(request).await.unwrap();
    }

    pub(super) async fn add_points(&self, card_id: &str, code: &str, number: &str, add: i64) {
        let before = self.user_card(card_id, code).await.bonus_value.unwrap();
        let request = UpdateUserCardRightsRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            code: code.to_owned(),
            before_bonus_value: Some(before),
            bonus_value: Some(before + add),
            add_bonus_value: Some(add),
            out_request_no: number.to_owned(),
            ..UpdateUserCardRightsRequest::default()
        };
        let mut rights = UserCardRightServiceClient::new(self.world.channel());
        rights.update_user_card_rights(request).await.unwrap();
    }

    pub(super) async fn add_balance(&self, card_id: &str, code: &str, number: &str, add: i64) {
        let before = self.user_card(card_id, code).await.balance.unwrap();
        self.change_balance(card_id, code, number, before, add)
            .await
            .unwrap();
    }

    pub(super) async fn change_balance(
        &self,
        card_id: &str,
        code: &str,
        number: &str,
        before: i64,
        add: i64,
    ) -> Result<Response<UpdateUserCardResponse>, Status> {
        let request = UpdateUserCardRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            code: code.to_owned(),
            out_request_no: number.to_owned(),
            balance_information: Some(BalanceChange {
                before_balance: Some(before),
                balance: Some(before + add),
                add_balance: Some(add),
                ..BalanceChange::default()
            }),
            ..UpdateUserCardRequest::default()
        };
        let mut user_cards = UserCardServiceClient::new(self.world.channel());
        user_cards.update_user_card(request).await
    }

    pub(super) async fn import(&self, card_id: &str, openid: &str) -> String {
        let request = ImportUserCardByOpenidRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            openid: openid.to_owned(),
            out_request_no: "import-1".to_owned(),
            ..ImportUserCardByOpenidRequest::default()
        };
        let mut user_cards = UserCardServiceClient::new(self.world.channel());
        let imported = user_cards
            .import_user_card_by_openid(request)
            .await
            .unwrap();
        imported.into_inner().code.unwrap()
    }

    pub(super) async fn invalidate(&self, card_id: &str, code: &str, reason: &str) {
        let request = SetUserCardUnavailableRequest {
            account: MERCHANT.account(),
            card_id: card_id.to_owned(),
            code: code.to_owned(),
            reason: Some(reason.to_owned()),
            ..SetUserCardUnavailableRequest::default()
        };
        let mut user_cards = UserCardServiceClient::new(self.world.channel());
        user_cards.set_user_card_unavailable(request).await.unwrap();
    }

    pub(super) async fn claim(&self, card_id: &str, openid: &str) {
        let claim = json!({ "account": MERCHANT.account, "card_id": card_id, "openid": openid });
        self.world.order("POST", "/cards/claim", &claim).await;
    }

    pub(super) async fn user_deletes(&self, card_id: &str, code: &str) {
        let member = json!({ "account": MERCHANT.account, "card_id": card_id, "code": code });
        self.world.order("POST", "/members/delete", &member).await;
    }
}
