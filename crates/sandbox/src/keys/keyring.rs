//! The keys around one account while the sandbox runs: they rotate and are revoked.

use jiff::Timestamp;
use kabao_auth::{Certificate, DecryptionKeys, KeyId, PrivateKey, PublicKey, SerialNumber};
use serde::Serialize;

use super::KeyMaterial;
use crate::described::described;
use crate::error::StartError;

described! {
    /// Which of its keys WeChat Pay signs answers with.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
    pub(crate) words enum KeyPhase {
        /// Platform certificates, migration not started: the certificate, whatever the request says.
        Certificates = "certificates",
        /// Migration runs: the key that the request's `Wechatpay-Serial` names, the certificate if it
        /// names none.
        Migrating = "migrating",
        /// Migration was stopped: the certificate.
        Stopped = "stopped",
        /// Migration is confirmed, or the account is new: the public key; there is no certificate to
        /// download.
        PublicKey = "public_key",
    }
}

/// A certificate that the account signs requests with.
pub(crate) struct ClientCertificate {
    pub(crate) certificate: Certificate,
    pub(crate) revoked: bool,
}

/// Whether a serial number of a request names a usable certificate.
pub(crate) enum Standing<'a> {
    /// Use this key to verify.
    Usable(&'a PublicKey),
    /// The account has no such certificate.
    Unknown,
    /// It was revoked.
    Revoked,
    /// Its validity is over.
    Expired,
}

/// A platform certificate with its private key.
pub(crate) struct PlatformCertificate {
    pub(crate) certificate: Certificate,
    pub(crate) pem: String,
    key: PrivateKey,
}

/// A key of WeChat Pay to sign one answer with.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) id: KeyId,
    pub(crate) key: PrivateKey,
}

/// All keys around one account.
pub(crate) struct Keyring {
    pub(crate) phase: KeyPhase,
    clients: Vec<ClientCertificate>,
    /// Oldest first. The one at `signing` signs, all are offered for download.
    platform: Vec<PlatformCertificate>,
    signing: usize,
    public_key: SigningKey,
}

impl Keyring {
    /// Reads key material.
    pub(crate) fn new(material: &KeyMaterial) -> Result<Self, StartError> {
        let client = certificate(
            &material.client_certificate,
            "the account's API certificate",
        )?;
        let client_key = material
            .client_key
            .as_deref()
            .map(|pem| private_key(pem, "the account's private key"))
            .transpose()?;
        if client_key.is_some_and(|key| !client.matches(&key)) {
            return Err(StartError::internal(
                "the account's API certificate does not belong to its private key",
            ));
        }
        let id = material
            .public_key_id
            .parse()
            .map_err(|source| StartError::key("the id of the WeChat Pay public key", source))?;
        let key = private_key(
            &material.public_key_private,
            "the private half of the WeChat Pay public key",
        )?;
        let platform =
            platform_certificate(&material.platform_certificate, &material.platform_key)?;
        Ok(Self {
            phase: KeyPhase::Migrating,
            clients: vec![ClientCertificate {
                certificate: client,
                revoked: false,
            }],
            platform: vec![platform],
            signing: 0,
            public_key: SigningKey {
                id: KeyId::PublicKey(id),
                key,
            },
        })
    }

