//! What `kabao check` accepts and what it finds wrong: always everything, always with place and key.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

mod cache;
mod callers;
mod folder;
mod keys;
mod shares;
mod store;
mod telemetry;
mod upstream;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kabao_auth::PrivateKey;
use kabao_gateway::config::{self, Environment, Settings, Summary};

/// 2026-01-01. The end of certificates is announced by this clock.
const NOW: i64 = 1_767_225_600;

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("configuration-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    /// A private key and its certificate, valid from 2020 to `until`.
    fn write_pair(&self, name: &str, until: i32) {
        let pem = PrivateKey::generate_pem().unwrap();
        let pem = pem.to_str().unwrap();
        let mut certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
        certificate.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key =
            rcgen::KeyPair::from_pkcs8_pem_and_sign_algo(pem, &rcgen::PKCS_RSA_SHA256).unwrap();
        self.write(
            &format!("{name}_cert.pem"),
            &certificate.self_signed(&key).unwrap().pem(),
        );
        self.write(&format!("{name}_key.pem"), pem);
        let public = PrivateKey::from_pem(pem).unwrap().public_key().to_pem();
        self.write(&format!("{name}_pub.pem"), &public);
    }

    fn parse(&self, text: &str) -> Result<Settings, Vec<String>> {
        self.parse_with(text, &[])
    }

    fn parse_with(
        &self,
        text: &str,
        environment: &[(&str, &str)],
    ) -> Result<Settings, Vec<String>> {
        let environment: Environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        config::parse("kabao.toml", text, &self.0, &environment, NOW).map_err(|faults| {
            let here = format!("{}/", self.0.display());
            faults
                .iter()
                .map(|fault| fault.to_string().replace(&here, ""))
                .collect()
        })
    }

    #[track_caller]
    fn check_faults(&self, text: &str, expected: &[&str]) {
        assert_eq!(self.parse(text).unwrap_err(), expected);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const OFFICIAL: &str = r#"
[[accounts]]
id = "wechat"
family = "official_account"
appid = "wx0123456789abcdef"
app_secret_file = "secret"
"#;

fn with_official(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("secret", "s3cr3t-of-the-app\n");
    folder
}

#[test]
fn what_is_not_said_has_its_documented_default() {
    let settings = with_official("defaults").parse(OFFICIAL).unwrap();
    let example = include_str!("../../kabao.example.toml");
    for (key, value) in [
        ("listen", settings.grpc.listen.to_string()),
        ("listen", settings.admin.listen.to_string()),
        ("level", settings.log.level.clone()),
    ] {
        assert!(
            example.contains(&format!("# {key} = \"{value}\"")),
            "{key} = {value}"
        );
    }
    for (key, value) in [
        ("max_connections", settings.grpc.limits.max_connections),
        (
            "max_connections_per_address",
            settings.grpc.limits.max_connections_per_address,
        ),
        (
            "max_concurrent_streams",
            settings.grpc.limits.max_concurrent_streams,
        ),
        (
            "max_concurrent_requests",
            settings.grpc.limits.max_concurrent_requests,
        ),
        (
            "max_requests_per_connection",
            settings.grpc.limits.max_requests_per_connection,
        ),
        (
            "max_requests_per_address",
            settings.grpc.limits.max_requests_per_address,
        ),
    ] {
        assert!(
            example.contains(&format!("# {key} = {value}\n")),
            "{key} = {value}"
        );
    }
    let timeouts = &settings.grpc.timeouts;
    for (key, value) in [
        ("default_deadline", timeouts.default_deadline),
        ("max_deadline", timeouts.max_deadline),
        ("handshake", timeouts.handshake),
        ("preface", timeouts.preface),
        ("stall", timeouts.stall),
        ("overloaded_after", settings.admin.overloaded_after),
        ("keepalive_timeout", timeouts.keepalive_timeout),
        ("pre_drain", settings.shutdown.pre_drain),
        ("drain_deadline", settings.shutdown.drain_deadline),
        ("poll", settings.reload.poll),
    ] {
        let line = format!("# {key} = \"{}s\"\n", value.as_secs());
        assert!(example.contains(&line), "{line}");
    }
    assert!(settings.grpc.reflection && settings.grpc.tls.is_none());
}

#[test]
fn every_setting_of_the_example_exists_and_its_defaults_are_valid() {
    let folder = Folder::new("example");
    let example = include_str!("../../kabao.example.toml");
    // With every default switched on, only the files of the example are missing.
    let mut text = String::new();
    for line in example.lines() {
        let setting = line.strip_prefix("# ").filter(|rest| {
            rest.starts_with('[')
                || rest
                    .split_once(" = ")
                    .is_some_and(|(key, _)| !key.contains(' '))
        });
        text.push_str(setting.unwrap_or(line));
        text.push('\n');
    }
    let faults = folder.parse(&text).unwrap_err();
    let missing = ["No such file", "BRAND_APIV3_KEY is not set"];
    let other: Vec<_> = faults
        .iter()
        .filter(|fault| !missing.iter().any(|missing| fault.contains(missing)))
        .collect();
    assert!(other.is_empty(), "{other:#?}");
    assert_eq!(faults.len(), 16, "{faults:#?}");
}

#[test]
fn every_mistake_is_listed_at_once_with_place_and_key() {
    let folder = with_official("all-faults");
    folder.check_faults(
        r#"
[grpc]
listn = "127.0.0.1:1"
listen = "localhost"
[grpc.limits]
max_connections = 0
max_header_list_size = "16kb"
[grpc.timeouts]
default_deadline = 30
max_deadline = "2h"
[log]
format = "xml"
level = "info,=="
[telemetry]
otlp_endpoint = "https://collector:4317"
sample_ratio = 1.5
[shutdown]
pre_drain = "soon"
[[accounts]]
id = "Acme Cards"
family = "official_account"
appid = "1900000001"
app_secret_file = "nowhere"
base_url = "http://api.weixin.qq.com"
backup_base_url = "https://api2.weixin.qq.com/cgi-bin"
[[accounts]]
family = "merchants"
"#,
        &[
            "kabao.toml:4:1: grpc.listen: is not an address; write an IP and a port, such as `127.0.0.1:50051` or `[::]:50051`",
            "kabao.toml:6:1: grpc.limits.max_connections: must be between 1 and 1000000",
            "kabao.toml:7:1: grpc.limits.max_header_list_size: is not a size; write a whole number of bytes, or one with `KiB` or `MiB`",
            "kabao.toml:9:1: grpc.timeouts.default_deadline: must be a string, not an integer",
            "kabao.toml:10:1: grpc.timeouts.max_deadline: must be between 100ms and 10m",
            "kabao.toml:3:1: grpc.listn: is not a setting; did you mean `listen`?",
            "kabao.toml:12:1: log.format: must be one of `json`, `text`",
            "kabao.toml:13:1: log.level: invalid filter directive: too many '=' in filter directive, expected 0 or 1; write a level such as `info`, or `info,kabao_client=debug`",
            "kabao.toml:15:1: telemetry.otlp_endpoint: must be `http://host:port` of a collector that takes OTLP over gRPC",
            "kabao.toml:16:1: telemetry.sample_ratio: must be between 0 and 1",
            "kabao.toml:18:1: shutdown.pre_drain: is not a duration; write a whole number and a unit, such as `500ms`, `20s`, `5m` or `1h`",
            "kabao.toml:20:1: accounts[Acme Cards].id: must be 1 to 63 lower-case letters, digits and hyphens, not starting or ending with a hyphen",
            "kabao.toml:22:1: accounts[Acme Cards].appid: is not an appid: `wx` followed by letters and digits",
            "kabao.toml:23:1: accounts[Acme Cards].app_secret_file: cannot read nowhere: No such file or directory (os error 2)",
            "kabao.toml:24:1: accounts[Acme Cards].base_url: must begin with https://: credentials never travel in clear",
            "kabao.toml:25:1: accounts[Acme Cards].backup_base_url: must not hold a path or a query",
            "kabao.toml:26:1: accounts[#2].id: is required",
            "kabao.toml:27:1: accounts[#2].family: must be one of `merchant`, `brand`, `official_account`",
        ],
    );
}

#[test]
fn syntax_errors_do_not_hide_the_other_mistakes() {
    let folder = with_official("syntax");
    let faults = folder
        .parse("[grpc]\nlisten = \"127.0.0.1:x\"\nreflection = yes\n")
        .unwrap_err();
    assert!(faults[0].starts_with("kabao.toml:3:"), "{faults:#?}");
    assert!(faults[0].contains("TOML syntax"), "{faults:#?}");
    assert!(
        faults.iter().any(|fault| fault.contains("grpc.listen")),
        "{faults:#?}"
    );
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("accounts: there is none")),
        "{faults:#?}"
    );
}

