//! The life of a card of an official account, from its making to its deletion.

use kabao_proto::kabao::officialaccount::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::officialaccount::v1::code_service_client::CodeServiceClient;
use kabao_proto::kabao::officialaccount::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::officialaccount::v1::qrcode_service_client::QrcodeServiceClient;
use kabao_proto::kabao::officialaccount::v1::user_service_client::UserServiceClient;
use kabao_proto::kabao::officialaccount::v1::{
    ActivateMemberRequest, BaseInfo, BatchGetCardsRequest, CardColor, CardStatus, CardType,
    CodeStatus, CodeType, CreateCardRequest, CreateQrcodeRequest, CustomField, DateInfo,
    DateInfoType, DeleteCardRequest, DepositCodesRequest, FieldNameType, GetCardRequest,
    GetCodeRequest, GetUserInfoRequest, GetUserInfoResponse, ListUserCardsRequest,
    ModifyCardStockRequest, NewBaseInfo, NewCard, NewMemberCard, NewSku, QrActionName,
    QrcodeActionInfo, QrcodeCard, SetCodeUnavailableRequest, UpdateUserRequest, UpdateUserResponse,
    UserCardStatus,
};
use serde_json::{Value, json};
use tonic::Code;
use tonic::transport::Channel;

use crate::control;
use crate::demo::OFFICIAL_ACCOUNT;
use crate::refusal::refused;
use crate::world::World;

const MEI: &str = "oZb8FtMei7PpC1dXe0WvNa4BsJmI";
const JUN: &str = "oZb8FtJun7PpC1dXe0WvNa4BsJmI";
const LOGO: &str = "https://mmbiz.qpic.cn/mmbiz/AbCdEf0123456789/0";

