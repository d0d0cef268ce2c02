//! What handshakes use: made of files at once, and never changed.

use std::sync::Arc;

use kabao_auth::Validity;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::clients::Clients;
use super::files::{CERTIFICATE, CLIENT_CA, CRLS, PRIVATE_KEY, TlsContents, TlsFiles};
use super::revocation::{Judge, Lifetime, Lists};
use crate::files::{Contents, Digests, Faults};

/// Certificate, key, authorities and revocation lists that are good together.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// What a handshake takes.
    pub(crate) server: Arc<ServerConfig>,
    /// Who judges the certificates of callers; `None` if they need none.
    pub(crate) clients: Option<Arc<Clients>>,
    /// When the certificate ends that callers are shown, in Unix seconds.
    pub(crate) certificate_ends: Option<i64>,
    /// How long the revocation lists hold.
    pub(crate) lists: Vec<Lifetime>,
    /// What the files held.
    pub(crate) digests: Digests,
}

impl Snapshot {
    /// Makes it of what the files held; `now` is in Unix seconds.
    pub(crate) fn of(contents: &TlsContents, files: &TlsFiles, now: i64) -> Result<Self, Faults> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut faults = contents.faults.clone();
        let chain = contents
            .one(CERTIFICATE)
            .and_then(|file| certificates(file, &mut faults));
        let certificate_ends = chain.as_ref().and_then(|chain| {
            let ends = Validity::of_certificate(chain.first()?).ok()?.not_after;
            if ends < now {
                let file = files.certificate.display();
                faults.add(
                    CERTIFICATE,
                    format!("the certificate in {file} has expired"),
                );
            }
            Some(ends)
        });
        let key = contents.one(PRIVATE_KEY).and_then(|file| {
            let key = PrivateKeyDer::from_pem_slice(&file.bytes);
            if key.is_err() {
                let message = format!("{} holds no PEM private key", file.path.display());
                faults.add(PRIVATE_KEY, message);
            }
            key.ok()
        });
        let certified = chain
            .zip(key)
            .and_then(|(chain, key)| certified(chain, key, &provider, &mut faults));
        let mut lists = Vec::new();
        let clients = match (&files.client_ca, contents.one(CLIENT_CA)) {
            (None, _) => Some(None),
            (Some(_), None) => None,
            (Some(_), Some(file)) => certificates(file, &mut faults).and_then(|certificates| {
                let roots = roots(file, &certificates, &mut faults)?;
                let read = match files.crls.is_empty() {
                    true => Lists::default(),
                    false => {
                        let judge = Judge {
                            certificates: &certificates,
                            roots: &roots,
                            expired: files.expired_crl,
                            provider: &provider,
                            now,
                        };
                        Lists::read(contents.all(CRLS), &judge, &mut faults)
                    }
                };
                lists = read.lifetimes;
                Clients::new(roots, read.lists, files, &provider)
                    .map_err(|error| faults.add(CLIENT_CA, error))
                    .ok()
                    .map(|clients| Some(Arc::new(clients)))
            }),
        };
        let made = certified.zip(clients).and_then(|(certified, clients)| {
            let server = server_config(certified, clients.as_ref(), provider)
                .map_err(|error| faults.add(CERTIFICATE, error.to_string()))
                .ok()?;
            Some(Self {
                server: Arc::new(server),
                clients,
                certificate_ends,
                lists,
                digests: contents.digests(),
            })
        });
        faults.finish(made)
    }
}

/// Every certificate of a file.
fn certificates(file: &Contents, faults: &mut Faults) -> Option<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file.bytes).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    if found.is_none() {
        let message = format!("{} holds no PEM certificate", file.path.display());
        faults.add(file.key, message);
    }
    found
}

fn roots(
    file: &Contents,
    certificates: &[CertificateDer<'static>],
    faults: &mut Faults,
) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        if roots.add(certificate.clone()).is_err() {
            let message = format!(
                "{} holds a certificate that cannot be a certificate authority",
                file.path.display()
            );
            faults.add(file.key, message);
            return None;
        }
    }
    Some(roots)
}

/// Certificate and key, which the builder of rustls would not compare.
fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
    faults: &mut Faults,
) -> Option<CertifiedKey> {
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => faults.add(
                PRIVATE_KEY,
                "the private key does not belong to the certificate",
            ),
            error => faults.add(PRIVATE_KEY, error.to_string()),
        })
        .ok()
}

fn server_config(
    certified: CertifiedKey,
    clients: Option<&Arc<Clients>>,
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig, rustls::Error> {
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(Arc::<Clients>::clone(clients)),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    if clients.is_some() {
        // Whoever resumes a session is not asked for a certificate again, and may have lost it since.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}
