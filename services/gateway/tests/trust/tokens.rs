//! Bearer tokens: those that the configuration knows, and those that an issuer signs.

use serde_json::json;
use tonic::Code;

use crate::authority::{Authority, now};
use crate::issuer::Issuer;
use crate::world::{Folder, ask, channel, metric, trusting, until};

const JWT: &str = "[grpc.jwt]\njwks_file = \"jwks.json\"\nissuer = \"https://issuer.example\"\naudience = \"kabao-production\"\n";
/// The digests of `abc` and of `abd`.
const TWO: &str = "[[callers]]\nname = \"office\"\ntoken_sha256 = [\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\", \"a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9\"]\n";

fn refused(kind: &str) -> String {
    format!(r#"kabao_tokens_refused_total{{kabao_cause="{kind}"}}"#)
}

#[tokio::test]
async fn a_token_of_another_environment_is_refused_and_counted() {
    let folder = Folder::new("environments");
    let servers = Authority::new("servers");
    let (production, staging) = (Issuer::new(), Issuer::new());
    folder.put_server(&servers.server());
    folder.put("jwks.json", &production.jwks());
    let gateway = folder.start("", "", &format!("{JWT}{TWO}")).await;
    let channel = channel(&gateway, &trusting(&servers, None));
    let over = now().as_secs() - 60;
    for (token, kind) in [
        ("abe".to_owned(), "unknown"),
        ("a.b.c".to_owned(), "malformed"),
        (staging.token(json!({})), "signature"),
        (
            production.token(json!({"iss": "https://issuer.staging.example"})),
            "issuer",
        ),
        (
            production.token(json!({"aud": "kabao-staging"})),
            "audience",
        ),
        (production.token(json!({"exp": over})), "expired"),
        (production.token(json!({"sub": "a\nb"})), "no_name"),
    ] {
        let said = ask(&channel, Some(&token)).await;
        assert_eq!(said, Code::Unauthenticated, "{kind}");
        assert_eq!(metric(&gateway, &refused(kind)).await, Some(1), "{kind}");
    }
    assert_eq!(ask(&channel, None).await, Code::Unauthenticated);
    // Both tokens of a caller are good while one takes the place of the other; and the issuer's are.
    for token in ["abc", "abd", &production.token(json!({}))] {
        assert_eq!(ask(&channel, Some(token)).await, Code::Ok);
    }
}

#[tokio::test]
async fn the_policy_knows_the_name_in_a_signed_token() {
    let folder = Folder::new("named");
    let servers = Authority::new("servers");
    let issuer = Issuer::new();
    folder.put_server(&servers.server());
    folder.put("jwks.json", &issuer.jwks());
    folder.put(
        "policy.toml",
        "[[callers]]\nname = \"jwt:till\"\naccounts = [\"*\"]\nmethods = [\"read\"]\n",
    );
    let prefixed = format!("{JWT}prefix = \"jwt:\"\nclaim = \"client_id\"\n");
    let policy = "policy_file = \"policy.toml\"";
    let gateway = folder.start(policy, "", &prefixed).await;
    let channel = channel(&gateway, &trusting(&servers, None));
    for (client, expected) in [("till", Code::Ok), ("office", Code::PermissionDenied)] {
        let token = issuer.token(json!({"client_id": client, "sub": "till"}));
        assert_eq!(ask(&channel, Some(&token)).await, expected, "{client}");
    }
}

#[tokio::test]
async fn new_keys_of_the_issuer_come_into_use_and_old_ones_go() {
    let folder = Folder::new("keys");
    let servers = Authority::new("servers");
    let (old, new) = (Issuer::new(), Issuer::new());
    folder.put_server(&servers.server());
    folder.put("jwks.json", &old.jwks());
    let gateway = folder.start("", "", JWT).await;
    let channel = channel(&gateway, &trusting(&servers, None));
    let token = old.token(json!({}));
    assert_eq!(ask(&channel, Some(&token)).await, Code::Ok);

    const REFUSED: &str = r#"kabao_files_refused{kabao_files="jwks"}"#;
    folder.put("jwks.json", "{}");
    until(&gateway, REFUSED, 1).await;
    assert_eq!(ask(&channel, Some(&token)).await, Code::Ok);

    folder.put("jwks.json", &new.jwks());
    until(&gateway, REFUSED, 0).await;
    assert_eq!(ask(&channel, Some(&token)).await, Code::Unauthenticated);
    let token = new.token(json!({}));
    assert_eq!(ask(&channel, Some(&token)).await, Code::Ok);
}

#[test]
fn what_is_wrong_with_the_settings_of_an_issuer_is_told() {
    let folder = Folder::new("settings");
    folder.put_server(&Authority::new("servers").server());
    folder.put("jwks.json", &Issuer::new().jwks());
    folder.put("secret.json", r#"{"keys": [{"kty": "oct", "k": "AA"}]}"#);
    let with = |from: &str, to: &str| JWT.replace(from, to);
    for (jwt, expected) in [
        (
            "[grpc.jwt]\n".to_owned(),
            &[
                "jwks_file: is required",
                "issuer: is required",
                "audience: is required",
            ][..],
        ),
        (with("jwks.json", "none.json"), &["jwks_file: cannot read "]),
        (
            with("jwks.json", "secret.json"),
            &["holds a secret key (without kid)"],
        ),
        (
            format!("{JWT}claim = \"\"\n"),
            &["grpc.jwt.claim: must not be empty"],
        ),
        (
            format!("{JWT}prefix = \"a\\nb\"\n"),
            &["grpc.jwt.prefix: must be at most 100 bytes"],
        ),
        (format!("{JWT}leeway = 1\n"), &["is not a setting"]),
    ] {
        let told = folder.settings("", "", &jwt).unwrap_err().to_string();
        for expected in expected {
            assert!(told.contains(expected), "{expected} in {told}");
        }
    }
}
