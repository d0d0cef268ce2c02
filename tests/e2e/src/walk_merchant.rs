//! Every operation of the merchant family, over gRPC, with the examples of its catalogue.
//!
//! The clock of the sandbox stands where the examples have it. What an example names and the sandbox makes itself,
//! such as `card_id`, is replaced by what is there.

use kabao_proto::kabao::merchant::v1::Card;
use kabao_proto::kabao::merchant::v1::UserCard;
use kabao_proto::kabao::merchant::v1::card_service_client::CardServiceClient;
use kabao_proto::kabao::merchant::v1::user_card_service_client::UserCardServiceClient;
use serde_json::{Value, json};

use crate::demo::MERCHANT;
use crate::world::World;

mod catalogue;
mod entry;
mod members;
mod services;
mod templates;

use catalogue::Walk;

/// Where the examples stand in time.
const NOW: &str = "2026-03-25T14:00:00+08:00";

/// Calls an operation with its example and `live` members in it; what comes is checked against the catalogue.
macro_rules! call {
    ($journey:ident, $operation:literal, $client:ident.$rpc:ident, $live:tt) => {{
        let request = $journey.walk.example($operation, serde_json::json!($live));
        let mut client = $client::new($journey.world.channel());
        // Boxed: requests are large.
        let answer = match Box::pin(client.$rpc(request)).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => panic!("{}: {status:?}", $operation),
        };
        $journey.walk.done($operation, &answer);
        answer
    }};
}
use call;

/// A walk in a world.
struct Journey {
    world: World,
    walk: Walk,
}

impl Journey {
    async fn start() -> Self {
        let world = World::start().await;
        world.order("POST", "/clock", &json!({ "set": NOW })).await;
        Self {
            world,
            walk: Walk::new(),
        }
    }

    /// What a user or WeChat does.
    async fn action(&self, name: &str, body: Value) -> Value {
        let path = format!("/actions/{}/{name}", MERCHANT.account);
        self.world.order("POST", &path, &body).await
    }

    async fn approve(&self, card_id: &str) {
        let template = json!({ "account": MERCHANT.account, "card_id": card_id });
        self.world.order("POST", "/templates/approve", &template).await;
    }

    async fn card(&mut self, card_id: &str) -> Card {
        call!(self, "merchant.cards.get", CardServiceClient.get_card, { "card_id": card_id })
    }

    async fn user_card(&mut self, card_id: &str, code: &str) -> UserCard {
        call!(self, "merchant.user_cards.get", UserCardServiceClient.get_user_card, {
            "card_id": card_id, "code": code
        })
    }
}

#[tokio::test]
async fn every_operation_answers_its_example_with_what_is_documented() {
    let mut journey = Journey::start().await;
    let card_id = journey.templates().await;
    journey.deposited_codes().await;
    let code = journey.entry(&card_id).await;
    journey.services(&card_id, &code).await;
    journey.members(&card_id, &code).await;
    journey.imports(&card_id).await;
    journey.activities(&card_id).await;
    journey.callback().await;
    journey.ends(&card_id, &code).await;
    journey.upgrade().await;
    assert_eq!(journey.walk.never_returned(), NEVER_RETURNED);
    journey.walk.finish();
}

/// Documented members of answers that no answer has: the sandbox knows no unionid.
const NEVER_RETURNED: [&str; 0] = [];
