//! The private keys of accounts: where they lie, how many there are, and who else can read them.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use kabao_gateway::config::Summary;

use super::{Folder, NOW, OFFICIAL, with_official};

/// Two keys in turn: the new one is configured first.
fn account(first: &str, second: &str) -> String {
    format!(
        r#"
[[accounts]]
id = "acme"
family = "merchant"
mchid = "1900000001"
public_key_id = "PUB_KEY_ID_0119000000012025010100000000000001"
public_key_file = "new_pub.pem"
[[accounts.keys]]
private_key_file = "{first}_key.pem"
certificate_file = "{first}_cert.pem"
[[accounts.keys]]
private_key_file = "{second}_key.pem"
certificate_file = "{second}_cert.pem"
"#
    )
}

/// Certificates of 2020 to 2025, to 2030 and to 2035; it is 2026.
fn with_keys(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write_pair("ended", 2025);
    folder.write_pair("old", 2030);
    folder.write_pair("new", 2035);
    folder
}

#[test]
fn an_account_may_have_several_keys_of_which_one_is_valid() {
    let folder = with_keys("several-keys");
    for (first, second) in [
        ("new", "old"),
        ("old", "new"),
        ("ended", "new"),
        ("new", "ended"),
    ] {
        let settings = folder.parse(&account(first, second)).unwrap();
        let account = &settings.accounts[0];
        assert!(account.about.contains(" and "), "{}", account.about);
        let end = account.certificate_expires.unwrap();
        assert_eq!(end, 2_051_222_400, "2035-01-01: when the last one ends");
    }
}

#[test]
fn a_mistake_in_one_of_several_keys_is_told_where_it_stands() {
    let folder = with_keys("faulty-keys");
    folder.write(
        "cut_key.pem",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n",
    );
    folder.write("cut_cert.pem", "-----BEGIN CERTIFICATE-----\n");
    let mixed = account("new", "old").replace("old_cert", "new_cert");
    let rows = [
        (
            mixed,
            vec![
                "kabao.toml:13:1: accounts[acme].keys[#2].certificate_file: new_cert.pem: does not belong to the private key",
            ],
        ),
        (
            account("new", "cut"),
            vec![
                "kabao.toml:12:1: accounts[acme].keys[#2].private_key_file: cut_key.pem: the PEM block is malformed",
                "kabao.toml:13:1: accounts[acme].keys[#2].certificate_file: cut_cert.pem: the PEM block is malformed",
            ],
        ),
        (
            account("ended", "ended"),
            vec![
                "kabao.toml:8:12: accounts[acme].keys: #2: serial_no is that of another key of the account",
                "kabao.toml:8:12: accounts[acme].keys: #1: certificate is outside its validity",
            ],
        ),
        (
            account("new", "old").replace("mchid", "private_key_file = \"new_key.pem\"\nmchid"),
            vec![
                "kabao.toml:5:1: accounts[acme].private_key_file: stands beside `[[accounts.keys]]`; only one of the two can be used",
            ],
        ),
        (
            account("new", "old").replace("private_key_file = \"old_key.pem\"\n", ""),
            vec![
                "kabao.toml:11:1: accounts[acme].keys[#2].private_key_file: is required, or `private_key_uri`",
            ],
        ),
        (
            account("new", "old").replace("private_key_file = \"old", "private_key_fil = \"old"),
            vec![
                "kabao.toml:11:1: accounts[acme].keys[#2].private_key_file: is required, or `private_key_uri`",
                "kabao.toml:12:1: accounts[acme].keys[#2].private_key_fil: is not a setting; did you mean `private_key_file`?",
            ],
        ),
    ];
    for (text, expected) in rows {
        folder.check_faults(&text, &expected);
    }
}

