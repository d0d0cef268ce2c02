//! What a new generation may not say beside the listener that is open already.
//!
//! A configuration is judged with its own listener when it is read. A running process keeps the listener that it has, so
//! accounts, callers and policy are judged with that one, too.

use std::path::Path;

use crate::config::{Exposure, GrpcSettings, Loaded, Mistake, Mistakes, Settings};

/// What matters of the open listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    is_loopback: bool,
    is_open: bool,
    /// Whether it knows callers without `[[callers]]`: by certificates, or by tokens of an issuer.
    knows_callers: bool,
    /// Whether somebody without a certificate gets past the handshake, and must be known by a token.
    needs_tokens: bool,
}

impl Running {
    pub(super) fn of(settings: &Settings) -> Self {
        let GrpcSettings { listen, open, .. } = &settings.grpc;
        Self {
            is_loopback: listen.ip().is_loopback(),
            is_open: *open,
            knows_callers: settings.grpc.asks_for_certificates() || settings.grpc.jwt.is_some(),
            needs_tokens: settings.grpc.takes_certificates_or_tokens(),
        }
    }

    /// Passes on what is safe beside it.
    pub(super) fn judge(self, loaded: Box<Loaded>, file: &Path) -> Result<Box<Loaded>, Mistakes> {
        let mut mistakes = Vec::new();
        let mut add = |key: String, message: &str| {
            mistakes.push(Mistake {
                place: file.display().to_string(),
                key,
                message: message.to_owned(),
            });
        };
        let settings = &loaded.settings;
        let has_names = self.knows_callers || !settings.callers.is_empty();
        let exposure = Exposure {
            is_loopback: self.is_loopback,
            has_names,
            has_policy: settings.grpc.policy.is_some(),
        };
        for account in &settings.accounts {
            if account.exposes_tokens && exposure.fault().is_some() {
                add(
                    format!("accounts[{}].expose_tokens", account.client.account()),
                    "hands live tokens to callers, and beside the listener that is open nothing says to whom: restart the gateway, or name a `grpc.policy_file` that grants `secrets`",
                );
            }
        }
        if !has_names && self.needs_tokens {
            add(
                "callers".to_owned(),
                "there is none, and the listener that is open lets people in without a certificate who show a token; restart the gateway",
            );
        } else if !has_names && !self.is_loopback && !self.is_open {
            add(
                "callers".to_owned(),
                "there is none, and the listener that is open can be reached from other machines; restart the gateway",
            );
        }
        let is_denied = has_names && !self.is_loopback && !self.is_open;
        if is_denied && settings.grpc.policy.is_none() {
            add(
                "grpc.policy_file".to_owned(),
                "there is none, and the listener that is open can be reached from other machines, where nobody may do what no policy allows",
            );
        }
        if !has_names && settings.grpc.policy.is_some() {
            add(
                "grpc.policy_file".to_owned(),
                "speaks of callers, and nothing of the listener that is open says who calls; restart the gateway",
            );
        }
        match Mistakes::of(mistakes) {
            None => Ok(loaded),
            Some(mistakes) => Err(mistakes),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::{Environment, Source};

    const PUBLIC: Running = Running {
        is_loopback: false,
        is_open: false,
        knows_callers: false,
        needs_tokens: false,
    };

    fn judged(running: Running, name: &str, rest: &str) -> Vec<String> {
        let folder =
            std::env::temp_dir().join(format!("kabao-safety-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("secret"), "s").unwrap();
        let owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.join("secret"), owner).unwrap();
        let file = folder.join("kabao.toml");
        let account = "[[accounts]]\nid = \"a\"\nfamily = \"official_account\"\nappid = \"wx1\"\napp_secret_file = \"secret\"\n";
        let policy = "[[callers]]\nname = \"*\"\naccounts = [\"*\"]\nmethods = [\"read\"]\n";
        std::fs::write(folder.join("policy.toml"), policy).unwrap();
        std::fs::write(&file, format!("{account}{rest}")).unwrap();
        let loaded = Source::new(&file, Environment::default()).load(0).unwrap();
        let judged = running.judge(Box::new(loaded), Path::new("kabao.toml"));
        std::fs::remove_dir_all(folder).unwrap();
        match judged {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes.iter().map(|mistake| mistake.key.clone()).collect(),
        }
    }

    #[test]
    fn what_a_loopback_listener_excuses_is_refused_beside_another_one() {
        let with_tokens = "expose_tokens = true\n";
        let loopback = Running {
            is_loopback: true,
            ..PUBLIC
        };
        let open = Running {
            is_open: true,
            ..PUBLIC
        };
        let certified = Running {
            knows_callers: true,
            ..PUBLIC
        };
        let either = Running {
            needs_tokens: true,
            ..loopback
        };
        let callers = format!(
            "[[callers]]\nname = \"till\"\ntoken_sha256 = [\"{}\"]\n",
            "ab".repeat(32)
        );
        let ruled = format!("{callers}[grpc]\npolicy_file = \"policy.toml\"\n");
        let unruled = "grpc.policy_file";
        for (name, running, rest, expected) in [
            ("1", loopback, with_tokens, &[][..]),
            ("2", open, with_tokens, &["accounts[a].expose_tokens"]),
            (
                "3",
                PUBLIC,
                with_tokens,
                &["accounts[a].expose_tokens", "callers"],
            ),
            ("4", PUBLIC, "", &["callers"]),
            ("5", PUBLIC, &ruled, &[]),
            ("6", certified, &ruled, &[]),
            ("7", open, "", &[]),
            (
                "8",
                certified,
                with_tokens,
                &["accounts[a].expose_tokens", unruled],
            ),
            ("11", PUBLIC, &callers, &[unruled]),
            ("12", certified, "", &[unruled]),
            ("13", open, &callers, &[]),
            ("14", loopback, &callers, &[]),
            ("9", either, "", &["callers"]),
            ("10", either, &callers, &[]),
        ] {
            assert_eq!(judged(running, name, rest), expected, "{name}");
        }
    }
}
