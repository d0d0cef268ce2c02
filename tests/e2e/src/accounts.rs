//! Accounts that join and leave the sandbox of `kabao dev` are its gateway's too.

use kabao_proto::kabao::v1::account_service_client::AccountServiceClient;
use kabao_proto::kabao::v1::{CheckAccountRequest, ListAccountsRequest, ListTemplatesRequest};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::world::World;

/// How many reads proved the credentials.
async fn proofs(world: &World, account: &str) -> Result<usize, Status> {
    let name = format!("accounts/{account}");
    AccountServiceClient::new(world.channel())
        .check_account(CheckAccountRequest { name })
        .await
        .map(|answer| answer.into_inner().proofs.len())
}

async fn listed(world: &World) -> Vec<String> {
    let answer = AccountServiceClient::new(world.channel())
        .list_accounts(ListAccountsRequest::default())
        .await
        .unwrap();
    let accounts = answer.into_inner().accounts.into_iter();
    accounts.map(|account| account.name).collect()
}

#[tokio::test]
async fn an_account_of_ones_own_is_served_from_its_first_call_until_it_is_removed() {
    let world = World::start().await;
    for (account, family) in [
        ("acme-merchant", "merchant"),
        ("acme-brand", "brand"),
        ("acme-direct", "brand_direct"),
        ("acme", "official_account"),
    ] {
        let unknown = proofs(&world, account).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound, "{account}");

        let order = json!({ "name": account, "family": family });
        world.order("POST", "/accounts", &order).await;
        assert!(proofs(&world, account).await.unwrap() > 0, "{account}");
        let name = format!("accounts/{account}");
        assert!(listed(&world).await.contains(&name), "{account}");
        let request = ListTemplatesRequest {
            parent: name.clone(),
            ..ListTemplatesRequest::default()
        };
        world.templates().list_templates(request).await.unwrap();

        let path = format!("/accounts/{account}");
        world.order("DELETE", &path, &Value::Null).await;
        let gone = proofs(&world, account).await.unwrap_err();
        assert_eq!(gone.code(), Code::NotFound, "{account}");
        assert!(!listed(&world).await.contains(&name), "{account}");
    }
}

#[tokio::test]
async fn an_account_whose_key_is_with_its_owner_alone_is_not_served() {
    let world = World::start().await;
    let demo = world
        .order("GET", "/accounts/demo-merchant", &Value::Null)
        .await;
    let order = json!({
        "name": "owners",
        "family": "merchant",
        "certificate_pem": demo["certificate_pem"],
    });
    world.order("POST", "/accounts", &order).await;
    let refused = proofs(&world, "owners").await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    // The others are not disturbed.
    assert!(proofs(&world, "demo-merchant").await.unwrap() > 0);
}
