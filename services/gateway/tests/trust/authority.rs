//! Authorities and what they sign.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Identity {
    pub(crate) fn der(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        (chain.map(Result::unwrap).collect(), key)
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(authority(name), key).unwrap())
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str, serial: u64) -> Self {
        let mut parameters = authority(name);
        parameters.serial_number = Some(SerialNumber::from(serial));
        self.sign(parameters)
    }

    /// An authority below this one that ends so much later than now.
    pub(crate) fn below_for(&self, name: &str, left: Duration) -> Self {
        let mut parameters = authority(name);
        parameters.not_after = date_time_ymd(1970, 1, 1) + now() + left;
        self.sign(parameters)
    }

    fn sign(&self, parameters: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(parameters, key, &self.0).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `localhost`.
    pub(crate) fn server(&self) -> Identity {
        self.issue(|parameters| {
            parameters.subject_alt_names = vec![dns("localhost")];
            parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }

    /// A certificate of a caller with this name.
    pub(crate) fn client(&self, name: &str, serial: u64) -> Identity {
        self.issue(|parameters| {
            parameters.subject_alt_names = vec![dns(name)];
            parameters.serial_number = Some(SerialNumber::from(serial));
        })
    }

    /// A certificate of a caller that ends so much later than now.
    pub(crate) fn client_for(&self, name: &str, left: Duration) -> Identity {
        self.issue(|parameters| {
            parameters.subject_alt_names = vec![dns(name)];
            parameters.not_after = date_time_ymd(1970, 1, 1) + now() + left;
        })
    }

    pub(crate) fn issue(&self, with: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        with(&mut parameters);
        let key = KeyPair::generate().unwrap();
        Identity {
            certificate: parameters.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    /// The list of those that are revoked, good until the end of 2099.
    pub(crate) fn list(&self, serials: &[u64]) -> String {
        self.list_until(serials, 2099)
    }

    /// The same, good until the beginning of a year.
    pub(crate) fn list_until(&self, serials: &[u64], year: i32) -> String {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let parameters = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(year, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        parameters.signed_by(&self.0).unwrap().pem().unwrap()
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

/// The time since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "handshakes have no other clock than the real one"
)]
pub(crate) fn now() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap()
}

pub(crate) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}
