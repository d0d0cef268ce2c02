//! TLS towards callers: what the gateway proves itself with, and whom it takes.
//!
//! Certificate, key, authorities and revocation lists are one [`Snapshot`], made of files that are judged together and
//! exchanged as a whole. A handshake takes the present one; connections keep theirs, and ask the new one about the
//! certificate that they were opened with.

mod clients;
mod files;
mod identity;
mod refusal;
mod revocation;
mod settings;
mod snapshot;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

pub(crate) use self::files::TlsFiles;
pub use self::files::{ClientCertificates, ExpiredCrl};
pub(crate) use self::identity::certified;
pub(crate) use self::refusal::{REVOKED, kind_of, kind_of_handshake};
pub use self::settings::TlsSettings;
pub(crate) use self::snapshot::Snapshot;

use crate::clock;
#[cfg(test)]
use crate::files::Modes;
use crate::files::{Changed, Faults, Reload};

/// The TLS of a listener, as it is at present.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    current: watch::Sender<Arc<Snapshot>>,
    is_refused: AtomicBool,
}

/// What operators are told of it. Times are in Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsVitals {
    /// When the certificate ends that callers are shown.
    pub(crate) certificate_ends: Option<i64>,
    /// When the oldest revocation list was made.
    pub(crate) crl_made: Option<i64>,
    /// When the first revocation list ends.
    pub(crate) crl_ends: Option<i64>,
}

impl Tls {
    /// Begins with what was made of the files.
    pub(crate) fn new(files: TlsFiles, snapshot: Arc<Snapshot>) -> Self {
        Self {
            files,
            current: watch::Sender::new(snapshot),
            is_refused: AtomicBool::new(false),
        }
    }

    /// Returns what is in use, and whatever comes to be.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.subscribe()
    }

    pub(crate) fn vitals(&self) -> TlsVitals {
        let snapshot = self.current.borrow();
        TlsVitals {
            certificate_ends: snapshot.certificate_ends,
            crl_made: snapshot.lists.iter().map(|list| list.made).min(),
            crl_ends: snapshot.lists.iter().map(|list| list.ends).min(),
        }
    }

    fn read(&self) -> Result<Changed, Faults> {
        let read = self.files.read();
        let present = Arc::clone(&self.current.borrow());
        let changed = present.digests.changed_to(&read.digests());
        if !changed.is_empty() || !read.faults.is_empty() {
            let snapshot = Snapshot::of(&read, &self.files, clock::unix_seconds())?;
            self.current.send_replace(Arc::new(snapshot));
        }
        Ok(changed)
    }
}

impl Reload for Tls {
    fn name(&self) -> &'static str {
        "tls"
    }

    fn reload(&self) -> Result<Changed, Faults> {
        let read = self.read();
        self.is_refused.store(read.is_err(), Ordering::Relaxed);
        read
    }

    fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }
}

/// What is made of a certificate and its key in PEM.
#[cfg(test)]
pub(crate) fn snapshot_of(certificate: &str, key: &str) -> Snapshot {
    let files = TlsFiles {
        certificate: "cert.pem".into(),
        private_key: "key.pem".into(),
        client_ca: None,
        client_certificates: ClientCertificates::Required,
        crls: Vec::new(),
        expired_crl: ExpiredCrl::Refuse,
        modes: Modes::Strict,
    };
    let contents = files::TlsContents::of(certificate, key);
    Snapshot::of(&contents, &files, 0).unwrap()
}
