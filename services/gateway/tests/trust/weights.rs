//! WeChat's limit of calls is shared out by the weights of the policy.

use std::time::Duration;

use kabao_client::{Client, PayCredential, WeChatPayKey};
use kabao_gateway::Gateway;
use kabao_gateway::config::AccountSettings;
use kabao_models::Secret;
use kabao_proto::kabao::brand::v1::ListUserCardsRequest;
use kabao_proto::kabao::brand::v1::user_card_service_client::UserCardServiceClient;
use kabao_sandbox::{Running, Sandbox};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Request;

use crate::authority::Authority;
use crate::world::{Folder, channel, trusting};

const CALLERS: &str = "[[callers]]\nname = \"heavy\"\ntoken_sha256 = [\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"]\n\
    [[callers]]\nname = \"light\"\ntoken_sha256 = [\"a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9\"]\n";
const POLICY: &str = "[[callers]]\nname = \"heavy\"\naccounts = [\"*\"]\nmethods = [\"read\"]\nweight = 3\n\
    [[callers]]\nname = \"light\"\naccounts = [\"*\"]\nmethods = [\"read\"]\n";
/// The tokens of both.
const TOKENS: [&str; 2] = ["abc", "abd"];

fn brand(sandbox: &Running) -> Client {
    let account = sandbox.account("demo-brand").unwrap();
    let credential = PayCredential {
        number: account.mchid.unwrap(),
        private_key: Secret::new(account.private_key_pem.unwrap()),
        certificate: account.certificate_pem,
        serial_no: account.serial_no,
        apiv3_key: account.apiv3_key.map(Secret::new),
        wechat_pay_key: Some(WeChatPayKey {
            id: account.public_key_id.unwrap(),
            public_key: account.public_key_pem.unwrap(),
        }),
        ..PayCredential::default()
    };
    Client::brand("demo-brand")
        .base_url(account.base_url)
        .root_certificates(sandbox.ca_pem())
        .brand_id(account.brand_id.unwrap())
        .provider(credential)
        .build()
        .unwrap()
}

/// A read that is like no other one, so that they are not one call.
fn list(token: &str, offset: i64) -> Request<ListUserCardsRequest> {
    let mut request = Request::new(ListUserCardsRequest {
        account: "accounts/demo-brand".to_owned(),
        brand_id: "1004".to_owned(),
        openid: "obLatjnx9gnqzS4myYGmLZ7LgLBA".to_owned(),
        offset: Some(offset),
        limit: 20,
        ..ListUserCardsRequest::default()
    });
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_of_weight_three_gets_three_times_as_much_of_what_wechat_allows() {
    let folder = Folder::new("weights");
    let servers = Authority::new("servers");
    folder.put_server(&servers.server());
    folder.put("policy.toml", POLICY);
    let sandbox = Sandbox::builder().demo(true).start().await.unwrap();
    let policy = "policy_file = \"policy.toml\"";
    let mut settings = folder.settings(policy, "", CALLERS).unwrap();
    settings.accounts = vec![AccountSettings::new(brand(&sandbox))];
    let gateway = Gateway::start(&settings).await.unwrap();
    gateway.ready();

    // Ten may leave at once, and ten a second follow; only these are shared out.
    let settled = Instant::now() + Duration::from_secs(1);
    let end = settled + Duration::from_secs(2);
    let mut workers = JoinSet::new();
    for (number, token) in TOKENS.into_iter().enumerate() {
        let channel = channel(&gateway, &trusting(&servers, None));
        for worker in 0..6 {
            let mut cards = UserCardServiceClient::new(channel.clone());
            workers.spawn(async move {
                let mut served = 0;
                let mut offset = i64::try_from(number).unwrap() * 1_000_000 + worker * 1000;
                while Instant::now() < end {
                    offset += 1;
                    cards.list_user_cards(list(token, offset)).await.unwrap();
                    served += usize::from((settled..end).contains(&Instant::now()));
                }
                (number, served)
            });
        }
    }
    let mut served = [0; 2];
    while let Some(ended) = workers.join_next().await {
        let (number, count) = ended.unwrap();
        served[number] += count;
    }
    let [heavy, light] = served;
    // Fifteen and five, give or take two of twenty.
    assert!((18..=22).contains(&(heavy + light)), "{served:?}");
    assert!((3..=7).contains(&light), "{served:?}");
}