#[test]
fn keys_and_certificates_are_compared() {
    let folder = Folder::new("keys");
    folder.write_pair("good", 2030);
    folder.write_pair("old", 2025);
    folder.write("short", "too-short");
    folder.write("not-a-key", "hello");
    let text = r#"
[[accounts]]
id = "mixed-up"
family = "merchant"
mchid = "1900000001"
private_key_file = "good_key.pem"
certificate_file = "old_cert.pem"
serial_no = "01"
apiv3_key_file = "short"
[[accounts]]
id = "swapped"
family = "merchant"
mchid = "MCH"
private_key_file = "good_cert.pem"
certificate_file = "good_key.pem"
public_key_file = "not-a-key"
public_key_id = "5157F09E"
[[accounts]]
id = "half"
family = "brand"
brand_id = "1004"
private_key_file = "good_key.pem"
certificate_file = "good_cert.pem"
[[accounts]]
id = "half"
family = "merchant"
mchid = "1900000001"
brand_id = "1004"
app_secret = "hush-hush"
private_key_file = "good_key.pem"
"#;
    let faults = folder.parse(text).unwrap_err();
    assert_eq!(
        faults,
        [
            "kabao.toml:7:1: accounts[mixed-up].certificate_file: old_cert.pem: does not belong to the private key",
            "kabao.toml:8:1: accounts[mixed-up].serial_no: is not the serial number of the certificate",
            "kabao.toml:7:1: accounts[mixed-up].certificate_file: old_cert.pem: is outside its validity",
            "kabao.toml:9:1: accounts[mixed-up].apiv3_key_file: short: the API key is not 32 bytes long",
            "kabao.toml:13:1: accounts[swapped].mchid: must be 1 to 32 digits, in quotation marks",
            "kabao.toml:14:1: accounts[swapped].private_key_file: good_cert.pem: a certificate was given where a key is expected",
            "kabao.toml:15:1: accounts[swapped].certificate_file: good_key.pem: expected PEM of type CERTIFICATE, found PRIVATE KEY",
            "kabao.toml:17:1: accounts[swapped].public_key_id: not a public key id",
            "kabao.toml:16:1: accounts[swapped].public_key_file: not-a-key: no PEM block found",
            "kabao.toml:18:1: accounts[half].public_key_id: is required: a brand has no platform certificates",
            "kabao.toml:25:1: accounts[half].id: account #3 has the same id",
            "kabao.toml:29:1: accounts[half].app_secret: a secret does not stand in the configuration itself; use `app_secret_file` or `app_secret_env`",
            "kabao.toml:28:1: accounts[half].brand_id: belongs to family `brand`, this account is `merchant`",
            "kabao.toml:24:1: accounts[half].serial_no: is required if there is no certificate",
            "kabao.toml:24:1: accounts[half].public_key_id: is required if there is no apiv3_key: answers could not be verified",
        ]
    );
    assert!(
        faults.iter().all(|fault| !fault.contains("hush")),
        "{faults:#?}"
    );
}

