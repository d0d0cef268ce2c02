//! `[grpc.tls]`: the certificate that the gateway shows, and whose clients it lets in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kabao_auth::Certificate;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::section::{Located, Section};

/// The loaded material of `[grpc.tls]`.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// `certificate_file`: the chain in PEM, the server's own certificate first.
    pub certificate_file: PathBuf,
    /// `private_key_file`: its key in PEM.
    pub private_key_file: PathBuf,
    /// `client_ca_file`: when given, clients must show a certificate that one of these signed (mTLS).
    pub client_ca_file: Option<PathBuf>,
    /// When the server's own certificate ends, in Unix seconds; only known of RSA certificates.
    pub not_after: Option<i64>,
    /// What the listener uses.
    pub config: Arc<ServerConfig>,
}

impl TlsSettings {
    pub(super) fn read(mut section: Section<'_>) -> Option<Self> {
        let certificate = required_path(&mut section, "certificate_file");
        let private_key = required_path(&mut section, "private_key_file");
        let client_ca = section.path("client_ca_file");

        let mut not_after = None;
        let chain = certificate.as_ref().and_then(|file| {
            let text = read_pem(&section, file)?;
            not_after = end_of_life(&section, file, &text);
            certificates(&section, file, text.as_bytes())
        });
        let key = private_key.as_ref().and_then(|file| {
            let text = read_pem(&section, file)?;
            match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
                Ok(key) => Some(key),
                Err(_) => {
                    let message = format!("{} holds no PEM private key", file.value.display());
                    section.reject(file, message);
                    None
                }
            }
        });
        let roots = match &client_ca {
            None => Some(None),
            Some(file) => client_roots(&section, file).map(Some),
        };
        let config = match (chain, key, roots) {
            (Some(chain), Some(key), Some(roots)) => server_config(chain, key, roots, |message| {
                section.mistake("private_key_file", message)
            }),
            _ => None,
        };
        section.finish();
        Some(Self {
            certificate_file: certificate?.value,
            private_key_file: private_key?.value,
            client_ca_file: client_ca.map(|file| file.value),
            not_after,
            config: Arc::new(config?),
        })
    }
}

fn required_path(section: &mut Section<'_>, key: &'static str) -> Option<Located<PathBuf>> {
    if !section.has(key) {
        section.mistake(key, "is required when [grpc.tls] is given");
    }
    section.path(key)
}

fn read_pem(section: &Section<'_>, file: &Located<PathBuf>) -> Option<String> {
    match section.surroundings().present.read(&file.value) {
        Ok(text) => Some(text),
        Err(error) => {
            section.reject(file, unreadable(&file.value, &error));
            None
        }
    }
}

/// How a file that cannot be read is reported.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}

/// When the certificate ends, which must not have come.
fn end_of_life(section: &Section<'_>, file: &Located<PathBuf>, text: &str) -> Option<i64> {
    // Certificates with other keys than RSA are judged by the peers alone.
    let not_after = Certificate::from_pem(text).ok()?.not_after();
    if not_after < section.surroundings().now {
        section.reject(
            file,
            format!("the certificate in {} has expired", file.value.display()),
        );
    }
    Some(not_after)
}

/// Every certificate of a PEM text.
fn certificates(
    section: &Section<'_>,
    file: &Located<PathBuf>,
    pem: &[u8],
) -> Option<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Some(found),
        _ => {
            let message = format!("{} holds no PEM certificate", file.value.display());
            section.reject(file, message);
            None
        }
    }
}

fn client_roots(section: &Section<'_>, file: &Located<PathBuf>) -> Option<RootCertStore> {
    let text = read_pem(section, file)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(section, file, text.as_bytes())? {
        if roots.add(certificate).is_err() {
            let message = format!(
                "{} holds a certificate that cannot be a certificate authority",
                file.value.display()
            );
            section.reject(file, message);
            return None;
        }
    }
    Some(roots)
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    client_roots: Option<RootCertStore>,
    mistake: impl Fn(String),
) -> Option<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    // Says by itself whether key and certificate belong together, which the builder would not.
    let certified = CertifiedKey::from_der(chain, key, &provider)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                mistake("the private key does not belong to the certificate".to_owned());
            }
            error => mistake(error.to_string()),
        })
        .ok()?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| mistake(error.to_string()))
        .ok()?;
    let builder = match client_roots {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| mistake(error.to_string()))
                .ok()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config =
        builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    Some(config)
}
