//! Opens a listening socket, or says which setting to change.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{setting} {address}: {}", explain(.source))]
pub struct BindError {
    /// The flag or key that chose the address: `--grpc` or `grpc.listen`.
    pub setting: &'static str,
    /// The address.
    pub address: SocketAddr,
    source: io::Error,
}

pub(crate) async fn bind(
    setting: &'static str,
    address: SocketAddr,
) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| BindError {
            setting,
            address,
            source,
        })
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the address is in use by another process; choose another port, or 0 for a free one"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not listen there; choose a port from 1024 on".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn a_busy_port_names_flag_and_address() {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let first = bind("--grpc", anywhere).await.unwrap();
        let address = first.local_addr().unwrap();
        let error = bind("--grpc", address).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "--grpc {address}: the address is in use by another process; choose another port, or 0 for a free one"
            )
        );
    }
}
