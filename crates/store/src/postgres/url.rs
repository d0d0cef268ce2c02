//! The URL of a database: what it may say, and what of it may be told.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use kabao_journal::StoreError;
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host, SslMode, SslNegotiation, TargetSessionAttrs};

use super::tls::Tls;

/// The parameters that may stand in a URL.
const PARAMETERS: [&str; 20] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Where a database of PostgreSQL is, and how to get in: `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full`.
///
/// Whoever prints it sees the hosts and the database, and neither the user nor the password.
///
/// `sslmode` decides whether connections are encrypted; `disable` and `verify-full` say what they do everywhere. Where
/// TLS is used, the certificate is always verified and has to name the host: `require` and `verify-ca` mean the same.
/// Without `sslmode` everything but loopback and sockets is encrypted. `allow` and `prefer`, which let anybody on the
/// way decide, are refused for other hosts. `sslrootcert` names a PEM file of roots, and takes the place of those that
/// Mozilla trusts; `system` means these.
#[derive(Clone)]
pub struct DatabaseUrl {
    config: Arc<Config>,
    tls: Tls,
    place: Arc<str>,
    is_exposed: bool,
}

impl DatabaseUrl {
    /// Reads a URL. Relative paths in it start from `folder`.
    ///
    /// # Errors
    /// Says what is wrong with the URL, without any of its values.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, StoreError> {
        let text = text.trim();
        require_form(text)?;
        let (mut plain, query) = match text.split_once('?') {
            Some((plain, query)) => (plain.to_owned(), query),
            None => (text.to_owned(), ""),
        };
        let (mut mode, mut roots) = (None, None);
        let mut separator = '?';
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let decoded = percent_decode_str(value).decode_utf8_lossy();
            match key {
                "sslmode" => mode = Some(decoded.into_owned()),
                "sslrootcert" => roots = Some(decoded.into_owned()),
                key if PARAMETERS.contains(&key) => {
                    plain.push(separator);
                    plain.push_str(parameter);
                    separator = '&';
                }
                _ => {
                    let known = PARAMETERS.join("`, `");
                    return Err(wrong(format!(
                        "has a parameter that is not known; known are `{known}`"
                    )));
                }
            }
        }
        // Its errors name values.
        let mut config: Config = plain
            .parse()
            .map_err(|_| wrong("has a parameter whose value cannot be used"))?;
        let reach = require_hosts(&config)?;
        let mode = ssl_mode(mode.as_deref(), reach, roots.is_some())?;
        if mode != SslMode::Disable {
            require_names(&config, reach)?;
        }
        config.ssl_mode(mode);
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("kabao");
        }
        let is_direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
        let roots = roots.filter(|roots| roots != "system");
        let roots = roots.map(|roots| read(&folder.join(roots))).transpose()?;
        Ok(Self {
            tls: Tls::new(roots.as_deref(), is_direct)?,
            place: place(&config).into(),
            config: Arc::new(config),
            is_exposed: mode == SslMode::Disable && reach == Reach::Network,
        })
    }

    /// Tells whether connections leave this machine and are not encrypted.
    pub fn is_exposed(&self) -> bool {
        self.is_exposed
    }

    /// Tells whether it holds a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn tls(&self) -> Tls {
        self.tls.clone()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.place).finish()
    }
}

/// How far connections go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Socket,
    Loopback,
    Network,
}

/// A password with a sign of its own in the wrong place would be taken for a host, and be told.
fn require_form(text: &str) -> Result<(), StoreError> {
    let rest = text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"))
        .ok_or_else(|| wrong("must begin with `postgres://`"))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, others) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.matches('@').count() > 1 || others.contains('@') || others.contains('#') {
        return Err(wrong(
            "has a sign in a place where it means something else: within user, password and parameters write `@` as \
             %40, `/` as %2F, `?` as %3F, `#` as %23, `:` as %3A, `&` as %26",
        ));
    }
    Ok(())
}