#[test]
fn a_damaged_key_names_its_file() {
    let folder = with_keys("damaged");
    let whole = fs::read_to_string(folder.0.join("new_key.pem")).unwrap();
    let certificate = fs::read_to_string(folder.0.join("new_cert.pem")).unwrap();
    let text = account("new", "old");
    let (half, _) = whole.split_at(whole.len() / 2);
    // In the middle, where the base64 stays base64 and the key does not stay a key.
    let line = whole.lines().nth(5).unwrap();
    let flipped = whole.replace(line, &line.chars().rev().collect::<String>());
    for (damaged, told) in [
        ("", "new_key.pem: is empty"),
        ("hello", "new_key.pem: no PEM block found"),
        (half, "new_key.pem: the PEM block is malformed"),
        (&flipped, "new_key.pem: not a usable RSA key"),
        (
            &certificate,
            "new_key.pem: a certificate was given where a key is expected",
        ),
    ] {
        folder.write("new_key.pem", damaged);
        let faults = folder.parse(&text).unwrap_err();
        assert!(faults[0].ends_with(told), "{faults:#?}");
    }
}

#[test]
fn a_place_of_a_key_that_is_not_good_is_told() {
    let folder = with_keys("places");
    folder.write("pin", "4711");
    fs::set_permissions(folder.0.join("pin"), Permissions::from_mode(0o644)).unwrap();
    let text = |uri: &str| {
        account("new", "old").replace(
            "private_key_file = \"old_key.pem\"",
            &format!("private_key_uri = \"{uri}\""),
        )
    };
    let rows = [
        ("hsm", "must begin with `pkcs11:`"),
        (
            "pkcs11:token=t;object=o?module-path=m&pin-value=4711",
            "the PIN does not stand in the URI itself; use `pin-source=file:/path`",
        ),
        (
            "pkcs11:token=t;object=o?module-path=m&pin-source=pin",
            "pin has mode 0644, so everybody on this machine can use it; `chmod 600 pin`, or `keys.allow_loose_files = true` where nobody else is",
        ),
    ];
    for (uri, told) in rows {
        let told = format!("kabao.toml:12:1: accounts[acme].keys[#2].private_key_uri: {told}");
        folder.check_faults(&text(uri), &[&told]);
    }
    let faults = folder
        .parse(&text("pkcs11:token=t;object=o?module-path=nothing.so"))
        .unwrap_err();
    assert!(
        faults[0].contains("private_key_uri: the module cannot be loaded: "),
        "{faults:#?}"
    );
    assert_eq!(faults.len(), 1, "{faults:#?}");
}

