//! `accounts_dir`: a file for each account.

use std::fs;

use super::{Folder, OFFICIAL, with_official};

/// An account of this AppID, whose secret lies beside it.
fn account(appid: &str) -> String {
    format!("family = \"official_account\"\nappid = \"{appid}\"\napp_secret_file = \"secret\"\n")
}

fn with_accounts(name: &str, files: &[(&str, &str)]) -> Folder {
    let folder = with_official(name);
    fs::create_dir(folder.0.join("shops")).unwrap();
    folder.write("shops/secret", "another");
    for (file, text) in files {
        folder.write(&format!("shops/{file}"), text);
    }
    folder
}

const HEAD: &str = "accounts_dir = \"shops\"\n";

#[test]
fn accounts_of_a_folder_stand_beside_those_of_the_configuration_in_the_order_of_their_files() {
    let (b, other) = (
        account("wx2"),
        format!("id = \"other\"\n{}", account("wx1")),
    );
    let folder = with_accounts(
        "folder-order",
        &[
            ("b.toml", b.as_str()),
            ("a.toml", other.as_str()),
            // None of these is an account.
            (".hidden.toml", "="),
            ("notes.txt", "="),
            ("c.toml.swp", "="),
        ],
    );
    let ids = |text: &str, environment: &[(&str, &str)]| -> Vec<String> {
        let settings = folder.parse_with(text, environment).unwrap();
        let accounts = settings.accounts.iter();
        accounts
            .map(|account| format!("{} {}", account.client.account(), account.about))
            .collect()
    };
    let all = [
        "wechat appid wx0123456789abcdef",
        "other appid wx1",
        "b appid wx2",
    ];
    assert_eq!(ids(&format!("{HEAD}{OFFICIAL}"), &[]), all);
    assert_eq!(ids(HEAD, &[]), all[1..]);
    let environment = [
        ("KABAO__ACCOUNTS_DIR", "shops"),
        ("KABAO__ACCOUNTS__B__APPID", "wx3"),
    ];
    assert_eq!(ids("", &environment), ["other appid wx1", "b appid wx3"]);
}

#[test]
fn mistakes_of_a_folder_have_their_place_in_its_files() {
    let (good, twice) = (
        account("wx1"),
        format!("id = \"wechat\"\n{}", account("wx2")),
    );
    let bad =
        "family = \"official_account\"\n appid = \"no\"\napp_secret_file = \"gone\"\ncolour = 1\n";
    let folder = with_accounts(
        "folder-mistakes",
        &[
            ("Shop.toml", good.as_str()),
            ("a.toml", twice.as_str()),
            ("b.toml", twice.as_str()),
            ("c.toml", bad),
        ],
    );
    fs::create_dir(folder.0.join("shops/d.toml")).unwrap();
    folder.check_faults(
        &format!("{HEAD}{OFFICIAL}"),
        &[
            "shops/d.toml:1:1: cannot be read: Is a directory (os error 21)",
            "shops/Shop.toml:1:1: accounts[Shop].id: must be 1 to 63 lower-case letters, digits and hyphens, not starting or ending with a hyphen",
            "shops/a.toml:1:1: accounts[wechat].id: account #1 has the same id",
            "shops/b.toml:1:1: accounts[wechat].id: the account in shops/a.toml:1:1 has the same id",
            "shops/c.toml:2:2: accounts[c].appid: is not an appid: `wx` followed by letters and digits",
            "shops/c.toml:3:1: accounts[c].app_secret_file: cannot read shops/gone: No such file or directory (os error 2)",
            "shops/c.toml:4:1: accounts[c].colour: is not a setting; known here: `app_secret_env`, `app_secret_file`, `appid`, `attempt_timeout`, `backup_base_url`, `base_url`, `call_timeout`, `connect_timeout`, `expose_tokens`, `extra_ca_file`, `family`, `id`, `max_concurrent_calls`, `max_queued_calls`, `proxy_password_env`, `proxy_password_file`, `proxy_url`",
        ],
    );
}

/// Accounts are read side by side, and some take far longer than others.
#[test]
fn mistakes_of_many_accounts_are_listed_in_the_order_of_their_files_every_time() {
    let folder = with_accounts("folder-many", &[]);
    folder.write_pair("shops/pay", 2030);
    let mut expected = Vec::new();
    for number in 0..60 {
        let (name, slow) = (format!("s{number:02}"), number % 3 == 0);
        let text = if slow {
            "family = \"merchant\"\nmchid = \"1900000001\"\nprivate_key_file = \"pay_key.pem\"\ncertificate_file = \"pay_cert.pem\"\n\
             public_key_id = \"PUB_KEY_ID_1\"\npublic_key_file = \"gone\"\n"
                .to_owned()
        } else {
            account("no")
        };
        folder.write(&format!("shops/{name}.toml"), &text);
        expected.push(match slow {
            true => format!(
                "shops/{name}.toml:6:1: accounts[{name}].public_key_file: cannot read shops/gone: No such file or directory (os error 2)"
            ),
            false => format!(
                "shops/{name}.toml:2:1: accounts[{name}].appid: is not an appid: `wx` followed by letters and digits"
            ),
        });
    }
    for _ in 0..3 {
        assert_eq!(folder.parse(HEAD).unwrap_err(), expected);
    }
}

#[test]
fn a_folder_that_cannot_be_listed_is_a_mistake() {
    let folder = with_official("folder-none");
    folder.check_faults(
        &format!("{HEAD}{OFFICIAL}"),
        &["kabao.toml:1:1: accounts_dir: cannot list shops: No such file or directory (os error 2)"],
    );
    folder.check_faults(
        &format!("accounts_dir = 7\n{OFFICIAL}"),
        &["kabao.toml:1:1: accounts_dir: must be a string, not an integer"],
    );
    folder.check_faults(
        &format!("accounts_dir = \"\"\n{OFFICIAL}"),
        &["kabao.toml:1:1: accounts_dir: must not be empty"],
    );
}