fn require_hosts(config: &Config) -> Result<Reach, StoreError> {
    let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
    let count = hosts.len().max(addresses.len());
    if count == 0 || hosts.iter().any(is_empty) {
        return Err(wrong(
            "names no host; a socket is named by `?host=/run/postgresql`",
        ));
    }
    let is_even = hosts.is_empty() || addresses.is_empty() || hosts.len() == addresses.len();
    let ports = config.get_ports().len();
    if !is_even || (ports > 1 && ports != count) {
        return Err(wrong("names other numbers of hosts, addresses and ports"));
    }
    let mut reach = Reach::Socket;
    for index in 0..count {
        let one = match (addresses.get(index), hosts.get(index)) {
            (Some(address), _) if address.is_loopback() => Reach::Loopback,
            (None, Some(Host::Unix(_))) => Reach::Socket,
            (None, Some(Host::Tcp(name))) if is_loopback(name) => Reach::Loopback,
            _ => Reach::Network,
        };
        reach = match (reach, one) {
            (Reach::Network, _) | (_, Reach::Network) => Reach::Network,
            (Reach::Loopback, _) | (_, Reach::Loopback) => Reach::Loopback,
            (Reach::Socket, Reach::Socket) => Reach::Socket,
        };
    }
    Ok(reach)
}

fn require_names(config: &Config, reach: Reach) -> Result<(), StoreError> {
    let is_socket = |host: &Host| matches!(host, Host::Unix(_));
    if reach == Reach::Socket || config.get_hosts().iter().any(is_socket) {
        return Err(wrong("asks for TLS over a socket, which has none"));
    }
    if config.get_hosts().is_empty() {
        return Err(wrong(
            "names no `host` beside `hostaddr`, and a certificate has to name one",
        ));
    }
    // The hash of a certificate that it needs depends on the algorithm of its signature.
    if config.get_channel_binding() == ChannelBinding::Require {
        return Err(wrong(
            "asks for `channel_binding=require`, which is not supported; `sslmode=verify-full` proves who answers",
        ));
    }
    Ok(())
}

fn ssl_mode(mode: Option<&str>, reach: Reach, has_roots: bool) -> Result<SslMode, StoreError> {
    match (mode, reach) {
        (Some("disable"), _) => Ok(SslMode::Disable),
        (Some("require" | "verify-ca" | "verify-full"), _) | (None, Reach::Network) => {
            Ok(SslMode::Require)
        }
        (None, _) if has_roots => Ok(SslMode::Require),
        (None | Some("allow" | "prefer"), Reach::Socket | Reach::Loopback) => Ok(SslMode::Disable),
        (Some("allow" | "prefer"), Reach::Network) => Err(wrong(
            "has an `sslmode` that lets anybody on the way turn encryption off; write `verify-full`, or `disable` \
             where the way is yours",
        )),
        (Some(_), _) => Err(wrong(
            "has an unknown `sslmode`; write `verify-full` or `disable`",
        )),
    }
}

fn is_empty(host: &Host) -> bool {
    matches!(host, Host::Tcp(name) if name.is_empty())
}

fn is_loopback(name: &str) -> bool {
    let address = name.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn read(file: &Path) -> Result<String, StoreError> {
    fs::read_to_string(file).map_err(|error| {
        let message = format!("names the `sslrootcert` {}: {error}", file.display());
        wrong(message)
    })
}

/// Hosts and database, for people.
fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    let names: Vec<String> = match config.get_hosts() {
        [] => config
            .get_hostaddrs()
            .iter()
            .map(ToString::to_string)
            .collect(),
        hosts => hosts
            .iter()
            .map(|host| match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            })
            .collect(),
    };
    let hosts: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(index, name)| format!("{name}:{}", port(index)))
        .collect();
    format!(
        "{}/{}",
        hosts.join(","),
        config.get_dbname().unwrap_or_default()
    )
}

fn wrong(message: impl fmt::Display) -> StoreError {
    StoreError::refused(format!("the URL of the database {message}"))
}

#[cfg(test)]
mod tests;
