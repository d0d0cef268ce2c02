//! What can be set of the TLS of a listener.

use std::path::PathBuf;
use std::sync::Arc;

use super::files::{ClientCertificates, ExpiredCrl, TlsFiles};
use super::snapshot::Snapshot;
use crate::files::{Faults, Modes};

/// `[grpc.tls]`, with what was read from its files.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// `certificate_file`: the chain in PEM, the server's own certificate first.
    pub certificate_file: PathBuf,
    /// `private_key_file`: its key in PEM, which nobody else may read unless `keys.allow_loose_files` says so.
    pub private_key_file: PathBuf,
    /// `client_ca_file`: when given, clients show a certificate that one of these signed (mTLS).
    pub client_ca_file: Option<PathBuf>,
    /// `client_certificates`, `required` (default) or `optional`: whether they must, or may show a token in its place.
    pub client_certificates: ClientCertificates,
    /// `crl_files`: when given, a revocation list of every authority, in PEM or DER. Who is in one is refused.
    pub crl_files: Vec<PathBuf>,
    /// `expired_crl`, `refuse` (default) or `accept`.
    pub expired_crl: ExpiredCrl,
    modes: Modes,
    pub(crate) snapshot: Arc<Snapshot>,
}

impl TlsSettings {
    /// Reads the files; `now` is in Unix seconds.
    pub(crate) fn read(files: TlsFiles, now: i64) -> Result<Self, Faults> {
        let snapshot = Snapshot::of(&files.read(), &files, now)?;
        Ok(Self {
            certificate_file: files.certificate,
            private_key_file: files.private_key,
            client_ca_file: files.client_ca,
            client_certificates: files.client_certificates,
            crl_files: files.crls,
            expired_crl: files.expired_crl,
            modes: files.modes,
            snapshot: Arc::new(snapshot),
        })
    }

    /// Where to read again.
    pub(crate) fn files(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.certificate_file.clone(),
            private_key: self.private_key_file.clone(),
            client_ca: self.client_ca_file.clone(),
            client_certificates: self.client_certificates,
            crls: self.crl_files.clone(),
            expired_crl: self.expired_crl,
            modes: self.modes,
        }
    }
}
