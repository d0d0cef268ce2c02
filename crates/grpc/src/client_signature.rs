//! `kabao.officialaccount.v1.ClientSignatureService`.

use kabao_api::{
    AddCard, ChooseCard, Error, FieldViolation, Reason, SignedAddCard, SignedChooseCard,
};
use kabao_models::official_account::CardType;
use kabao_proto::kabao::officialaccount::v1 as proto;
use kabao_proto::kabao::officialaccount::v1::client_signature_service_server::ClientSignatureService;
use tonic::{Request, Response, Status};

use crate::call::Call;
use crate::generation::Generations;
use crate::wire::account_id;

/// Signs what pages of official accounts pass on.
#[derive(Clone, Debug)]
pub(crate) struct ClientSignatureGrpc {
    generations: Generations,
}

impl ClientSignatureGrpc {
    pub(crate) fn new(generations: impl Into<Generations>) -> Self {
        Self {
            generations: generations.into(),
        }
    }
}

#[tonic::async_trait]
impl ClientSignatureService for ClientSignatureGrpc {
    async fn sign_client_call(
        &self,
        request: Request<proto::SignClientCallRequest>,
    ) -> Result<Response<proto::SignClientCallResponse>, Status> {
        use proto::sign_client_call_request::Call as Asked;
        use proto::sign_client_call_response::Call as Signed;

        let mut call = Call::of(&request);
        let request = request.into_inner();
        let id = account_id(&request.account).map_err(|error| call.refuse(&error))?;
        let (account, mut context) = call.account(&self.generations, &id)?;
        let Some(signer) = &account.card_signer else {
            return Err(call.refuse(&Error::new(
                Reason::FamilyMismatch,
                format!(
                    "account {id} belongs to the family {}, pages are signed for official accounts",
                    account.family
                ),
            )));
        };
        let subjects = || named(request.call.as_ref());
        call.write_down(&mut context, None, subjects)?;
        let signed = match request.call {
            Some(Asked::AddCard(card)) => signer
                .sign_add_card(&context, add_card(card))
                .await
                .map(|card| Signed::AddCard(signed_add_card(card))),
            Some(Asked::ChooseCard(choice)) => match choose_card(choice) {
                Ok(choice) => signer
                    .sign_choose_card(&context, choice)
                    .await
                    .map(|choice| Signed::ChooseCard(signed_choose_card(choice))),
                Err(violation) => Err(Error::field_invalid([violation])),
            },
            None => Err(Error::field_invalid([FieldViolation::new(
                "call",
                "is required: add_card or choose_card",
            )])),
        };
        match signed {
            Ok(signed) => Ok(Response::new(proto::SignClientCallResponse {
                call: Some(signed),
            })),
            Err(error) => Err(call.refuse(&error)),
        }
    }
}

/// What pages will name.
fn named(call: Option<&proto::sign_client_call_request::Call>) -> Vec<String> {
    use proto::sign_client_call_request::Call as Asked;
    let texts = match call {
        Some(Asked::AddCard(card)) => vec![&card.code, &card.openid],
        Some(Asked::ChooseCard(_)) | None => Vec::new(),
    };
    let given = texts.into_iter().filter(|text| !text.is_empty());
    given.cloned().collect()
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn add_card(card: proto::AddCard) -> AddCard {
    let mut wanted = AddCard::new(card.card_id);
    wanted.code = given(card.code).map(Into::into);
    wanted.openid = given(card.openid).map(Into::into);
    wanted.fixed_begintimestamp = card.fixed_begintimestamp;
    wanted.outer_str = given(card.outer_str);
    wanted.outer_id = card.outer_id;
    wanted
}

fn choose_card(choice: proto::ChooseCard) -> Result<ChooseCard, FieldViolation> {
    let card_type = match choice.card_type {
        0 => None,
        number => Some(CardType::WORDS.text(number).ok_or_else(|| {
            FieldViolation::new("choose_card.card_type", "is not a type of cards")
        })?),
    };
    let mut wanted = ChooseCard::new();
    wanted.shop_id = given(choice.shop_id);
    wanted.card_type = card_type.map(CardType::from);
    wanted.card_id = given(choice.card_id);
    Ok(wanted)
}

fn signed_add_card(card: SignedAddCard) -> proto::SignedAddCard {
    proto::SignedAddCard {
        card_id: card.card_id,
        card_ext: card.card_ext,
    }
}

fn signed_choose_card(choice: SignedChooseCard) -> proto::SignedChooseCard {
    proto::SignedChooseCard {
        shop_id: choice.shop_id,
        card_type: choice.card_type,
        card_id: choice.card_id,
        timestamp: choice.timestamp,
        nonce_str: choice.nonce_str,
        sign_type: "SHA1".to_owned(),
        card_sign: choice.card_sign,
    }
}

#[cfg(test)]
mod tests;
