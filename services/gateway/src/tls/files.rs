//! The files of `[grpc.tls]`.

use std::path::{Path, PathBuf};

use crate::files::{Contents, Digests, Faults, Modes, read_together};

pub(super) const CERTIFICATE: &str = "certificate_file";
pub(super) const PRIVATE_KEY: &str = "private_key_file";
pub(super) const CLIENT_CA: &str = "client_ca_file";
pub(super) const CRLS: &str = "crl_files";

/// No file of certificates or of a key is longer, in bytes.
const LONGEST: usize = 1 << 20;
/// No revocation list is longer, in bytes: half a million certificates.
const LONGEST_CRL: usize = 1 << 24;

/// What becomes of callers while the revocation list of their authority is older than it says that it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiredCrl {
    /// They are refused: nobody knows who has been revoked since.
    #[default]
    Refuse,
    /// They are judged by the old list.
    Accept,
}

/// Whether whoever connects must show a certificate. One that is shown must be good in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Nobody gets past the handshake without one.
    #[default]
    Required,
    /// Whoever shows none needs a token.
    Optional,
}

/// Where the files are.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) private_key: PathBuf,
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) client_certificates: ClientCertificates,
    pub(crate) crls: Vec<PathBuf>,
    pub(crate) expired_crl: ExpiredCrl,
    /// Whether the key is taken if others can use its file.
    pub(crate) modes: Modes,
}

/// What they held, as far as they could be read.
#[derive(Debug, PartialEq)]
pub(crate) struct TlsContents {
    files: Vec<Contents>,
    /// What could not.
    pub(super) faults: Faults,
}

impl TlsFiles {
    /// Returns where each of them is.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let further = self.client_ca.iter().chain(&self.crls);
        let all = [&self.certificate, &self.private_key].into_iter();
        all.chain(further).map(PathBuf::as_path)
    }

    /// Reads all of them.
    pub(crate) fn read(&self) -> TlsContents {
        read_together(|| self.read_once())
    }

    fn read_once(&self) -> TlsContents {
        let mut wanted = vec![
            (CERTIFICATE, &self.certificate, LONGEST),
            (PRIVATE_KEY, &self.private_key, LONGEST),
        ];
        wanted.extend(
            self.client_ca
                .as_ref()
                .map(|path| (CLIENT_CA, path, LONGEST)),
        );
        wanted.extend(self.crls.iter().map(|path| (CRLS, path, LONGEST_CRL)));
        let mut faults = Faults::default();
        let mut files = Vec::new();
        for (key, path, most) in wanted {
            match Contents::read(key, path, most) {
                Ok(contents) => files.push(contents),
                Err(message) => faults.add(key, message),
            }
        }
        if let Some(fault) = self.modes.fault(&self.private_key) {
            faults.add(PRIVATE_KEY, fault);
        }
        TlsContents { files, faults }
    }
}

impl TlsContents {
    pub(super) fn digests(&self) -> Digests {
        Digests::of(&self.files)
    }

    /// Returns the file of a key that has one.
    pub(super) fn one(&self, key: &str) -> Option<&Contents> {
        self.all(key).next()
    }

    /// Returns the files of a key.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = &Contents> {
        self.files
            .iter()
            .filter(move |contents| contents.key == key)
    }
}

#[cfg(test)]
impl TlsContents {
    pub(super) fn of(certificate: &str, key: &str) -> Self {
        let contents = |key, text: &str| Contents {
            key,
            path: PathBuf::from(key),
            bytes: text.as_bytes().to_vec(),
        };
        Self {
            files: vec![
                contents(CERTIFICATE, certificate),
                contents(PRIVATE_KEY, key),
            ],
            faults: Faults::default(),
        }
    }
}
