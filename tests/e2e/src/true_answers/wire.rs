//! What stands on the wire: the length of nothing, and paths that go where they say.

use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use super::{reached, sent};
use crate::demo::{BRAND, BRAND_DIRECT, Demo, MERCHANT, OFFICIAL_ACCOUNT};
use crate::refusal::refused;
use crate::walk::Walk;
use crate::world::World;

#[tokio::test]
async fn a_post_without_body_tells_its_length() {
    let world = World::start().await;
    let walk = Walk::new(&world, &MERCHANT);
    let operation = "merchant.activities.terminate";
    let request = walk.example(operation);
    let answer = walk.send(operation, &request).await;
    answer.expect_err("there is no such activity");
    let walk = Walk::new(&world, &BRAND);
    let request = json!({"account": BRAND_DIRECT.account(), "card_id": BRAND_DIRECT.card_id});
    walk.send("brand_direct.cards.invalidate", &request)
        .await
        .unwrap();
    for operation in [operation, "brand_direct.cards.invalidate"] {
        let sent = sent(&world, operation);
        assert!(!sent.is_empty(), "{operation}");
        for exchange in sent {
            assert_eq!(exchange.method, "POST");
            let request = exchange.request.expect("a request");
            assert_eq!(request.body_bytes, 0);
            let length = request.headers.get("content-length").map(String::as_str);
            assert_eq!(length, Some("0"), "{operation}");
        }
    }
}

const CLIMBING: [&str; 6] = [".", "..", "%2e%2e", "%2E", "a/../b", "../x"];

#[tokio::test]
async fn no_path_parameter_of_a_family_climbs() {
    let world = World::start().await;
    let before = reached(&world);
    let mut count = 0;
    for demo in [&MERCHANT, &BRAND] {
        let walk = Walk::new(&world, demo);
        for operation in walk.served() {
            let id = operation["id"].as_str().unwrap();
            let path = operation["path"].as_str().unwrap();
            let parameters = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            for parameter in parameters {
                let fields = operation["request"].as_array().unwrap();
                let field = fields.iter().find(|field| field["name"] == parameter);
                // A number goes nowhere.
                if field.unwrap()["type"] == "integer" {
                    continue;
                }
                for value in CLIMBING {
                    let mut request = walk.example(id);
                    // The sealed one of the example is no number.
                    if let Some(phone) = request.get_mut("encrypted_phone_number") {
                        *phone = json!("13800000417");
                    }
                    if id.starts_with("brand_direct.") {
                        request["account"] = json!(BRAND_DIRECT.account());
                    }
                    request[parameter] = Value::from(value);
                    println!("{id} {parameter} {value}");
                    let refusal =
                        refused(Code::InvalidArgument, "FIELD_INVALID").fields(&[parameter]);
                    walk.refuse(id, &request, refusal).await;
                    count += 1;
                }
            }
        }
    }
    println!("{count} requests");
    assert!(count > 200, "{count}");
    assert_eq!(reached(&world), before);
}

#[tokio::test]
async fn no_name_climbs() {
    let world = World::start().await;
    let before = reached(&world);
    for demo in [&MERCHANT, &BRAND, &OFFICIAL_ACCOUNT] {
        for value in [".", "..", "%2e%2e", "a/../b"] {
            for stranger in [
                Demo {
                    code: value,
                    ..*demo
                },
                Demo {
                    card_id: value,
                    ..*demo
                },
            ] {
                let status = world.get_member(&stranger).await.unwrap_err();
                let info = status.get_details_error_info().unwrap();
                let bad = status.get_details_bad_request().unwrap();
                assert_eq!(
                    (status.code(), info.reason.as_str()),
                    (Code::InvalidArgument, "NAME_INVALID"),
                    "{status:?}"
                );
                assert_eq!(bad.field_violations[0].field, "name");
                assert_eq!(bad.field_violations.len(), 1);
            }
            let stranger = Demo {
                card_id: value,
                ..*demo
            };
            refused(Code::InvalidArgument, "NAME_INVALID")
                .fields(&["name"])
                .check(world.get_template(&stranger).await);
        }
    }
    assert_eq!(reached(&world), before);
    assert_eq!(json!(world.sandbox().ledger()), json!([]));
}
