//! `[grpc.tls]`: files are read and judged while the configuration is, so that a bad one is a mistake among the others.

use std::path::PathBuf;

use super::section::{Located, Section};
use crate::files::Modes;
use crate::tls::{ClientCertificates, ExpiredCrl, TlsFiles, TlsSettings};

/// `has_tokens` tells whether callers can show a token in place of a certificate.
pub(super) fn read(
    mut section: Section<'_>,
    has_tokens: bool,
    modes: Modes,
) -> Option<TlsSettings> {
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
        made_of(files, &section)
    });
    section.finish();
    settings
}

fn made_of(files: TlsFiles, section: &Section<'_>) -> Option<TlsSettings> {
    for file in files.paths() {
        section.surroundings().present.look(file);
    }
    match TlsSettings::read(files, section.surroundings().now) {
        Ok(settings) => Some(settings),
        Err(faults) => {
            for fault in faults.iter() {
                section.mistake(fault.key, fault.message.as_str());
            }
            None
        }
    }
}

fn required_path(section: &mut Section<'_>, key: &'static str) -> Option<Located<PathBuf>> {
    if !section.has(key) {
        section.mistake(key, "is required when [grpc.tls] is given");
    }
    section.path(key)
}
