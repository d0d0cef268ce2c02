//! Callers and the policy change while the gateway runs.

use kabao_auth::sha256_hex;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use tonic::{Code, Request};

use super::configured::{Configured, replace};
use crate::demo::MERCHANT;
use crate::world::get_member;

/// What a holder of a token hears.
async fn code(world: &Configured, token: &str) -> Code {
    let mut request = Request::new(get_member(&MERCHANT));
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    let mut members = MemberServiceClient::new(world.channel.clone());
    match members.get_member(request).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

fn callers(tokens: &[&str]) -> String {
    let digest = |token: &&str| format!("{:?}", sha256_hex(token.as_bytes()));
    let digests: Vec<_> = tokens.iter().map(digest).collect();
    format!(
        "[reload]\npoll = \"0\"\n[[callers]]\nname = \"till\"\ntoken_sha256 = [{}]\n",
        digests.join(", ")
    )
}

fn policy(methods: &str) -> String {
    format!("[[callers]]\nname = \"till\"\naccounts = [\"demo-*\"]\nmethods = [\"{methods}\"]\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_replaced_and_the_policy_changes_without_a_restart() {
    let world = Configured::start("rights", &callers(&["old"])).await;
    assert_eq!(code(&world, "old").await, Code::Ok);
    for (tokens, old, new) in [
        (&["old", "new"][..], Code::Ok, Code::Ok),
        (&["new"], Code::Unauthenticated, Code::Ok),
    ] {
        world.configure(&callers(tokens));
        let (status, report) = world.reload().await;
        assert_eq!(status, 200, "{report}");
        assert_eq!(
            (code(&world, "old").await, code(&world, "new").await),
            (old, new)
        );
    }

    let with_policy = callers(&["new"]);
    let file = world.folder.join("policy.toml");
    for (methods, expected) in [("money", Code::PermissionDenied), ("read", Code::Ok)] {
        replace(&file, &policy(methods));
        world.configure(&with_policy);
        let text = std::fs::read_to_string(world.folder.join("kabao.toml")).unwrap();
        let text = text.replace("[grpc]\n", "[grpc]\npolicy_file = \"policy.toml\"\n");
        replace(&world.folder.join("kabao.toml"), &text);
        let (status, report) = world.reload().await;
        assert_eq!(status, 200, "{report}");
        assert_eq!(report["outcome"], "applied", "{report}");
        assert_eq!(code(&world, "new").await, expected, "{methods}");
    }
    // A policy that is only half there changes nothing.
    replace(&file, "[[callers]]\nname = \"till\"\nacc");
    assert_eq!(world.reload().await.0, 422);
    assert_eq!(code(&world, "new").await, Code::Ok);
}
