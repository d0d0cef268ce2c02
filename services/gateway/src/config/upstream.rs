//! `[upstream]`: how accounts reach WeChat and how much of it at a time, and the same keys of one account.

use std::time::Duration;

use kabao_client::{Proxy, Settings};

use super::material::Material;
use super::section::Section;
use super::verdict::complain_about;
use crate::files::Modes;

/// What every account may say for itself and `[upstream]` for those that do not.
pub(super) const KEYS: [&str; 8] = [
    "proxy_url",
    "proxy_password_file",
    "proxy_password_env",
    "max_concurrent_calls",
    "max_queued_calls",
    "connect_timeout",
    "attempt_timeout",
    "call_timeout",
];

/// What an account says if it goes without the proxy of `[upstream]`.
const NO_PROXY: &str = "none";
const LEAST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_CONNECT: Duration = Duration::from_secs(60);
const LONGEST_CALL: Duration = Duration::from_secs(2 * 60);
const MOST_CALLS: u32 = 65_536;

/// The way to WeChat and its bounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Upstream {
    pub(super) proxy: Option<Proxy>,
    pub(super) settings: Settings,
    /// A digest of what `[upstream]` says, for the accounts that are made with it.
    pub(super) fingerprint: String,
}

impl Upstream {
    /// Reads `[upstream]`.
    pub(super) fn read(mut section: Section<'_>, modes: Modes) -> Self {
        let entry = section.text();
        let mut material = Material::new(&mut section, entry, modes);
        let mut upstream = Self::default().of(&mut material);
        upstream.fingerprint = material.fingerprint();
        section.finish();
        upstream
    }

    /// Reads what stands in `material`; the rest is as it is here.
    pub(super) fn of(&self, material: &mut Material<'_, '_>) -> Self {
        material.refuse(
            "proxy_password",
            "a secret does not stand in the configuration itself; use `proxy_password_file` or `proxy_password_env`",
        );
        Self {
            proxy: self.proxy(material),
            settings: self.settings(material),
            fingerprint: self.fingerprint.clone(),
        }
    }

    fn proxy(&self, material: &mut Material<'_, '_>) -> Option<Proxy> {
        let [file, variable] = ["proxy_password_file", "proxy_password_env"];
        let url = material.text("proxy_url");
        let password = material.secret(file, variable, false);
        let Some(url) = url.filter(|url| url != NO_PROXY) else {
            for key in [file, variable] {
                if material.has(key) {
                    material.complain(key, "is of no use without a proxy_url beside it");
                }
            }
            let is_own = material.has("proxy_url");
            return self.proxy.clone().filter(|_| !is_own);
        };
        Proxy::new(&url, password.as_ref())
            .map_err(|error| {
                complain_about(material, &error);
                material.spoil();
            })
            .ok()
    }

