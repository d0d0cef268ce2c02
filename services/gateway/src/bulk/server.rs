//! The gateway that the commands speak to.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::bearer::{Bearer, is_local};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A connection to a gateway that shows who calls.
pub(crate) type Connection = InterceptedService<Channel, Bearer>;

/// Where a gateway is, and how to reach it.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// `host:port`
    pub(crate) address: String,
    /// The authority of its certificate; plain text without one.
    pub(crate) authority: Option<PathBuf>,
    /// The certificate and the key to show.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// The file with the bearer token to show.
    pub(crate) token: Option<PathBuf>,
}

impl Server {
    /// Connects.
    ///
    /// # Errors
    /// If it cannot be reached, with what to look at.
    pub(crate) async fn connect(&self) -> Result<Connection, String> {
        let address = &self.address;
        let bearer = match &self.token {
            None => Bearer::default(),
            Some(_) if self.authority.is_none() && !is_local(address) => {
                return Err(format!(
                    "--token-file would go to {address} in plain text; give --ca as well, the authority of its certificate"
                ));
            }
            Some(path) => Bearer::read(path)?,
        };
        let scheme = match self.authority {
            Some(_) => "https",
            None => "http",
        };
        let wrong = |error: tonic::transport::Error| {
            format!("--server {address} is not usable: {}", causes(&error))
        };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .map_err(wrong)?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_while_idle(true);
        if let Some(authority) = &self.authority {
            let mut tls =
                ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(authority)?));
            if let Some((certificate, key)) = &self.identity {
                tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
            }
            endpoint = endpoint.tls_config(tls).map_err(wrong)?;
        }
        let channel = endpoint.connect().await.map_err(|error| {
            format!(
                "the gateway at {address} cannot be reached: {}; --server, --ca, --cert and --key say where and how",
                causes(&error)
            )
        })?;
        Ok(InterceptedService::new(channel, bearer))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        // Layers that only pass an error on say it once more.
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        source = cause.source();
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn causes_are_told_once() {
        let refused = Layer("refused", None);
        let connect = Layer("connect error", Some(Box::new(refused)));
        let connector = Layer("connect error", Some(Box::new(connect)));
        let error = Layer("transport error", Some(Box::new(connector)));
        assert_eq!(causes(&error), "transport error: connect error: refused");
    }
}