#[tokio::test]
async fn the_life_of_a_card() {
    let shop = Shop::open().await;

    // The shop makes a card for its old numbers, which waits for WeChat's review.
    let card_id = shop.create_card().await;
    assert_eq!(shop.card(&card_id).await.status(), CardStatus::NotVerify);
    shop.claim(&card_id, MEI, None, 409).await;
    shop.approve(&card_id).await;
    assert_eq!(shop.card(&card_id).await.status(), CardStatus::VerifyOk);

    // It brings its numbers, and as many cards as numbers.
    shop.deposit(&card_id, &["A0001"]).await;
    assert_eq!(shop.stock(&card_id).await, 1);

    // Mei scans the code at the till. The card is hers, and asleep.
    let ticket = shop.qrcode(&card_id).await;
    let claimed = shop.claim(&card_id, MEI, Some(&ticket), 200).await;
    assert_eq!(claimed["code"], "A0001");
    assert_eq!(shop.stock(&card_id).await, 0);
    assert_eq!(shop.member(&card_id, "A0001").await.has_active, Some(false));

    // The shop activates it with what she has in its books.
    shop.activate(&card_id, "A0001", 100).await;
    let mei = shop.member(&card_id, "A0001").await;
    assert_eq!(mei.has_active, Some(true));
    assert_eq!(mei.openid.as_deref(), Some(MEI));
    assert_eq!(mei.membership_number.as_deref(), Some("A0001"));
    assert_eq!((mei.bonus, mei.balance), (Some(100), Some(0)));

    // She rises to gold, buys tea with points, tops up and pays from her balance.
    let gold = UpdateUserRequest {
        custom_field_value1: Some("金卡".to_owned()),
        ..UpdateUserRequest::default()
    };
    let after = shop.update(&card_id, "A0001", gold).await;
    assert_eq!(
        (after.result_bonus, after.result_balance),
        (Some(100), Some(0))
    );
    assert_eq!(shop.level(&card_id, "A0001"), Some(json!("金卡")));
    for (add_bonus, total) in [(50, 150), (-120, 30)] {
        let change = UpdateUserRequest {
            add_bonus: Some(add_bonus),
            ..UpdateUserRequest::default()
        };
        let after = shop.update(&card_id, "A0001", change).await;
        assert_eq!(after.result_bonus, Some(total));
    }
    for (add_balance, total) in [(10_000, 10_000), (-2_800, 7_200)] {
        let change = UpdateUserRequest {
            add_balance: Some(add_balance),
            ..UpdateUserRequest::default()
        };
        let after = shop.update(&card_id, "A0001", change).await;
        assert_eq!(after.result_balance, Some(total));
    }
    let mei = shop.member(&card_id, "A0001").await;
    assert_eq!((mei.bonus, mei.balance), (Some(30), Some(7_200)));

    // Jun has been a member on paper: his number is imported and his points come with it.
    shop.claim(&card_id, JUN, None, 409).await;
    shop.deposit(&card_id, &["A0002"]).await;
    let claimed = shop.claim(&card_id, JUN, None, 200).await;
    assert_eq!(claimed["code"], "A0002");
    shop.activate(&card_id, "A0002", 2_000).await;
    assert_eq!(shop.member(&card_id, "A0002").await.bonus, Some(2_000));

    // Both cards, and the card itself, are listed.
    assert_eq!(shop.codes_of(&card_id, MEI).await, ["A0001"]);
    assert_eq!(shop.codes_of(&card_id, JUN).await, ["A0002"]);
    assert!(shop.cards().await.contains(&card_id));

    // Mei leaves. Her card is invalid, and stays so; Jun's is not touched.
    shop.invalidate(&card_id, "A0001").await;
    assert_eq!(
        shop.member(&card_id, "A0001").await.user_card_status(),
        UserCardStatus::Unavailable
    );
    assert_eq!(
        shop.code_status(&card_id, "A0001").await,
        CodeStatus::Unavailable
    );
    assert!(shop.codes_of(&card_id, MEI).await.is_empty());
    let change = of_member(&card_id, "A0001", UpdateUserRequest::default());
    refused(Code::FailedPrecondition, "MEMBER_STATE_INVALID")
        .upstream("200", "40127")
        .check(shop.members().update_user(change).await);
    assert_eq!(
        shop.code_status(&card_id, "A0002").await,
        CodeStatus::Normal
    );

    // The shop ends the programme: nobody gets the card any more, but Jun keeps his.
    shop.delete_card(&card_id).await;
    assert!(!shop.cards().await.contains(&card_id));
    assert_eq!(shop.card(&card_id).await.status(), CardStatus::Delete);
    shop.claim(&card_id, MEI, None, 409).await;
    assert_eq!(shop.member(&card_id, "A0002").await.bonus, Some(2_000));
}

/// A shop with an official account, and the people in front of its counter.
struct Shop(World);

impl Shop {
    async fn open() -> Self {
        Self(World::start().await)
    }

    fn cards_service(&self) -> CardServiceClient<Channel> {
        CardServiceClient::new(self.0.channel())
    }

    fn codes(&self) -> CodeServiceClient<Channel> {
        CodeServiceClient::new(self.0.channel())
    }

    fn members(&self) -> MemberServiceClient<Channel> {
        MemberServiceClient::new(self.0.channel())
    }

