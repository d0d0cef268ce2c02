//! A private key of an account and the certificate that belongs to it, as configured.

use std::sync::Arc;

use kabao_auth::{Certificate, Identity, PrivateKey, Scheme, SerialNumber, Signer};
use kabao_models::Secret;

use super::{Common, Parts};
use crate::faults::{ConfigurationError, Faults};
use crate::signing::{Key, Remote, RequestSigner, Validity};

/// One private key of a merchant number or of a brand, with its certificate.
///
/// Either `private_key` or `signer` is the key, and either `certificate` or `serial_no` names the certificate that
/// belongs to it.
#[derive(Clone, Debug, Default)]
pub struct MerchantKey {
    /// `apiclient_key.pem`: the private key; empty if there is a `signer`.
    pub private_key: Secret,
    /// Signs and decrypts with a key that lies elsewhere.
    pub signer: Option<Arc<dyn Signer>>,
    /// `apiclient_cert.pem`: the certificate that belongs to the key.
    pub certificate: Option<String>,
    /// The certificate's serial number, 40 hexadecimal digits.
    pub serial_no: Option<String>,
}

/// A key whose parts are good and belong together.
pub(super) struct Read {
    pub(super) serial: SerialNumber,
    pub(super) validity: Option<Validity>,
    signer: Arc<dyn Signer>,
}

impl MerchantKey {
    /// Tells what is wrong with the key alone, for the merchant or the brand of this number; its validity is not looked
    /// at, because a key that does not sign may still decrypt.
    ///
    /// # Errors
    ///
    /// Lists every fault at once.
    pub fn check(&self, number: &str) -> Result<(), ConfigurationError> {
        let mut faults = Faults::default();
        self.read(number, &mut faults);
        match faults.is_empty() {
            true => Ok(()),
            false => Err(faults.finish()),
        }
    }

    /// Reads all of it; what cannot be used becomes faults. `number` is that of the merchant or the brand.
    pub(super) fn read(&self, number: &str, faults: &mut Faults) -> Option<Read> {
        let signer = self.signer(faults);
        let certificate = self
            .certificate
            .as_deref()
            .and_then(|pem| faults.keep("certificate", Certificate::from_pem(pem)));
        let serial = self
            .serial_no
            .as_deref()
            .and_then(|text| faults.keep("serial_no", text.parse::<SerialNumber>()));
        if let Some(certificate) = &certificate {
            let signer = signer.as_deref();
            check(certificate, serial, signer, number, faults);
        }
        if self.certificate.is_none() && self.serial_no.is_none() {
            faults.add("serial_no", "is required if there is no certificate");
        }
        let validity = certificate.as_ref().map(|certificate| Validity {
            from: certificate.not_before(),
            until: certificate.not_after(),
        });
        let serial = certificate
            .as_ref()
            .map(|certificate| *certificate.serial())
            .or(serial);
        Some(Read {
            serial: serial?,
            validity,
            signer: signer?,
        })
    }

    fn signer(&self, faults: &mut Faults) -> Option<Arc<dyn Signer>> {
        match &self.signer {
            Some(_) if !self.private_key.is_empty() => {
                faults.add(
                    "private_key",
                    "stands beside a signer; one of the two is the key",
                );
                None
            }
            Some(signer) => Some(Arc::clone(signer)),
            None if self.private_key.is_empty() => {
                faults.add("private_key", "is required");
                None
            }
            None => {
                let key = PrivateKey::from_pem(self.private_key.expose());
                let key = faults.keep("private_key", key)?;
                Some(Arc::new(key))
            }
        }
    }
}

impl Read {
    /// Tells whether its certificate is valid, as far as that is known.
    pub(super) fn is_valid_at(&self, now: i64) -> bool {
        self.validity.is_none_or(|validity| validity.contains(now))
    }

    /// Makes it sign for an account. A key of this process is used where it is called, or on threads.
    pub(super) fn into_request_signer(
        self,
        scheme: Scheme,
        number: &str,
        common: &Common,
        parts: &Parts,
    ) -> Result<RequestSigner, kabao_auth::Error> {
        let identity = Identity::new(scheme, number, self.serial)?;
        let key = match self.signer.private_key() {
            Some(key) => Key::Here(key.clone()),
            None => Key::Elsewhere(Box::new(Remote::new(
                parts.account.clone(),
                self.signer,
                Arc::clone(&common.clock),
                &common.settings,
            ))),
        };
        let hosts = parts.hosts.clone();
        Ok(RequestSigner::new(identity, key, self.validity, hosts))
    }
}

fn check(
    certificate: &Certificate,
    serial: Option<SerialNumber>,
    signer: Option<&dyn Signer>,
    number: &str,
    faults: &mut Faults,
) {
    if signer.is_some_and(|signer| signer.public_key() != certificate.public_key()) {
        faults.add("certificate", "does not belong to the private key");
    }
    if serial.is_some_and(|serial| serial != *certificate.serial()) {
        faults.add("serial_no", "is not the serial number of the certificate");
    }
    if let Some(name) = certificate.common_name()
        && name.bytes().all(|byte| byte.is_ascii_digit())
        && name != number
    {
        faults.add("certificate", "belongs to another merchant number");
    }
}
