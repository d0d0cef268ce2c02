//! Why gateway and sandbox do not start together.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::gateway::StartError;
use crate::listener::BindError;
use crate::memory::FolderError;

/// Why `kabao dev` does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Other machines reach the gateway, and nobody has said that they may.
    #[error(
        "--grpc {0} can be reached from other machines, and whoever does may use every account and operation; choose a loopback address such as 127.0.0.1, or add --open"
    )]
    Open(SocketAddr),
    /// The folder cannot be had.
    #[error(transparent)]
    Directory(kabao_sandbox::StartError),
    /// The sandbox does not start.
    #[error("the sandbox does not start")]
    Sandbox(#[from] kabao_sandbox::StartError),
    /// The gateway does not start.
    #[error(transparent)]
    Gateway(#[from] StartError),
    /// A file for clients cannot be written.
    #[error("cannot write {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something was started and does not answer as it should.
    #[error("the self-check failed: {0}")]
    SelfCheck(String),
}

impl From<FolderError> for DevError {
    fn from(FolderError { path, source }: FolderError) -> Self {
        Self::File { path, source }
    }
}
