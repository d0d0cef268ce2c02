//! `[grpc.tls]`: files are read and judged while the configuration is, so that a bad one is a mistake among the others.

use std::path::PathBuf;
use std::sync::Arc;

use super::section::{Located, Section};
use crate::files::Modes;
use crate::tls::{ClientCertificates, ExpiredCrl, Snapshot, TlsFiles};

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
    /// `has_tokens` tells whether callers can show a token in place of a certificate.
    pub(super) fn read(mut section: Section<'_>, has_tokens: bool, modes: Modes) -> Option<Self> {
        let certificate = required_path(&mut section, "certificate_file");
        let private_key = required_path(&mut section, "private_key_file");
        let client_ca = section.path("client_ca_file");
        let crls = section.paths("crl_files").unwrap_or_default();
        let words = [
            ("refuse", ExpiredCrl::Refuse),
            ("accept", ExpiredCrl::Accept),
        ];
        let expired_crl = section.word("expired_crl", &words).unwrap_or_default();
        let words = [
            ("required", ClientCertificates::Required),
            ("optional", ClientCertificates::Optional),
        ];
        let client_certificates = section
            .word("client_certificates", &words)
            .unwrap_or_default();
        if client_certificates == ClientCertificates::Optional && !has_tokens {
            section.mistake(
                "client_certificates",
                "lets whoever shows no certificate show a token, and nothing says which tokens are known; add `[[callers]]` or [grpc.jwt]",
            );
        }
        if !section.has("client_ca_file") {
            for key in ["client_certificates", "crl_files", "expired_crl"] {
                if section.has(key) {
                    section.mistake(key, "is about client certificates; add `client_ca_file`");
                }
            }
        } else if section.has("expired_crl") && !section.has("crl_files") {
            section.mistake("expired_crl", "is about revocation lists; add `crl_files`");
        }
        let settings = certificate.zip(private_key).and_then(|(certificate, key)| {
            let files = TlsFiles {
                certificate: certificate.value,
                private_key: key.value,
                client_ca: client_ca.map(|file| file.value),
                client_certificates,
                crls: crls.into_iter().map(|file| file.value).collect(),
                expired_crl,
                modes,
            };
            Self::of(files, &section)
        });
        section.finish();
        settings
    }

    fn of(files: TlsFiles, section: &Section<'_>) -> Option<Self> {
        for file in files.paths() {
            section.surroundings().present.look(file);
        }
        let now = section.surroundings().now;
        match Snapshot::of(&files.read(), &files, now) {
            Ok(snapshot) => Some(Self {
                certificate_file: files.certificate,
                private_key_file: files.private_key,
                client_ca_file: files.client_ca,
                client_certificates: files.client_certificates,
                crl_files: files.crls,
                expired_crl: files.expired_crl,
                modes: files.modes,
                snapshot: Arc::new(snapshot),
            }),
            Err(faults) => {
                for fault in faults.iter() {
                    section.mistake(fault.key, fault.message.as_str());
                }
                None
            }
        }
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

fn required_path(section: &mut Section<'_>, key: &'static str) -> Option<Located<PathBuf>> {
    if !section.has(key) {
        section.mistake(key, "is required when [grpc.tls] is given");
    }
    section.path(key)
}
