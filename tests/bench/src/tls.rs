//! Certificates of one run: an authority, a server, a caller; and both ends of a connection that uses them.

use std::fs::{self, Permissions};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Result;

const AUTHORITY: &str = "callers-ca.pem";
const SERVER: [&str; 2] = ["server.pem", "server-key.pem"];
const CALLER: [&str; 2] = ["caller.pem", "caller-key.pem"];

/// Writes all files into `folder`.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    fs::write(folder.join(AUTHORITY), authority.pem())?;
    for ([certificate, key_file], usage) in [
        (SERVER, ExtendedKeyUsagePurpose::ServerAuth),
        (CALLER, ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let signed = params.signed_by(&key, &authority)?;
        fs::write(folder.join(certificate), signed.pem())?;
        let key_file = folder.join(key_file);
        fs::write(&key_file, key.serialize_pem())?;
        fs::set_permissions(&key_file, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// What a gateway's configuration says of them.
pub(crate) fn gateway_section() -> String {
    let [certificate, key] = SERVER;
    format!(
        "[grpc.tls]\ncertificate_file = \"{certificate}\"\nprivate_key_file = \"{key}\"\nclient_ca_file = \"{AUTHORITY}\"\n"
    )
}

/// A server that asks its callers for a certificate, as the gateway does.
pub(crate) fn server(folder: &Path) -> Result<Arc<ServerConfig>> {
    let roots = Arc::new(roots(&folder.join(AUTHORITY))?);
    let [certificate, key] = SERVER.map(|name| folder.join(name));
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate)?],
            PrivateKeyDer::from_pem_file(key)?,
        )?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// A caller of the gateway, with its certificate.
pub(crate) fn caller(folder: &Path) -> Result<TlsConnector> {
    let [certificate, key] = CALLER.map(|name| folder.join(name));
    let mut config = client(roots(&folder.join(AUTHORITY))?)?.with_client_auth_cert(
        vec![CertificateDer::from_pem_file(certificate)?],
        PrivateKeyDer::from_pem_file(key)?,
    )?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A client that trusts the authority in `file` and shows no certificate.
pub(crate) fn anonymous(file: &Path) -> Result<TlsConnector> {
    let config = client(roots(file)?)?.with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Connects to an address of this machine.
pub(crate) async fn connect(tls: &TlsConnector, address: &str) -> Result<TlsStream<TcpStream>> {
    secured(tls, TcpStream::connect(address).await?).await
}

/// The same from one of the machine's own addresses.
pub(crate) async fn connect_from(
    tls: &TlsConnector,
    own: IpAddr,
    address: &str,
) -> Result<TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(own, 0))?;
    secured(tls, socket.connect(address.parse()?).await?).await
}

async fn secured(tls: &TlsConnector, tcp: TcpStream) -> Result<TlsStream<TcpStream>> {
    tcp.set_nodelay(true)?;
    Ok(tls.connect(ServerName::try_from("localhost")?, tcp).await?)
}

type WithRoots = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn client(roots: RootCertStore) -> Result<WithRoots> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn roots(file: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file)?)?;
    Ok(roots)
}