    /// Tells what a request's serial number stands for.
    pub(crate) fn standing(&self, serial: &SerialNumber, now: Timestamp) -> Standing<'_> {
        match self.client(serial) {
            None => Standing::Unknown,
            Some(client) if client.revoked => Standing::Revoked,
            Some(client) if !client.certificate.is_valid_at(now.as_second()) => Standing::Expired,
            Some(client) => Standing::Usable(client.certificate.public_key()),
        }
    }

    /// Returns the public key that answers to a request with this certificate are encrypted to.
    pub(crate) fn client_key(&self, serial: &SerialNumber) -> Option<PublicKey> {
        self.client(serial)
            .map(|client| client.certificate.public_key().clone())
    }

    fn client(&self, serial: &SerialNumber) -> Option<&ClientCertificate> {
        self.clients
            .iter()
            .find(|client| client.certificate.serial() == serial)
    }

    /// Returns the certificates of the account, newest last.
    pub(crate) fn clients(&self) -> &[ClientCertificate] {
        &self.clients
    }

    /// Adds a certificate of the account; three may be valid at once, the oldest goes first.
    pub(crate) fn add_client(&mut self, certificate: Certificate) {
        if self.clients.len() == 3 {
            self.clients.remove(0);
        }
        self.clients.push(ClientCertificate {
            certificate,
            revoked: false,
        });
    }

    /// Revokes or restores certificates of the account and returns how many there were.
    pub(crate) fn set_revoked(&mut self, serial: Option<&SerialNumber>, revoked: bool) -> usize {
        let mut found = 0;
        for client in &mut self.clients {
            if serial.is_none_or(|serial| client.certificate.serial() == serial) {
                client.revoked = revoked;
                found += 1;
            }
        }
        found
    }

    /// Returns the private keys that open fields encrypted to WeChat Pay.
    pub(crate) fn decryption_keys(&self) -> DecryptionKeys {
        let public_key = (self.public_key.id.clone(), self.public_key.key.clone());
        let certificates = self
            .platform
            .iter()
            .map(|platform| (platform.certificate.key_id(), platform.key.clone()));
        let keys: Vec<_> = match self.phase {
            KeyPhase::PublicKey => vec![public_key],
            KeyPhase::Certificates => certificates.collect(),
            KeyPhase::Migrating | KeyPhase::Stopped => certificates.chain([public_key]).collect(),
        };
        keys.into_iter().collect()
    }

    /// Chooses the key that signs the answer to a request with this `Wechatpay-Serial`.
    pub(crate) fn signing_key(&self, named: Option<&str>) -> SigningKey {
        let public_key = match self.phase {
            KeyPhase::PublicKey => true,
            KeyPhase::Certificates | KeyPhase::Stopped => false,
            KeyPhase::Migrating => named
                .and_then(|text| text.parse::<KeyId>().ok())
                .is_some_and(|id| id == self.public_key.id),
        };
        match self.platform.get(self.signing) {
            Some(platform) if !public_key => SigningKey {
                id: platform.certificate.key_id(),
                key: platform.key.clone(),
            },
            _ => self.public_key.clone(),
        }
    }

    /// Returns the certificates that `GET /v3/certificates` offers; none in public-key mode.
    pub(crate) fn offered(&self) -> &[PlatformCertificate] {
        match self.phase {
            KeyPhase::PublicKey => &[],
            KeyPhase::Certificates | KeyPhase::Migrating | KeyPhase::Stopped => &self.platform,
        }
    }

    /// Returns all platform certificates, oldest first.
    pub(crate) fn platform(&self) -> &[PlatformCertificate] {
        &self.platform
    }

    /// Adds a platform certificate; it signs at once or only when asked to later.
    pub(crate) fn add_platform(
        &mut self,
        pem: &str,
        key_pem: &str,
        signs: bool,
    ) -> Result<KeyId, StartError> {
        let certificate = platform_certificate(pem, key_pem)?;
        let id = certificate.certificate.key_id();
        self.platform.push(certificate);
        if signs {
            self.signing = self.platform.len().saturating_sub(1);
        }
        Ok(id)
    }

    /// Makes the newest platform certificate sign.
    pub(crate) fn sign_with_newest(&mut self) {
        self.signing = self.platform.len().saturating_sub(1);
    }

    /// Replaces the public key: there is exactly one for an account.
    pub(crate) fn replace_public_key(
        &mut self,
        id: &str,
        key_pem: &str,
    ) -> Result<KeyId, StartError> {
        let id = id
            .parse()
            .map_err(|source| StartError::key("the id of the new public key", source))?;
        let key = private_key(key_pem, "the new public key")?;
        self.public_key = SigningKey {
            id: KeyId::PublicKey(id),
            key,
        };
        Ok(self.public_key.id.clone())
    }

    /// Returns id and PEM of the WeChat Pay public key.
    pub(crate) fn public_key(&self) -> (String, String) {
        (
            self.public_key.id.to_string(),
            self.public_key.key.public_key().to_pem(),
        )
    }
}