    fn settings(&self, material: &mut Material<'_, '_>) -> Settings {
        let mut settings = self.settings.clone();
        let calls = (1, MOST_CALLS);
        if let Some(most) = material.count("max_concurrent_calls", calls) {
            settings.max_concurrent_calls = most;
            // Fewer would be closed after each wave of calls.
            settings.max_idle_per_host = most.max(Settings::default().max_idle_per_host);
        }
        if let Some(most) = material.count("max_queued_calls", (0, MOST_CALLS)) {
            settings.max_queued_calls = most;
        }
        if let Some(limit) = material.wait("connect_timeout", (LEAST_WAIT, LONGEST_CONNECT)) {
            settings.connect_timeout = limit;
        }
        let waits = (LEAST_WAIT, LONGEST_CALL);
        if let Some(limit) = material.wait("attempt_timeout", waits) {
            settings.attempt_timeout = limit;
            // Its parts have no shorter limits then.
            settings.headers_timeout = limit;
            settings.body_timeout = limit;
        }
        if let Some(limit) = material.wait("call_timeout", waits) {
            settings.call_timeout = limit;
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::document;
    use super::super::mistake::{Collector, Mistakes};
    use super::super::present::Present;
    use super::super::section::Surroundings;
    use super::*;

    /// Reads `[upstream]`, and an account after it.
    fn read(common: &str, own: &str) -> Result<(Upstream, Upstream), Mistakes> {
        let mistakes = Collector::new("kabao.toml");
        let variables = [("PROXY", "hush"), ("OTHER", "hush, too")];
        let environment = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let surroundings = Surroundings {
            folder: Path::new("."),
            now: 0,
            environment: &environment,
            mistakes: &mistakes,
            present: &Present::default(),
        };
        let section = |text| {
            let table = document::parse(text, None, &mistakes);
            Section::root(table, &surroundings)
        };
        let common = Upstream::read(section(common), Modes::Strict);
        let mut section = section(own);
        let own = common.of(&mut Material::new(
            &mut section,
            String::new(),
            Modes::Strict,
        ));
        section.finish();
        mistakes.finish((common, own))
    }

    fn address(upstream: &Upstream) -> Option<&str> {
        upstream.proxy.as_ref().map(Proxy::address)
    }

    const COMMON: &str = "proxy_url = \"http://kabao@all.internal:3128\"\nproxy_password_env = \"PROXY\"\n\
        max_concurrent_calls = 100\ncall_timeout = \"20s\"";

    #[test]
    fn what_an_account_does_not_say_is_as_for_all_and_the_rest_is_the_clients() {
        let (common, own) = read("", "").unwrap();
        assert_eq!(own.settings, Settings::default());
        assert!(common.proxy.is_none() && own.proxy.is_none());

        let own = "max_concurrent_calls = 5\nmax_queued_calls = 0\nconnect_timeout = \"1s\"\nattempt_timeout = \"7s\"";
        let (common, own) = read(COMMON, own).unwrap();
        assert_eq!(address(&common), Some("all.internal:3128"));
        assert_eq!(address(&own), Some("all.internal:3128"));
        let mut expected = Settings::default();
        expected.max_concurrent_calls = 100;
        expected.max_idle_per_host = 100;
        expected.call_timeout = Duration::from_secs(20);
        assert_eq!(common.settings, expected);
        expected.max_concurrent_calls = 5;
        expected.max_idle_per_host = 64;
        expected.max_queued_calls = 0;
        expected.connect_timeout = Duration::from_secs(1);
        expected.attempt_timeout = Duration::from_secs(7);
        expected.headers_timeout = Duration::from_secs(7);
        expected.body_timeout = Duration::from_secs(7);
        assert_eq!(own.settings, expected);
    }

    #[test]
    fn an_account_has_another_proxy_or_none_and_then_not_the_password_of_all() {
        let own = "proxy_url = \"http://shop@own.internal:3128\"\nproxy_password_env = \"OTHER\"";
        let (_, own) = read(COMMON, own).unwrap();
        assert_eq!(address(&own), Some("own.internal:3128"));
        let (_, own) = read(COMMON, "proxy_url = \"none\"").unwrap();
        assert_eq!(address(&own), None);
        let faults = read(COMMON, "proxy_url = \"http://shop@own.internal:3128\"").unwrap_err();
        let faults = faults.to_string();
        assert!(
            faults.contains("proxy_password_file: is required for the user"),
            "{faults}"
        );
    }

    #[test]
    fn another_upstream_is_another_fingerprint() {
        let print = |text| read(text, "").unwrap().0.fingerprint;
        assert_eq!(print(COMMON), print(COMMON));
        assert_ne!(print(COMMON), print(""));
        assert_ne!(print("max_queued_calls = 1"), print("max_queued_calls = 2"));
    }

    #[test]
    fn mistakes_name_the_key_and_no_password() {
        let text = "proxy_url = \"http://u:hush@p:3128\"\nproxy_password = \"hush\"\nmax_concurrent_calls = 0\n\
            max_queued_calls = 65537\nconnect_timeout = \"2m\"\nattempt_timeout = \"0s\"\ncall_timeout = 3\nproxy = \"x\"";
        let faults = read(text, "").unwrap_err();
        assert_eq!(faults.len(), 8);
        let faults = faults.to_string();
        assert!(!faults.contains("hush"), "{faults}");
        for key in KEYS
            .iter()
            .filter(|key| !key.starts_with("proxy_password_"))
        {
            assert!(faults.contains(&format!(" {key}: ")), "{key}: {faults}");
        }
        for (own, key) in [
            (
                "proxy_password_env = \"PROXY\"",
                "proxy_password_env: is of no use",
            ),
            (
                "proxy_url = \"http://u@p:3128\"\nproxy_password_env = \"NOBODY\"",
                "the environment variable NOBODY is not set",
            ),
            (
                "proxy_url = \"none\"\nproxy_password_env = \"PROXY\"",
                "is of no use",
            ),
        ] {
            let faults = read(COMMON, own).unwrap_err();
            assert_eq!(faults.len(), 1, "{faults}");
            assert!(faults.to_string().contains(key), "{faults}");
        }
    }
}