#[test]
fn good_accounts_of_every_family_are_loaded_and_summed_up_without_secrets() {
    let folder = with_official("good");
    folder.write_pair("good", 2030);
    folder.write("apiv3", "0123456789abcdef0123456789ABCDEF\n");
    let text = format!(
        r#"
[[accounts]]
id = "cards"
family = "merchant"
mchid = "1900000001"
private_key_file = "good_key.pem"
certificate_file = "good_cert.pem"
apiv3_key_file = "apiv3"
[[accounts]]
id = "provider"
family = "brand"
mchid = "1900000002"
brand_id = "1004"
private_key_file = "good_key.pem"
serial_no = "5157F09EFDC096DE15EBE81A47057A7200000000"
public_key_file = "good_pub.pem"
public_key_id = "PUB_KEY_ID_01"
[[accounts]]
id = "direct"
family = "brand"
brand_id = "1005"
private_key_file = "good_key.pem"
serial_no = "5157F09EFDC096DE15EBE81A47057A7200000000"
public_key_file = "good_pub.pem"
public_key_id = "PUB_KEY_ID_02"
apiv3_key_env = "BRAND_KEY"
base_url = "https://127.0.0.1:8443"
backup_base_url = "https://127.0.0.1:9443"
{OFFICIAL}"#
    );
    let environment = [("BRAND_KEY", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345")];
    let settings = folder.parse_with(&text, &environment).unwrap();
    let accounts: Vec<_> = settings
        .accounts
        .iter()
        .map(|account| (account.client.family().as_str(), account.about.as_str()))
        .collect();
    let serial = "5157F09EFDC096DE15EBE81A47057A7200000000";
    assert_eq!(
        accounts,
        [
            ("merchant", accounts[0].1),
            (
                "brand",
                &*format!(
                    "brand_id 1004, mchid 1900000002, certificate {serial}, verifies with PUB_KEY_ID_01"
                )
            ),
            (
                "brand",
                &*format!("brand_id 1005, certificate {serial}, verifies with PUB_KEY_ID_02")
            ),
            ("official_account", "appid wx0123456789abcdef"),
        ]
    );
    assert!(
        accounts[0]
            .1
            .ends_with(", verifies with platform certificates"),
        "{}",
        accounts[0].1
    );
    let summary = Summary::new(&settings, NOW);
    let printed = format!("{summary}\n{settings:?}");
    for name in [
        "cards",
        "provider",
        "direct",
        "wechat",
        "PUB_KEY_ID_01",
        "1004",
    ] {
        assert!(printed.contains(name), "{name} in {printed}");
    }
    for secret in [
        "s3cr3t",
        "0123456789abcdef0123",
        "ABCDEFGHIJ",
        "PRIVATE KEY",
    ] {
        assert!(!printed.contains(secret), "{secret}");
    }
    assert!(summary.warnings().is_empty());
}

#[test]
fn the_environment_overrides_the_file() {
    let folder = with_official("environment");
    folder.write("other", "other-secret");
    let text = OFFICIAL.replace("\"secret\"", "\"nowhere\"");
    assert!(folder.parse(&text).is_err());
    let settings = folder
        .parse_with(
            &text,
            &[
                ("KABAO__GRPC__LISTEN", "[::1]:7"),
                ("KABAO__GRPC__REFLECTION", "false"),
                ("KABAO__GRPC__LIMITS__MAX_CONNECTIONS", "7"),
                ("KABAO__TELEMETRY__SAMPLE_RATIO", "0.25"),
                ("KABAO__ACCOUNTS__WECHAT__APP_SECRET_FILE", "other"),
                ("HOME", "elsewhere"),
            ],
        )
        .unwrap();
    assert_eq!(settings.grpc.listen.to_string(), "[::1]:7");
    assert!(!settings.grpc.reflection);
    assert_eq!(settings.grpc.limits.max_connections, 7);
    assert_eq!(settings.telemetry.sample_ratio, 0.25);
    assert_eq!(settings.accounts.len(), 1);
}

#[test]
fn faults_of_the_environment_name_the_variable() {
    let folder = with_official("environment-faults");
    let faults = folder
        .parse_with(
            OFFICIAL,
            &[
                ("KABAO__ACCOUNTS__NOBODY__MCHID", "1"),
                ("KABAO__ADMIN__LISTEN", "here"),
                ("KABAO__GRPC", "on"),
                ("KABAO____X", "1"),
                ("KABAO__LOGS__LEVEL", "info"),
                ("KABAO__ACCOUNTS__WECHAT__APP_SECRET", "hush-hush"),
            ],
        )
        .unwrap_err();
    let mut places: Vec<_> = faults
        .iter()
        .map(|fault| fault.splitn(3, ": ").take(2).collect::<Vec<_>>().join(" "))
        .collect();
    places.sort();
    assert_eq!(
        places,
        [
            "environment variable KABAO__ACCOUNTS__NOBODY__MCHID accounts",
            "environment variable KABAO__ACCOUNTS__WECHAT__APP_SECRET accounts[wechat].app_secret",
            "environment variable KABAO__ADMIN__LISTEN admin.listen",
            "environment variable KABAO__GRPC grpc",
            "environment variable KABAO__LOGS__LEVEL logs",
            "environment variable KABAO____X expected KABAO__SECTION__KEY",
        ]
    );
    assert!(
        faults.iter().all(|fault| !fault.contains("hush")),
        "{faults:#?}"
    );
}

#[test]
fn tls_material_must_fit_together() {
    let folder = with_official("tls");
    folder.write_pair("server", 2030);
    folder.write_pair("other", 2030);
    folder.write("empty", "");
    let text = |certificate: &str, key: &str, client_ca: &str| {
        format!(
            "[grpc]\nlisten = \"0.0.0.0:1\"\nopen = true\n[grpc.tls]\ncertificate_file = \"{certificate}\"\nprivate_key_file = \"{key}\"\n{client_ca}{OFFICIAL}"
        )
    };
    let settings = folder
        .parse(&text("server_cert.pem", "server_key.pem", ""))
        .unwrap();
    let warnings = Summary::new(&settings, NOW).warnings();
    assert!(
        warnings[0].contains("whoever reaches this address can use every account"),
        "{warnings:?}"
    );
    let mutual = text(
        "server_cert.pem",
        "server_key.pem",
        "client_ca_file = \"other_cert.pem\"\n",
    );
    let settings = folder.parse(&mutual).unwrap();
    let warnings = Summary::new(&settings, NOW).warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("without grpc.policy_file"),
        "{warnings:?}"
    );
    folder.check_faults(
        &text("server_cert.pem", "other_key.pem", ""),
        &["kabao.toml:6:1: grpc.tls.private_key_file: the private key does not belong to the certificate"],
    );
    folder.check_faults(
        &text("empty", "server_cert.pem", "client_ca_file = \"gone\"\n"),
        &[
            "kabao.toml:7:1: grpc.tls.client_ca_file: cannot read gone: No such file or directory (os error 2)",
            "kabao.toml:5:1: grpc.tls.certificate_file: empty holds no PEM certificate",
            "kabao.toml:6:1: grpc.tls.private_key_file: server_cert.pem holds no PEM private key",
        ],
    );
}

#[test]
fn a_plain_port_for_the_whole_network_is_pointed_out() {
    let folder = with_official("warnings");
    let text = format!("[grpc]\nlisten = \"0.0.0.0:50051\"\nopen = true\n{OFFICIAL}");
    let settings = folder.parse(&text).unwrap();
    assert_eq!(
        Summary::new(&settings, NOW).warnings(),
        [
            "grpc.listen 0.0.0.0:50051 with open = true: whoever reaches this address can use every account"
        ]
    );
}

#[test]
fn tokens_are_exposed_to_this_machine_only() {
    let folder = with_official("exposed");
    let exposed = OFFICIAL.replace("app_secret_file", "expose_tokens = true\napp_secret_file");
    let settings = folder.parse(&exposed).unwrap();
    assert!(settings.accounts[0].exposes_tokens);
    let settings = folder.parse(OFFICIAL).unwrap();
    assert!(!settings.accounts[0].exposes_tokens, "off by default");
    // Callers that are told apart need a policy that says who sees tokens, on whatever address.
    folder.write(
        "policy.toml",
        "[[callers]]\nname = \"page\"\naccounts = [\"*\"]\nmethods = [\"secrets\"]\n",
    );
    folder.write_pair("server", 2030);
    let tls = "[grpc.tls]\ncertificate_file = \"server_cert.pem\"\nprivate_key_file = \"server_key.pem\"\nclient_ca_file = \"server_cert.pem\"\n";
    for listen in ["127.0.0.1:50051", "0.0.0.0:50051"] {
        let by_policy = "policy_file = \"policy.toml\"\n";
        for (policy, good) in [("", false), (by_policy, true)] {
            let text = format!("[grpc]\nlisten = \"{listen}\"\n{policy}{tls}{exposed}");
            let faults = folder.parse(&text).err().unwrap_or_default();
            assert_eq!(faults.is_empty(), good, "{text}{faults:?}");
            let is_told = |fault: &String| fault.contains("grants `secrets`");
            assert!(good || faults.iter().any(is_told), "{faults:?}");
        }
    }
    let open = format!("[grpc]\nlisten = \"0.0.0.0:50051\"\n{exposed}");
    let faults = folder.parse(&open).unwrap_err();
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("expose_tokens") && fault.contains("loopback")),
        "{faults:?}"
    );
}
