//! Every operation of the merchant family, over gRPC: WeChat's example with the ids of this world.

mod entry;
mod media;
mod members;
mod refusals;
mod services;
mod templates;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::canaries;
use crate::demo::MERCHANT;
use crate::walk::Walk;
use crate::world::World;

/// Where the examples stand in time.
const NOW: &str = "2026-03-25T14:00:00+08:00";

/// What the answers of this family do not have, though it is documented.
const UNANSWERED: [(&str, &str); 3] = [
    // Only a modification can say it.
    (
        "merchant.cards.create",
        "user_information_form.can_modify_after_activate",
    ),
    // Every template of the list has it; the page prints it once more beside the list.
    ("merchant.cards.list", "need_dynamic_code"),
    // The users of the sandbox belong to no open platform account.
    (
        "merchant.phone_members.search",
        "user_card_information.unionid",
    ),
];

/// A walk and what a caller and a user do in it.
pub(crate) struct Journey<'w> {
    world: &'w World,
    walk: Walk<'w>,
}

impl<'w> Journey<'w> {
    /// Moves the clock to where the examples are.
    pub(crate) async fn start(world: &'w World) -> Self {
        world.order("POST", "/clock", &json!({ "set": NOW })).await;
        Self {
            world,
            walk: Walk::new(world, &MERCHANT),
        }
    }

    /// Calls an operation with its example and `live` members in it.
    async fn call(&mut self, id: &str, live: Value) -> Value {
        let mut request = self.walk.example(id);
        merge(&mut request, live);
        self.walk.call(id, request).await
    }

    /// What a user or WeChat does.
    async fn act(&self, name: &str, body: Value) -> Value {
        let path = format!("/actions/{}/{name}", MERCHANT.account);
        self.world.order("POST", &path, &body).await
    }

    async fn approve(&self, card_id: &str) {
        let template = json!({ "account": MERCHANT.account, "card_id": card_id });
        self.world
            .order("POST", "/templates/approve", &template)
            .await;
    }

    async fn card(&mut self, card_id: &str) -> Value {
        let request = json!({ "card_id": card_id });
        self.walk.call("merchant.cards.get", request).await
    }

    async fn user_card(&mut self, card_id: &str, code: &str) -> Value {
        let request = json!({ "card_id": card_id, "code": code });
        self.walk.call("merchant.user_cards.get", request).await
    }
}

/// Walks, once however many tests need it, and returns the ids of the operations that succeeded.
pub(crate) async fn covered() -> &'static BTreeSet<String> {
    static COVERED: OnceCell<BTreeSet<String>> = OnceCell::const_new();
    // Boxed: the future of a walk is large.
    COVERED.get_or_init(|| Box::pin(walk())).await
}

#[tokio::test]
async fn every_operation_succeeds_with_its_example_and_answers_every_documented_field() {
    assert!(!covered().await.is_empty());
}

async fn walk() -> BTreeSet<String> {
    let world = World::start().await;
    let mut journey = Journey::start(&world).await;
    journey.picture().await;
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
    canaries::keep_pages(world.gateway().admin()).await;
    journey.walk.finish(&UNANSWERED)
}

/// Puts members into an example, at every depth.
fn merge(into: &mut Value, members: Value) {
    match (into, members) {
        (Value::Object(into), Value::Object(members)) => {
            for (name, value) in members {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value,
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
