//! Who may call: tokens, the policy, and ports that strangers reach.

use kabao_gateway::config::Summary;

use crate::{NOW, OFFICIAL, with_official};

/// SHA-256 of `abc` and of nothing.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn a_port_that_strangers_reach_says_who_may_call_or_that_it_is_open() {
    let folder = with_official("strangers");
    folder.write_pair("server", 2030);
    folder.write(
        "policy.toml",
        "[[callers]]\nname = \"till\"\naccounts = [\"*\"]\nmethods = [\"read\"]\n",
    );
    let tls = "[grpc.tls]\ncertificate_file = \"server_cert.pem\"\nprivate_key_file = \"server_key.pem\"\n";
    let mutual = format!("{tls}client_ca_file = \"server_cert.pem\"\n");
    let callers = format!("[[callers]]\nname = \"till\"\ntoken_sha256 = [\"{ABC}\"]\n");
    let nobody = Some("nothing says who may call");
    let plain = Some("tokens would travel in plain text");
    let nameless = Some("nothing here says who calls");
    let unruled = Some("nothing says what callers may do, so nobody may do anything");
    for (grpc, rest, fault) in [
        ("listen = \"127.0.0.1:1\"", "", None),
        ("listen = \"[::1]:1\"", "", None),
        ("listen = \"0.0.0.0:1\"", "", nobody),
        ("listen = \"[::]:1\"", tls, nobody),
        ("listen = \"10.0.0.1:1\"", mutual.as_str(), unruled),
        (
            "listen = \"10.0.0.1:1\"\npolicy_file = \"policy.toml\"",
            mutual.as_str(),
            None,
        ),
        (
            "listen = \"10.0.0.1:1\"\nopen = true",
            mutual.as_str(),
            None,
        ),
        ("listen = \"127.0.0.1:1\"", mutual.as_str(), None),
        ("listen = \"0.0.0.0:1\"", callers.as_str(), plain),
        ("listen = \"0.0.0.0:1\"\nopen = false", "", nobody),
        ("listen = \"0.0.0.0:1\"\nopen = true", "", None),
        (
            "listen = \"0.0.0.0:1\"\nopen = true",
            callers.as_str(),
            None,
        ),
        ("policy_file = \"policy.toml\"", "", nameless),
        ("policy_file = \"policy.toml\"", callers.as_str(), None),
        ("policy_file = \"policy.toml\"", mutual.as_str(), None),
    ] {
        let text = format!("[grpc]\n{grpc}\n{rest}{OFFICIAL}");
        let faults = folder.parse(&text).err().unwrap_or_default();
        match fault {
            None => assert!(faults.is_empty(), "{text}{faults:?}"),
            Some(fault) => assert!(
                faults.len() == 1 && faults[0].contains(fault),
                "{text}{faults:?}"
            ),
        }
    }
}

/// An empty list is nobody: whoever is known by no token, and by nothing else, is a stranger.
#[test]
fn a_list_of_no_callers_opens_no_port_and_no_policy() {
    let folder = with_official("nobody");
    folder.write_pair("server", 2030);
    folder.write(
        "policy.toml",
        "[[callers]]\nname = \"till\"\naccounts = [\"*\"]\nmethods = [\"read\"]\n",
    );
    let tls = "[grpc.tls]\ncertificate_file = \"server_cert.pem\"\nprivate_key_file = \"server_key.pem\"\n";
    for (grpc, expected) in [
        (
            "listen = \"0.0.0.0:1\"",
            "grpc.listen: is reachable from other machines, and nothing says who may call",
        ),
        (
            "policy_file = \"policy.toml\"",
            "grpc.policy_file: speaks of callers, and nothing here says who calls",
        ),
    ] {
        let text = format!("callers = []\n[grpc]\n{grpc}\n{tls}{OFFICIAL}");
        let faults = folder.parse(&text).unwrap_err();
        assert!(
            faults.len() == 1 && faults[0].contains(expected),
            "{faults:?}"
        );
    }
}

