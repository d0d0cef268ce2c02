//! What pages pass to `wx.addCard` and `wx.chooseCard`, signed by the gateway and checked by WeChat at the tap.

use kabao_proto::kabao::officialaccount::v1::client_signature_service_client::ClientSignatureServiceClient;
use kabao_proto::kabao::officialaccount::v1::sign_client_call_request::Call as Asked;
use kabao_proto::kabao::officialaccount::v1::sign_client_call_response::Call as Signed;
use kabao_proto::kabao::officialaccount::v1::{
    AddCard, CardType, ChooseCard, SignClientCallRequest, SignClientCallResponse, SignedAddCard,
    SignedChooseCard,
};
use serde_json::{Value, json};
use tonic::{Code, Response, Status};

use crate::control;
use crate::demo::{Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::walk::Walk;
use crate::world::World;

async fn sign(
    world: &World,
    demo: &Demo,
    call: Option<Asked>,
) -> Result<Response<SignClientCallResponse>, Status> {
    let request = SignClientCallRequest {
        account: demo.account(),
        call,
    };
    ClientSignatureServiceClient::new(world.channel())
        .sign_client_call(request)
        .await
}

/// Lets a page ask for the arguments of `wx.addCard` for the demo card.
async fn signed_card(world: &World) -> SignedAddCard {
    let card = AddCard {
        card_id: OFFICIAL_ACCOUNT.card_id.to_owned(),
        outer_str: "counter-7".to_owned(),
        ..AddCard::default()
    };
    let answer = sign(world, &OFFICIAL_ACCOUNT, Some(Asked::AddCard(card))).await;
    match answer.unwrap().into_inner().call.unwrap() {
        Signed::AddCard(card) => card,
        other => panic!("{other:?}"),
    }
}

async fn signed_choice(world: &World) -> SignedChooseCard {
    let choice = ChooseCard {
        card_type: CardType::MemberCard.into(),
        ..ChooseCard::default()
    };
    let answer = sign(world, &OFFICIAL_ACCOUNT, Some(Asked::ChooseCard(choice))).await;
    match answer.unwrap().into_inner().call.unwrap() {
        Signed::ChooseCard(choice) => choice,
        other => panic!("{other:?}"),
    }
}

/// A user taps what the page passes on.
async fn tap(world: &World, openid: &str, card_id: &str, card_ext: &Value) -> (u16, Value) {
    let path = format!("/actions/{}/claim", OFFICIAL_ACCOUNT.account);
    let claim = json!({ "card_id": card_id, "openid": openid, "card_ext": card_ext });
    control::post(world, &path, &claim).await
}

async fn choose(world: &World, choice: &SignedChooseCard) -> (u16, Value) {
    let path = format!("/actions/{}/choose-card", OFFICIAL_ACCOUNT.account);
    let choice = json!({
        "openid": "oChooser",
        "shopId": choice.shop_id,
        "cardType": choice.card_type,
        "cardId": choice.card_id,
        "timestamp": choice.timestamp,
        "nonceStr": choice.nonce_str,
        "signType": choice.sign_type,
        "cardSign": choice.card_sign,
    });
    control::post(world, &path, &choice).await
}

const TICKET: &str = "official_account.ticket.get";

#[track_caller]
fn is_refused((status, answer): &(u16, Value)) {
    assert_eq!(*status, 409, "{answer}");
    assert!(answer.to_string().contains("40080"), "{answer}");
}

#[tokio::test]
async fn a_signed_card_is_claimed_once_and_a_changed_one_is_not() {
    let world = World::start().await;
    let card = signed_card(&world).await;
    assert_eq!(card.card_id, OFFICIAL_ACCOUNT.card_id);
    let ext: Value = serde_json::from_str(&card.card_ext).unwrap();
    for (name, value) in [
        (
            "signature",
            json!("0000000000000000000000000000000000000000"),
        ),
        ("nonce_str", json!("another")),
        ("timestamp", json!("1")),
        ("openid", json!("oThief")),
    ] {
        let mut changed = ext.clone();
        changed[name] = value;
        is_refused(&tap(&world, "oTapper", &card.card_id, &changed).await);
    }
    // The page passes the text on as it is.
    let (status, claimed) = tap(&world, "oTapper", &card.card_id, &json!(card.card_ext)).await;
    assert_eq!(status, 200, "{claimed}");
    let mut walk = Walk::new(&world, &OFFICIAL_ACCOUNT);
    let code = json!({ "card_id": card.card_id, "code": claimed["code"] });
    let held = walk.call("official_account.code.get", code).await;
    assert_eq!(held["openid"], "oTapper");
    assert_eq!(held["outer_str"], "counter-7");
    is_refused(&tap(&world, "oSecond", &card.card_id, &json!(card.card_ext)).await);
}

#[tokio::test]
async fn a_signed_choice_shows_cards_and_a_changed_one_does_not() {
    let world = World::start().await;
    let card = signed_card(&world).await;
    let ext = json!(card.card_ext);
    let (status, claimed) = tap(&world, "oChooser", &card.card_id, &ext).await;
    assert_eq!(status, 200, "{claimed}");
    let choice = signed_choice(&world).await;
    let mut changed = choice.clone();
    changed.card_id = OFFICIAL_ACCOUNT.card_id.to_owned();
    is_refused(&choose(&world, &changed).await);
    let (status, chosen) = choose(&world, &choice).await;
    assert_eq!(status, 200, "{chosen}");
    assert_eq!(chosen["card_list"][0]["card_id"], OFFICIAL_ACCOUNT.card_id);
}

#[tokio::test]
async fn one_ticket_signs_many_calls_and_no_two_are_alike() {
    let world = World::start().await;
    let calls = tokio::join!(
        signed_card(&world),
        signed_card(&world),
        signed_card(&world),
        signed_card(&world)
    );
    let mut cards = vec![calls.0, calls.1, calls.2, calls.3];
    for _ in 0..4 {
        cards.push(signed_card(&world).await);
    }
    signed_choice(&world).await;
    for (number, card) in cards.iter().enumerate() {
        let openid = format!("oMany{number}");
        let (status, claimed) = tap(&world, &openid, &card.card_id, &json!(card.card_ext)).await;
        assert_eq!(status, 200, "{claimed}");
    }
    assert_eq!(world.requests_of(TICKET), 1);
}

#[tokio::test]
async fn what_cannot_be_signed_is_refused_without_a_ticket() {
    let world = World::start().await;
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["call"])
        .check(sign(&world, &OFFICIAL_ACCOUNT, None).await);
    let card = AddCard {
        card_id: MERCHANT.card_id.to_owned(),
        ..AddCard::default()
    };
    refused(Code::FailedPrecondition, "FAMILY_MISMATCH")
        .check(sign(&world, &MERCHANT, Some(Asked::AddCard(card))).await);
    let nameless = sign(
        &world,
        &OFFICIAL_ACCOUNT,
        Some(Asked::AddCard(AddCard::default())),
    )
    .await;
    refused(Code::InvalidArgument, "FIELD_INVALID")
        .fields(&["add_card.card_id"])
        .check(nameless);
    assert_eq!(world.requests_of(TICKET), 0);
}