#[test]
fn a_secret_that_others_can_read_is_refused_unless_the_configuration_says_so() {
    let folder = with_keys("modes");
    folder.write("secret", "hush-hush");
    let text = format!("{}{OFFICIAL}", account("new", "old"));
    for name in ["old_key.pem", "secret"] {
        fs::set_permissions(folder.0.join(name), Permissions::from_mode(0o644)).unwrap();
    }
    let remedy = |name: &str| {
        format!(
            "{name} has mode 0644, so everybody on this machine can use it; `chmod 600 {name}`, or `keys.allow_loose_files = true` where nobody else is"
        )
    };
    folder.check_faults(
        &text,
        &[
            &format!(
                "kabao.toml:12:1: accounts[acme].keys[#2].private_key_file: {}",
                remedy("old_key.pem")
            ),
            &format!(
                "kabao.toml:19:1: accounts[wechat].app_secret_file: {}",
                remedy("secret")
            ),
        ],
    );
    let allowed = format!("[keys]\nallow_loose_files = true\n{text}");
    let settings = folder.parse(&allowed).unwrap();
    let warnings = Summary::new(&settings, NOW).warnings();
    assert_eq!(
        warnings,
        [
            "keys.allow_loose_files = true: private keys are taken that others on this machine may read"
        ]
    );
    // Certificates are no secrets.
    fs::set_permissions(folder.0.join("secret"), Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(folder.0.join("old_key.pem"), Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(folder.0.join("old_cert.pem"), Permissions::from_mode(0o644)).unwrap();
    folder.parse(&text).unwrap();
}

#[test]
fn the_key_of_the_listener_is_a_secret_as_well() {
    let folder = with_official("listener-key");
    folder.write_pair("server", 2030);
    let mode = |name: &str, mode| {
        fs::set_permissions(folder.0.join(name), Permissions::from_mode(mode)).unwrap();
    };
    let text = format!(
        "[grpc.tls]\ncertificate_file = \"server_cert.pem\"\nprivate_key_file = \"server_key.pem\"\n{OFFICIAL}"
    );
    mode("server_cert.pem", 0o644);
    folder.parse(&text).unwrap();
    mode("server_key.pem", 0o644);
    folder.check_faults(
        &text,
        &["kabao.toml:3:1: grpc.tls.private_key_file: server_key.pem has mode 0644, so everybody on this machine can use it; `chmod 600 server_key.pem`, or `keys.allow_loose_files = true` where nobody else is"],
    );
    let allowed = format!("[keys]\nallow_loose_files = true\n{text}");
    assert!(folder.parse(&allowed).unwrap().grpc.tls.is_some());
}

#[test]
fn an_admin_listener_that_others_reach_is_pointed_out() {
    let folder = with_official("admin");
    for (listen, expected) in [
        ("127.0.0.1:9464", 0),
        ("[::1]:9464", 0),
        ("0.0.0.0:9464", 1),
    ] {
        let text = format!("[admin]\nlisten = \"{listen}\"\n{OFFICIAL}");
        let settings = folder.parse(&text).unwrap();
        assert_eq!(settings.admin.listen, listen.parse::<SocketAddr>().unwrap());
        let warnings = Summary::new(&settings, NOW).warnings();
        assert_eq!(warnings.len(), expected, "{warnings:?}");
        assert!(
            warnings
                .iter()
                .all(|it| it.starts_with("admin.listen 0.0.0.0:9464: "))
        );
    }
}

#[test]
fn files_that_others_may_write_are_pointed_out_and_taken() {
    let folder = with_official("writable");
    folder.write_pair("server", 2030);
    fs::copy(folder.0.join("server_cert.pem"), folder.0.join("ca.pem")).unwrap();
    folder.write(
        "policy.toml",
        "[[callers]]\nname = \"*\"\naccounts = [\"*\"]\nmethods = [\"read\"]\n",
    );
    folder.write(
        "jwks.json",
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
    );
    let text = format!(
        "[grpc]\npolicy_file = \"policy.toml\"\n[grpc.tls]\ncertificate_file = \"server_cert.pem\"\n\
         private_key_file = \"server_key.pem\"\nclient_ca_file = \"ca.pem\"\n[grpc.jwt]\njwks_file = \"jwks.json\"\n\
         issuer = \"https://i.example\"\naudience = \"kabao\"\n{OFFICIAL}"
    );
    let mode = |name: &str, mode| {
        fs::set_permissions(folder.0.join(name), Permissions::from_mode(mode)).unwrap();
    };
    let said = || {
        let warnings = Summary::new(&folder.parse(&text).unwrap(), NOW).warnings();
        let about = warnings
            .into_iter()
            .find(|it| it.starts_with("others on this machine"));
        about.unwrap_or_default()
    };
    for name in ["policy.toml", "jwks.json", "ca.pem", "server_cert.pem"] {
        mode(name, 0o644);
        assert_eq!(said(), "", "{name}");
        mode(name, 0o666);
        let said = said();
        assert!(
            said.contains(&format!("{name} has mode 0666; let it")),
            "{name}: {said}"
        );
        mode(name, 0o600);
    }
    // Whoever may put files there can exchange them all.
    mode(".", 0o777);
    assert!(said().contains(" has mode 0777; let it"), "{}", said());
    mode(".", 0o1777);
    assert_eq!(said(), "");
    mode(".", 0o755);
}