#[test]
fn every_mistake_of_a_policy_is_told_at_its_place() {
    let folder = with_official("policy");
    folder.write(
        "policy.toml",
        "[[callers]]\nname = \"\"\naccounts = []\nmethods = [\"reed\", \"kabao.v1.MemberService/GetMembers\", 1]\n\
         [[callers]]\nname = \"till\"\nmethod = [\"read\"]\n[[rules]]\n",
    );
    let text = format!(
        "[grpc]\npolicy_file = \"policy.toml\"\n[[callers]]\nname = \"till\"\ntoken_sha256 = [\"{ABC}\"]\n{OFFICIAL}"
    );
    folder.check_faults(
        &text,
        &[
            "policy.toml:2:1: callers[#1].name: must not be empty",
            "policy.toml:3:1: callers[#1].accounts: must not be empty; it is a list of names of accounts, such as \"acme-*\"",
            "policy.toml:4:57: callers[#1].methods[2]: must be a string, not an integer",
            "policy.toml:4:12: callers[#1].methods[0]: is no method and no group of methods; did you mean `read`?",
            "policy.toml:4:20: callers[#1].methods[1]: is no method and no group of methods; did you mean `kabao.v1.MemberService/GetMember`?",
            "policy.toml:5:1: callers[till].accounts: is required: a list of names of accounts, such as \"acme-*\"",
            "policy.toml:5:1: callers[till].methods: is required: a list of `read`, `write`, `money`, `admin`, `secrets`, or full names of methods",
            "policy.toml:7:1: callers[till].method: is not a setting; did you mean `methods`?",
            "policy.toml:8:3: rules: is not a setting; known here: `callers`",
        ],
    );
}

#[test]
fn tokens_are_digests_of_which_a_caller_has_two_at_most() {
    let folder = with_official("tokens");
    let entry = |name: &str, tokens: &str| {
        format!("[[callers]]\nname = \"{name}\"\ntoken_sha256 = [{tokens}]\n")
    };
    let (abc, empty) = (format!("\"{ABC}\""), format!("\"{EMPTY}\""));
    let good = entry("till", &format!("{abc}, {empty}"));
    let settings = folder.parse(&format!("{good}{OFFICIAL}")).unwrap();
    assert_eq!(settings.callers[0].name.as_str(), "till");
    assert_eq!(settings.callers[0].tokens.len(), 2);
    for (callers, fault) in [
        (entry("till", ""), "must hold one or two digests of tokens"),
        (
            entry("till", "\"hush\""),
            "is not a SHA-256 in 64 hexadecimal digits",
        ),
        (
            entry("till", &format!("{abc}, {abc}, {abc}")),
            "holds more than two",
        ),
        (entry("", &abc), "must not be empty"),
        (
            "[[callers]]\nname = \"till\"\n".to_owned(),
            "token_sha256: is required",
        ),
        (
            format!("{}{}", entry("till", &abc), entry("office", &abc)),
            "is the token of another caller, too",
        ),
        (
            format!("{}{}", entry("till", &abc), entry("till", &empty)),
            "caller #1 has the same name",
        ),
        (
            format!("{good}token = \"hush\"\n"),
            "a secret does not stand in the configuration itself",
        ),
    ] {
        let faults = folder.parse(&format!("{callers}{OFFICIAL}")).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(fault), "{faults:?}");
        assert!(!faults[0].contains("hush"), "{faults:?}");
    }
}

#[test]
fn an_issuer_that_can_name_anybody_is_pointed_out() {
    let folder = with_official("issuer");
    folder.write(
        "jwks.json",
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    );
    let callers = format!("[[callers]]\nname = \"till\"\ntoken_sha256 = [\"{ABC}\"]\n");
    let jwt = "[grpc.jwt]\njwks_file = \"jwks.json\"\nissuer = \"https://i.example\"\naudience = \"kabao\"\n";
    for (prefix, callers, expected) in [
        ("", callers.as_str(), true),
        ("prefix = \"jwt:\"\n", callers.as_str(), false),
        ("", "", false),
    ] {
        let settings = folder
            .parse(&format!("{jwt}{prefix}{callers}{OFFICIAL}"))
            .unwrap();
        let warnings = Summary::new(&settings, NOW).warnings();
        let is_told = warnings
            .iter()
            .any(|it| it.starts_with("grpc.jwt without a prefix: https://i.example can name any"));
        assert_eq!(is_told, expected, "{warnings:?}");
    }
}
