use kabao_api::{Accounts, Family, MockAccountApi, MockCardSigner};
use proto::sign_client_call_request::Call as Asked;
use proto::sign_client_call_response::Call as Signed;
use tonic::Code;

use std::sync::Arc;

use super::*;
use crate::portable::testing::{account, admitted, refusal};

fn service(family: Family, signer: Option<MockCardSigner>) -> ClientSignatureGrpc {
    let mut accounts = Accounts::new();
    let mut account = account("demo", family, MockAccountApi::new());
    account.card_signer =
        signer.map(|signer| -> Arc<dyn kabao_api::CardSigner> { Arc::new(signer) });
    accounts.insert(account).unwrap();
    ClientSignatureGrpc::new(accounts)
}

async fn sign(
    service: &ClientSignatureGrpc,
    call: Option<Asked>,
) -> Result<Option<Signed>, Status> {
    let request = proto::SignClientCallRequest {
        account: "accounts/demo".to_owned(),
        call,
    };
    service
        .sign_client_call(admitted(request))
        .await
        .map(|answer| answer.into_inner().call)
}

#[tokio::test]
async fn arguments_reach_the_signer_and_absent_ones_stay_absent() {
    let mut signer = MockCardSigner::new();
    signer
        .expect_sign_add_card()
        .withf(|context, card| {
            context.account.as_str() == "demo"
                && card.code.is_none()
                && card
                    .openid
                    .as_ref()
                    .is_some_and(|openid| openid.expose() == "o1")
                && card.outer_id == Some(0)
                && card.outer_str.is_none()
        })
        .once()
        .returning(|_, card| {
            Ok(SignedAddCard {
                card_id: card.card_id,
                card_ext: "{}".to_owned(),
            })
        });
    signer
        .expect_sign_choose_card()
        .withf(|_, choice| {
            choice.card_type == Some(CardType::MemberCard) && choice.shop_id.is_none()
        })
        .once()
        .returning(|_, _| {
            Ok(SignedChooseCard {
                shop_id: String::new(),
                card_type: "MEMBER_CARD".to_owned(),
                card_id: String::new(),
                timestamp: "1".to_owned(),
                nonce_str: "n".to_owned(),
                card_sign: "s".to_owned(),
            })
        });
    let service = service(Family::OfficialAccount, Some(signer));
    let add = proto::AddCard {
        card_id: "p1".to_owned(),
        openid: "o1".to_owned(),
        outer_id: Some(0),
        ..proto::AddCard::default()
    };
    let answer = sign(&service, Some(Asked::AddCard(add))).await.unwrap();
    assert!(matches!(answer, Some(Signed::AddCard(card)) if card.card_id == "p1"));
    let choose = proto::ChooseCard {
        card_type: proto::CardType::MemberCard.into(),
        ..proto::ChooseCard::default()
    };
    let answer = sign(&service, Some(Asked::ChooseCard(choose)))
        .await
        .unwrap();
    assert!(matches!(answer, Some(Signed::ChooseCard(choice)) if choice.sign_type == "SHA1"));
}

#[tokio::test]
async fn what_cannot_be_signed_is_refused() {
    let official = service(Family::OfficialAccount, Some(MockCardSigner::new()));
    let status = sign(&official, None).await.unwrap_err();
    assert_eq!(
        refusal(&status),
        ("FIELD_INVALID".to_owned(), vec!["call".to_owned()])
    );
    let odd = proto::ChooseCard {
        card_type: 99,
        ..proto::ChooseCard::default()
    };
    let status = sign(&official, Some(Asked::ChooseCard(odd)))
        .await
        .unwrap_err();
    assert_eq!(refusal(&status).1, ["choose_card.card_type"]);
    let merchant = service(Family::Merchant, None);
    let add = Asked::AddCard(proto::AddCard::default());
    let status = sign(&merchant, Some(add)).await.unwrap_err();
    assert_eq!(
        (status.code(), refusal(&status).0.as_str()),
        (Code::FailedPrecondition, "FAMILY_MISMATCH")
    );
}
