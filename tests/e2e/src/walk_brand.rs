//! Every operation of the brand family, over gRPC: WeChat's example with the ids of this world.
//!
//! A service provider and the brand itself do the same, each with operations of its own; what only the service
//! provider can do follows.

mod activities;
mod media;
mod members;
mod points;
mod templates;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::canaries;
use crate::demo::{BRAND, BRAND_DIRECT, BRAND_ID, Demo};
use crate::walk::Walk;
use crate::world::World;

/// Before the activity of WeChat's examples begins.
const NOW: &str = "2026-03-10T09:00:00+08:00";

/// Documented fields that answers do not have: those of card types that WeChat has not opened, ends of cards that have
/// not ended, and what an import cannot bring along.
fn unanswered() -> Vec<(&'static str, &'static str)> {
    let mut fields = Vec::new();
    for operation in kabao_models::operations() {
        let Some((begin, name)) = operation.id.split_once('.') else {
            continue;
        };
        let names: &[&str] = match (begin, name) {
            ("brand" | "brand_direct", "cards.list") => {
                &["data.balance_information", "data.purchase_information"]
            }
            ("brand" | "brand_direct", name) if name.starts_with("cards.") => {
                &["balance_information", "purchase_information"]
            }
            // The service provider reports a failure, which ends a card.
            ("brand", "user_cards.confirm") => &["invalid_reason"],
            ("brand_direct", "user_cards.confirm")
            | ("brand" | "brand_direct", "user_cards.update") => {
                &["invalid_reason", "invalid_time"]
            }
            ("brand" | "brand_direct", name) if name.starts_with("user_cards.import_") => {
                &["invalid_reason", "invalid_time", "attach"]
            }
            _ => &[],
        };
        fields.extend(names.iter().map(|field| (operation.id, *field)));
    }
    fields
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
    world.order("POST", "/clock", &json!({ "set": NOW })).await;
    // What only older documents have is documented too.
    let settings = json!({ "brand": { "answer_legacy_fields": true } });
    world.order("PATCH", "/settings", &settings).await;
    let mut walk = Walk::new(&world, &BRAND);
    for caller in [&PROVIDER, &DIRECT] {
        let mut stage = Stage {
            walk: &mut walk,
            caller,
        };
        media::upload(&mut stage).await;
        points::exchange(&mut stage).await;
        for (round, kind) in templates::kinds().iter().enumerate() {
            let template = templates::make(&mut stage, round, kind).await;
            members::join_and_leave(&mut stage, &template).await;
            members::import(&mut stage, &template).await;
            points::news(&mut stage, &template).await;
            if caller.operations == PROVIDER.operations {
                members::import_by_phone(&mut stage, &template).await;
                members::older_token(&mut stage, &template).await;
            }
            templates::end(&mut stage, &template).await;
        }
    }
    let mut stage = Stage {
        walk: &mut walk,
        caller: &PROVIDER,
    };
    activities::run(&mut stage).await;
    templates::delete(&mut stage).await;
    canaries::keep_pages(world.gateway().admin()).await;
    walk.finish(&unanswered())
}

/// Who calls.
pub(crate) struct Caller {
    pub(crate) demo: &'static Demo,
    /// What the ids of its operations begin with.
    pub(crate) operations: &'static str,
    /// Makes its numbers and codes different from those of the other.
    pub(crate) mark: &'static str,
    openid: &'static str,
    imported_openid: &'static str,
}

pub(crate) const PROVIDER: Caller = Caller {
    demo: &BRAND,
    operations: "brand",
    mark: "P",
    openid: "oUpF8uN3xQ7yVb2KjW5rLmT0aZcE",
    imported_openid: "oUpF8uHk4sW1cRz9PtX6vBn2dQfM",
};

pub(crate) const DIRECT: Caller = Caller {
    demo: &BRAND_DIRECT,
    operations: "brand_direct",
    mark: "D",
    openid: "oUpF8uD3xQ7yVb2KjW5rLmT0aZcE",
    imported_openid: "oUpF8uDk4sW1cRz9PtX6vBn2dQfM",
};

/// One caller on the walk.
pub(crate) struct Stage<'w, 's> {
    pub(crate) walk: &'s mut Walk<'w>,
    pub(crate) caller: &'static Caller,
}

impl<'w> Stage<'w, '_> {
    /// The example of an operation; `live` replaces members of it.
    pub(crate) fn request(&self, operation: &str, live: Value) -> (String, Value) {
        let id = format!("{}.{operation}", self.caller.operations);
        let mut request = self.walk.example(&id);
        if request.get("brand_id").is_some() {
            request["brand_id"] = json!(BRAND_ID);
        }
        request["account"] = json!(self.caller.demo.account());
        merge(&mut request, live);
        (id, request)
    }

    /// Calls an operation, which succeeds.
    pub(crate) async fn call(&mut self, operation: &str, live: Value) -> Value {
        let (id, request) = self.request(operation, live);
        self.walk.call(&id, request).await
    }

    /// Calls an operation that reads and compares.
    async fn reads(&mut self, operation: &str, names: Value, expected: &Value) {
        assert_eq!(&self.call(operation, names).await, expected);
    }

    /// What a user does.
    pub(crate) async fn act(&self, action: &str, body: Value) -> Value {
        let path = format!("/actions/{}/{action}", self.caller.demo.account);
        self.world().order("POST", &path, &body).await
    }

    /// A part of what the sandbox holds of the family.
    async fn state(&self, part: &str) -> Vec<Value> {
        let state = self.world().order("GET", "/state", &Value::Null).await;
        state["brand"][part].as_array().unwrap().clone()
    }

    /// What the sandbox holds of one member.
    async fn member(&self, card_id: &Value, code: &str) -> Value {
        let members = self.state("members").await;
        let found = members.into_iter().find(|member| {
            let card = &member["card"];
            card["card_id"] == *card_id && card["user_card_code"] == code
        });
        found.expect("the member is there")
    }

    async fn set(&self, settings: Value) {
        let settings = json!({ "brand": settings });
        self.world().order("PATCH", "/settings", &settings).await;
    }

    pub(crate) fn world(&self) -> &'w World {
        self.walk.world()
    }

    /// A request number of this caller.
    pub(crate) fn number(&self, number: usize) -> String {
        format!("{BRAND_ID}_20260310_{}{number}", self.caller.mark)
    }
}

/// Replaces members of an object, at every depth; `null` takes one away.
fn merge(into: &mut Value, live: Value) {
    match (into, live) {
        (Value::Object(into), Value::Object(live)) => {
            for (name, value) in live {
                if value.is_null() {
                    into.remove(&name);
                } else {
                    merge(into.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (into, value) => *into = value,
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
