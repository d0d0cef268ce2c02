//! Why the sandbox did not start.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The sandbox could not start.
///
/// The text says what was tried; the source says why it failed.
#[derive(Debug)]
pub struct StartError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Address {
        text: String,
    },
    ControlHost {
        name: String,
        source: kabao_auth::HostNameError,
    },
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    InUse {
        directory: PathBuf,
        owner: Option<u32>,
    },
    Key {
        what: String,
        source: kabao_auth::Error,
    },
    Certificate {
        what: String,
        source: rcgen::Error,
    },
    Tls {
        source: rustls::Error,
    },
    Account {
        name: String,
        problem: String,
    },
    Internal {
        problem: String,
    },
}

impl StartError {
    /// Returns true if another process uses the directory.
    pub fn is_in_use(&self) -> bool {
        matches!(self.kind, Kind::InUse { .. })
    }

    pub(crate) fn address(text: &str) -> Self {
        Kind::Address {
            text: text.to_owned(),
        }
        .into()
    }

    pub(crate) fn control_host(name: &str, source: kabao_auth::HostNameError) -> Self {
        Kind::ControlHost {
            name: name.to_owned(),
            source,
        }
        .into()
    }

    pub(crate) fn listen(address: SocketAddr, source: std::io::Error) -> Self {
        Kind::Listen { address, source }.into()
    }

    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Kind::File {
            path: path.to_owned(),
            source,
        }
        .into()
    }

    pub(crate) fn in_use(directory: &Path, owner: Option<u32>) -> Self {
        Kind::InUse {
            // Said in full: the reader may stand elsewhere.
            directory: std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()),
            owner,
        }
        .into()
    }

    pub(crate) fn key(what: impl Into<String>, source: kabao_auth::Error) -> Self {
        Kind::Key {
            what: what.into(),
            source,
        }
        .into()
    }

    pub(crate) fn certificate(what: impl Into<String>, source: rcgen::Error) -> Self {
        Kind::Certificate {
            what: what.into(),
            source,
        }
        .into()
    }

    pub(crate) fn tls(source: rustls::Error) -> Self {
        Kind::Tls { source }.into()
    }

    pub(crate) fn account(name: &str, problem: impl Into<String>) -> Self {
        Kind::Account {
            name: name.to_owned(),
            problem: problem.into(),
        }
        .into()
    }

    pub(crate) fn internal(problem: impl Into<String>) -> Self {
        Kind::Internal {
            problem: problem.into(),
        }
        .into()
    }
}

impl From<Kind> for StartError {
    fn from(kind: Kind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Address { text } => {
                write!(f, "`{text}` is not an address of the form 127.0.0.1:8443")
            }
            Kind::ControlHost { name, .. } => write!(f, "control host `{name}`"),
            Kind::Listen { address, .. } => write!(f, "cannot listen on {address}"),
            Kind::File { path, .. } => write!(f, "cannot use the file {}", path.display()),
            Kind::InUse { directory, owner } => {
                write!(f, "{} is in use by ", directory.display())?;
                match owner {
                    Some(id) => write!(f, "process {id}")?,
                    None => f.write_str("another process")?,
                }
                f.write_str("; end that one, or choose another directory")
            }
            Kind::Key { what, .. } => write!(f, "cannot use {what}"),
            Kind::Certificate { what, .. } => write!(f, "cannot issue {what}"),
            Kind::Tls { .. } => f.write_str("cannot set up TLS"),
            Kind::Account { name, problem } => write!(f, "account `{name}`: {problem}"),
            Kind::Internal { problem } => f.write_str(problem),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Listen { source, .. } | Kind::File { source, .. } => Some(source),
            Kind::ControlHost { source, .. } => Some(source),
            Kind::Key { source, .. } => Some(source),
            Kind::Certificate { source, .. } => Some(source),
            Kind::Tls { source } => Some(source),
            Kind::Address { .. }
            | Kind::InUse { .. }
            | Kind::Account { .. }
            | Kind::Internal { .. } => None,
        }
    }
}
