//! What every operation refuses alike: whoever has no permission, and who does not act for the brand.

use kabao_models::{Body, Family};
use serde_json::json;

use super::forbidden;
use crate::demo::BRAND;
use crate::walk::Walk;
use crate::walk_brand::{DIRECT, PROVIDER, Stage};
use crate::world::World;

/// The ids of the operations of a caller without what they begin with; uploads are requests of another kind.
fn operations(of: &str) -> Vec<&'static str> {
    kabao_models::operations()
        .filter(|operation| operation.family == Family::Brand)
        .filter(|operation| operation.body != Body::Multipart)
        .filter_map(|operation| operation.id.split_once('.'))
        .filter(|(begin, _)| *begin == of)
        .map(|(_, operation)| operation)
        .collect()
}

#[tokio::test]
async fn no_operation_is_open_to_an_account_without_permission() {
    let world = World::start().await;
    let mut walk = Walk::new(&world, &BRAND);
    for (caller, count) in [(&PROVIDER, 24), (&DIRECT, 15)] {
        let path = format!("/accounts/{}", caller.demo.account);
        let closed = json!({ "permitted": false });
        world.order("PATCH", &path, &closed).await;
        let stage = Stage {
            walk: &mut walk,
            caller,
        };
        let operations = operations(caller.operations);
        assert_eq!(operations.len(), count);
        for operation in operations {
            // Personal data is sent encrypted; the ciphertext of the example is none.
            let (id, mut request) = stage.request(operation, json!({}));
            if let Some(phone_number) = request.get_mut("phone_number") {
                *phone_number = json!("13800000417");
            }
            stage.walk.refuse(&id, &request, forbidden()).await;
        }
    }
}

#[tokio::test]
async fn no_operation_is_open_to_a_service_provider_of_other_brands() {
    let world = World::start().await;
    let mut walk = Walk::new(&world, &BRAND);
    let stage = Stage {
        walk: &mut walk,
        caller: &PROVIDER,
    };
    for operation in operations(PROVIDER.operations) {
        let (id, mut request) = stage.request(operation, json!({ "brand_id": "2008" }));
        if let Some(phone_number) = request.get_mut("phone_number") {
            *phone_number = json!("13800000417");
        }
        stage.walk.refuse(&id, &request, forbidden()).await;
    }
}
