//! `[upstream]`, and the same keys of an account.

use kabao_client::Settings as Bounds;
use kabao_gateway::config::Summary;

use crate::{NOW, OFFICIAL, with_official};

#[test]
fn a_proxy_is_shown_and_its_user_and_password_are_not() {
    let folder = with_official("upstream");
    folder.write("password", "hush-hush\n");
    let text = format!(
        "[upstream]\nproxy_url = \"http://kabao-user@proxy.internal:3128\"\nproxy_password_file = \"password\"\n{OFFICIAL}"
    );
    let settings = folder.parse(&text).unwrap();
    let about = "appid wx0123456789abcdef, through the proxy proxy.internal:3128";
    assert_eq!(settings.accounts[0].about, about);
    let printed = format!("{}{settings:?}", Summary::new(&settings, NOW));
    for secret in ["hush", "kabao-user"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    // A variable holds for one account alone.
    let name = "KABAO__ACCOUNTS__WECHAT__PROXY_URL";
    let settings = folder.parse_with(&text, &[(name, "none")]).unwrap();
    assert_eq!(settings.accounts[0].about, "appid wx0123456789abcdef");
}

#[test]
fn mistakes_of_a_proxy_are_told_where_they_stand() {
    let folder = with_official("upstream-faults");
    folder.check_faults(
        &format!(
            "[upstream]\nproxy_url = \"https://proxy.internal:3128\"\n{OFFICIAL}proxy_url = \"http://u@p:1\"\ncall_timeout = \"3m\"\n"
        ),
        &[
            "kabao.toml:2:1: upstream.proxy_url: must begin with http://: the proxy is asked in clear for a tunnel, and TLS goes through it",
            "kabao.toml:4:1: accounts[wechat].proxy_password_file: is required for the user in proxy_url",
            "kabao.toml:10:1: accounts[wechat].call_timeout: must be between 100ms and 2m",
        ],
    );
}

#[test]
fn the_bounds_of_the_example_are_the_clients() {
    let example = include_str!("../../kabao.example.toml");
    let bounds = Bounds::default();
    let lines = [
        format!("# max_concurrent_calls = {}\n", bounds.max_concurrent_calls),
        format!("# max_queued_calls = {}\n", bounds.max_queued_calls),
        format!(
            "# connect_timeout = \"{}s\"\n",
            bounds.connect_timeout.as_secs()
        ),
        format!(
            "# attempt_timeout = \"{}s\"\n",
            bounds.attempt_timeout.as_secs()
        ),
        format!("# call_timeout = \"{}s\"\n", bounds.call_timeout.as_secs()),
    ];
    for line in lines {
        assert!(example.contains(&line), "{line}");
    }
}
