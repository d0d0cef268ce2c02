//! `GET /v3/certificates`: the one answer that is decrypted before it is verified, inside
//! [`kabao_auth::accept_certificates`].

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use kabao_api::{Error, Reason};
use kabao_auth::{
    ApiV3Key, CertificateTrust, EncryptedCertificate, KeyKind, KeySet, PlatformAuthorities, Sealed,
    SignatureHeaders, accept_certificates,
};
use serde::Deserialize;

use crate::clock::Clock;
use crate::origin::Origin;
use crate::signing::{Keyring, Unsigned, add_proof, common_headers};
use crate::transport::{HttpRequest, HttpResponse, Transport};

const TARGET: &str = "/v3/certificates";

/// Downloads platform certificates with a merchant's APIv3 key.
pub(crate) struct CertificateSource {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) api_v3_key: ApiV3Key,
    /// Who must have issued platform certificates, if that was configured.
    pub(crate) authorities: Option<PlatformAuthorities>,
}

/// The keys of a download, and its certificates as PEM; `None` if WeChat Pay has none for a merchant with a public key.
type Downloaded = Option<(KeySet, Vec<String>)>;

#[derive(Deserialize)]
struct Download {
    #[serde(default)]
    data: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    serial_no: String,
    encrypt_certificate: EncryptCertificate,
}

#[derive(Deserialize)]
struct EncryptCertificate {
    algorithm: String,
    nonce: String,
    #[serde(default)]
    associated_data: String,
    ciphertext: String,
}

impl CertificateSource {
    /// Downloads and accepts the certificates, from the backup host if the main one does not answer;
    /// public keys of `trusted` stay.
    pub(super) async fn download(&self, trusted: &KeySet) -> Result<Downloaded, Error> {
        let hosts = self.keyring.hosts();
        match (
            self.download_from(&hosts.main, trusted).await,
            &hosts.backup,
        ) {
            (Err(error), Some(backup)) if error.is_retryable() => {
                self.download_from(backup, trusted).await
            }
            (done, _) => done,
        }
    }

    async fn download_from(&self, origin: &Origin, trusted: &KeySet) -> Result<Downloaded, Error> {
        let method = Method::GET;
        let body = Bytes::new();
        let unsigned = Unsigned {
            origin,
            method: &method,
            target: TARGET,
            signed: &body,
        };
        let clock = self.clock.as_ref();
        let signer = self.keyring.signing(clock.unix_seconds());
        let authorization = signer.authorize(clock, &unsigned).await?;
        let mut headers = common_headers(None)?;
        add_proof(&mut headers, authorization, None)?;
        let request = HttpRequest {
            origin: origin.clone(),
            method,
            target: TARGET.to_owned(),
            headers,
            body,
            entry: None,
        };
        let answer = self.transport.send(request).await.map_err(|error| {
            Error::new(
                Reason::UpstreamUnavailable,
                "the platform certificates cannot be downloaded",
            )
            .with_source(error)
        })?;
        match answer.status {
            StatusCode::OK => self.accept(&answer, trusted).map(Some),
            StatusCode::UNAUTHORIZED => Err(Error::new(
                Reason::CredentialRejected,
                "WeChat Pay rejected the account's credentials at the download of platform certificates",
            )
            .with_remedy("check the private key, the serial number and the clock")),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(Error::new(
                    Reason::UpstreamUnavailable,
                    format!(
                        "WeChat Pay answered the download of platform certificates with {status}"
                    ),
                ))
            }
            StatusCode::NOT_FOUND if has_public_key(trusted) => Ok(None),
            StatusCode::NOT_FOUND => Err(Error::new(
                Reason::KeyUnavailable,
                "WeChat Pay has no platform certificate for this merchant",
            )
            .with_remedy("configure the WeChat Pay public key")),
            status => Err(Error::new(
                Reason::KeyUnavailable,
                format!("WeChat Pay refused the download of platform certificates with {status}"),
            )),
        }
    }

    /// A number from 0 to 1000.
    pub(super) fn jitter(&self) -> u32 {
        self.clock.jitter()
    }

    fn accept(
        &self,
        answer: &HttpResponse,
        trusted: &KeySet,
    ) -> Result<(KeySet, Vec<String>), Error> {
        let download: Download = serde_json::from_slice(&answer.body).map_err(|error| {
            Error::new(
                Reason::KeyUnavailable,
                "the download of platform certificates is not as documented",
            )
            .with_source(Misread {
                line: error.line(),
                column: error.column(),
            })
        })?;
        let entries: Vec<_> = download
            .data
            .iter()
            .map(|entry| EncryptedCertificate {
                serial: &entry.serial_no,
                sealed: Sealed {
                    algorithm: &entry.encrypt_certificate.algorithm,
                    nonce: &entry.encrypt_certificate.nonce,
                    associated_data: &entry.encrypt_certificate.associated_data,
                    ciphertext: &entry.encrypt_certificate.ciphertext,
                },
            })
            .collect();
        let headers = SignatureHeaders::read(|name| answer.header(name));
        let now = self.clock.unix_seconds();
        accept_certificates(
            &headers,
            &answer.body,
            &entries,
            &CertificateTrust {
                key: &self.api_v3_key,
                trusted,
                authorities: self.authorities.as_ref(),
            },
            now,
        )
        .map(|accepted| (accepted.keys, accepted.certificates))
        .map_err(|error| {
            Error::new(
                Reason::KeyUnavailable,
                "the downloaded platform certificates are not acceptable",
            )
            .with_source(error)
        })
    }
}

fn has_public_key(keys: &KeySet) -> bool {
    keys.iter().any(|key| key.kind() == KeyKind::PublicKey)
}

/// A JSON error without the text, which may quote what was received.
#[derive(Debug, thiserror::Error)]
#[error("unexpected JSON at line {line}, column {column}")]
struct Misread {
    line: usize,
    column: usize,
}