    async fn create_card(&self) -> String {
        let request = CreateCardRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card: Some(NewCard {
                card_type: CardType::MemberCard.into(),
                member_card: Some(new_card()),
                ..NewCard::default()
            }),
            ..CreateCardRequest::default()
        };
        // Boxed: the future of a call with a whole card is large.
        let created = Box::pin(self.cards_service().create_card(request)).await;
        created.unwrap().into_inner().card_id.unwrap()
    }

    async fn card(&self, card_id: &str) -> BaseInfo {
        let request = GetCardRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card_id: card_id.to_owned(),
            ..GetCardRequest::default()
        };
        let answer = self.cards_service().get_card(request).await.unwrap();
        let member_card = answer.into_inner().card.unwrap().member_card.unwrap();
        member_card.base_info.unwrap()
    }

    async fn stock(&self, card_id: &str) -> i64 {
        self.card(card_id).await.sku.unwrap().quantity.unwrap()
    }

    /// The cards that are approved.
    async fn cards(&self) -> Vec<String> {
        let request = BatchGetCardsRequest {
            account: OFFICIAL_ACCOUNT.account(),
            offset: Some(0),
            count: 50,
            status_list: vec![CardStatus::VerifyOk.into()],
            ..BatchGetCardsRequest::default()
        };
        let answer = self.cards_service().batch_get_cards(request).await.unwrap();
        answer.into_inner().card_id_list
    }

    async fn delete_card(&self, card_id: &str) {
        let request = DeleteCardRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card_id: card_id.to_owned(),
            ..DeleteCardRequest::default()
        };
        self.cards_service().delete_card(request).await.unwrap();
    }

    /// Imports numbers, and stocks up as many cards.
    async fn deposit(&self, card_id: &str, numbers: &[&str]) {
        let request = DepositCodesRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card_id: card_id.to_owned(),
            code: numbers.iter().map(|number| (*number).to_owned()).collect(),
            ..DepositCodesRequest::default()
        };
        let answer = self.codes().deposit_codes(request).await.unwrap();
        assert_eq!(answer.into_inner().succ_code, numbers);
        let request = ModifyCardStockRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card_id: card_id.to_owned(),
            increase_stock_value: i64::try_from(numbers.len()).ok(),
            ..ModifyCardStockRequest::default()
        };
        let stocked = self.cards_service().modify_card_stock(request).await;
        stocked.unwrap();
    }

    /// Makes a QR code for the counter and returns its ticket.
    async fn qrcode(&self, card_id: &str) -> String {
        let request = CreateQrcodeRequest {
            account: OFFICIAL_ACCOUNT.account(),
            action_name: QrActionName::QrCard.into(),
            action_info: Some(QrcodeActionInfo {
                card: Some(QrcodeCard {
                    card_id: card_id.to_owned(),
                    outer_str: Some("till-2".to_owned()),
                    ..QrcodeCard::default()
                }),
                ..QrcodeActionInfo::default()
            }),
            ..CreateQrcodeRequest::default()
        };
        let mut qrcodes = QrcodeServiceClient::new(self.0.channel());
        let answer = qrcodes.create_qrcode(request).await.unwrap();
        answer.into_inner().ticket.unwrap()
    }

    async fn member(&self, card_id: &str, code: &str) -> GetUserInfoResponse {
        let request = GetUserInfoRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card_id: card_id.to_owned(),
            code: code.to_owned(),
            ..GetUserInfoRequest::default()
        };
        let answer = self.members().get_user_info(request).await.unwrap();
        answer.into_inner()
    }

    async fn activate(&self, card_id: &str, code: &str, init_bonus: i64) {
        let request = ActivateMemberRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card_id: Some(card_id.to_owned()),
            code: code.to_owned(),
            membership_number: code.to_owned(),
            init_bonus: Some(init_bonus),
            init_balance: Some(0),
            init_custom_field_value1: Some("银卡".to_owned()),
            ..ActivateMemberRequest::default()
        };
        self.members().activate_member(request).await.unwrap();
    }

    async fn update(
        &self,
        card_id: &str,
        code: &str,
        change: UpdateUserRequest,
    ) -> UpdateUserResponse {
        let request = of_member(card_id, code, change);
        let answer = self.members().update_user(request).await.unwrap();
        answer.into_inner()
    }

    /// What the first custom field of a member shows. No answer of WeChat tells it; the ledger has the last change.
    fn level(&self, card_id: &str, code: &str) -> Option<Value> {
        let effects = self.0.effects_of("official_account.member.update_user");
        let last = effects.last().expect("an effect");
        assert_eq!(last.template.as_deref(), Some(card_id));
        assert_eq!(last.member.as_deref(), Some(code));
        let changes = last.changes.iter();
        let mut changes = changes.filter(|change| change.field == "custom_field_value1");
        changes.next().expect("the level changed").after.clone()
    }

    async fn invalidate(&self, card_id: &str, code: &str) {
        let request = SetCodeUnavailableRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card_id: Some(card_id.to_owned()),
            code: code.to_owned(),
            reason: Some("应会员要求".to_owned()),
            ..SetCodeUnavailableRequest::default()
        };
        self.codes().set_code_unavailable(request).await.unwrap();
    }

    async fn code_status(&self, card_id: &str, code: &str) -> CodeStatus {
        let request = GetCodeRequest {
            account: OFFICIAL_ACCOUNT.account(),
            card_id: Some(card_id.to_owned()),
            code: code.to_owned(),
            check_consume: Some(false),
            ..GetCodeRequest::default()
        };
        let answer = self.codes().get_code(request).await.unwrap();
        answer.into_inner().user_card_status()
    }

    /// The codes of a user that can be used.
    async fn codes_of(&self, card_id: &str, openid: &str) -> Vec<String> {
        let request = ListUserCardsRequest {
            account: OFFICIAL_ACCOUNT.account(),
            openid: openid.to_owned(),
            card_id: Some(card_id.to_owned()),
            ..ListUserCardsRequest::default()
        };
        let mut users = UserServiceClient::new(self.0.channel());
        let answer = users.list_user_cards(request).await.unwrap().into_inner();
        let cards = answer.card_list.into_iter();
        cards.map(|card| card.code.unwrap()).collect()
    }

    async fn approve(&self, card_id: &str) {
        let body = json!({"account": OFFICIAL_ACCOUNT.account, "card_id": card_id});
        self.0.order("POST", "/templates/approve", &body).await;
    }

    /// A user takes the card, or cannot: 409.
    async fn claim(&self, card_id: &str, openid: &str, ticket: Option<&str>, status: u16) -> Value {
        let path = format!("/actions/{}/claim", OFFICIAL_ACCOUNT.account);
        let body = json!({"card_id": card_id, "openid": openid, "qr_ticket": ticket});
        let (answered, answer) = control::post(&self.0, &path, &body).await;
        assert_eq!(answered, status, "{answer}");
        answer
    }
}