fn private_key(pem: &str, what: &str) -> Result<PrivateKey, StartError> {
    PrivateKey::from_pem(pem).map_err(|source| StartError::key(what, source))
}

fn certificate(pem: &str, what: &str) -> Result<Certificate, StartError> {
    Certificate::from_pem(pem).map_err(|source| StartError::key(what, source))
}

fn platform_certificate(pem: &str, key_pem: &str) -> Result<PlatformCertificate, StartError> {
    let key = private_key(key_pem, "the private key of the platform certificate")?;
    let certificate = certificate(pem, "the platform certificate")?;
    if !certificate.matches(&key) {
        return Err(StartError::internal(
            "the platform certificate does not belong to its private key",
        ));
    }
    Ok(PlatformCertificate {
        certificate,
        pem: pem.to_owned(),
        key,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Authority, pooled_keys};
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap()
    }

    fn keyring() -> (Authority, Keyring) {
        let (api, _) = Authority::api(None).unwrap();
        let material =
            KeyMaterial::generate(&api, pooled_keys("keyring").unwrap(), "1900000109", now())
                .unwrap();
        let keyring = Keyring::new(&material).unwrap();
        (api, keyring)
    }

    #[test]
    fn the_phase_and_the_request_choose_the_signing_key() {
        let (_, mut keyring) = keyring();
        let (id, _) = keyring.public_key();
        let certificate = keyring.platform[0].certificate.key_id().to_string();
        for (phase, named, public) in [
            (KeyPhase::Certificates, Some(id.as_str()), false),
            (KeyPhase::Migrating, Some(id.as_str()), true),
            (KeyPhase::Migrating, Some(certificate.as_str()), false),
            (KeyPhase::Migrating, None, false),
            (KeyPhase::Stopped, Some(id.as_str()), false),
            (KeyPhase::PublicKey, None, true),
        ] {
            keyring.phase = phase;
            let chosen = keyring.signing_key(named).id.to_string();
            assert_eq!(
                chosen,
                if public {
                    id.clone()
                } else {
                    certificate.clone()
                },
                "{phase:?} {named:?}"
            );
            assert_eq!(keyring.offered().is_empty(), phase == KeyPhase::PublicKey);
        }
    }

    #[test]
    fn a_certificate_is_usable_until_it_is_revoked_or_over() {
        let (_, mut keyring) = keyring();
        let serial = *keyring.clients()[0].certificate.serial();
        assert!(matches!(
            keyring.standing(&serial, now()),
            Standing::Usable(_)
        ));
        let late = crate::clock::plus_days(now(), 6 * 366);
        assert!(matches!(keyring.standing(&serial, late), Standing::Expired));
        assert_eq!(keyring.set_revoked(None, true), 1);
        assert!(matches!(
            keyring.standing(&serial, now()),
            Standing::Revoked
        ));
        assert_eq!(keyring.set_revoked(Some(&serial), false), 1);
        assert!(matches!(
            keyring.standing(&serial, now()),
            Standing::Usable(_)
        ));
        assert!(matches!(
            keyring.standing(&"1A".parse().unwrap(), now()),
            Standing::Unknown
        ));
    }

    #[test]
    fn a_new_platform_certificate_is_offered_before_it_signs() {
        let (api, mut keyring) = keyring();
        let key = super::super::material::generate_key().unwrap();
        let pem = api.issue_api("Tenpay.com sign", &key, now()).unwrap();
        let old = keyring.signing_key(None).id;
        let new = keyring.add_platform(&pem, &key, false).unwrap();
        assert_eq!(keyring.offered().len(), 2);
        assert_eq!(keyring.signing_key(None).id, old);
        keyring.sign_with_newest();
        assert_eq!(keyring.signing_key(None).id, new);
    }
}