/// A change of one member.
fn of_member(card_id: &str, code: &str, change: UpdateUserRequest) -> UpdateUserRequest {
    UpdateUserRequest {
        account: OFFICIAL_ACCOUNT.account(),
        card_id: card_id.to_owned(),
        code: code.to_owned(),
        ..change
    }
}

/// A card with numbers of the shop, points, a balance and a level.
fn new_card() -> NewMemberCard {
    let some = |text: &str| Some(text.to_owned());
    NewMemberCard {
        base_info: Some(NewBaseInfo {
            logo_url: LOGO.to_owned(),
            brand_name: "茶港".to_owned(),
            code_type: CodeType::Barcode.into(),
            title: "老友卡".to_owned(),
            color: CardColor::CardColor030.into(),
            notice: "出示此卡".to_owned(),
            description: "每消费一元得一分。".to_owned(),
            date_info: Some(DateInfo {
                r#type: DateInfoType::DateTypePermanent.into(),
                ..DateInfo::default()
            }),
            sku: Some(NewSku {
                quantity: Some(0),
                ..NewSku::default()
            }),
            get_limit: Some(1),
            use_custom_code: Some(true),
            get_custom_code_mode: some("GET_CUSTOM_CODE_MODE_DEPOSIT"),
            ..NewBaseInfo::default()
        }),
        prerogative: "会员享九五折。".to_owned(),
        supply_bonus: Some(true),
        supply_balance: Some(true),
        activate_url: some("https://shop.example.com/activate"),
        custom_field1: Some(CustomField {
            name_type: Some(FieldNameType::Level.into()),
            ..CustomField::default()
        }),
        ..NewMemberCard::default()
    }
}
