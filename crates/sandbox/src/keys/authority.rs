//! The certification authorities of the sandbox: one for TLS, one for API certificates.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use kabao_auth::PublicKey;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SanType, SerialNumber,
    SignatureAlgorithm, date_time_ymd,
};

use crate::error::StartError;
use crate::random;

/// The names that the server certificate holds, so that foreign SDKs run unchanged with a hosts
/// entry.
const SERVER_NAMES: [&str; 4] = [
    "api.mch.weixin.qq.com",
    "api2.mch.weixin.qq.com",
    "api.weixin.qq.com",
    "localhost",
];

/// How long API certificates live: five years, like the real ones.
const API_CERTIFICATE_YEARS: i16 = 5;

/// A self-signed authority and its key.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// Makes the authority that signs the server's TLS certificate.
    pub(crate) fn tls(key_pem: Option<&str>) -> Result<(Self, String), StartError> {
        Self::new("Kabao Sandbox TLS CA", "Kabao Sandbox", key_pem)
    }

    /// Makes the authority that signs API certificates and platform certificates, named like the
    /// real one.
    pub(crate) fn api(key_pem: Option<&str>) -> Result<(Self, String), StartError> {
        Self::new(
            "Tenpay.com Root CA",
            "Kabao Sandbox (not Tenpay.com)",
            key_pem,
        )
    }

    /// Returns the authority and the PEM of its key.
    fn new(
        name: &str,
        organisation: &str,
        key_pem: Option<&str>,
    ) -> Result<(Self, String), StartError> {
        let failed = |source| StartError::certificate(format!("the authority `{name}`"), source);
        let key = match key_pem {
            Some(pem) => KeyPair::from_pem(pem),
            None => KeyPair::generate(),
        }
        .map_err(failed)?;
        let key_pem = key.serialize_pem();
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(name, organisation);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        params.serial_number = Some(SerialNumber::from_slice(&random::serial_bytes()));
        let pem = params.self_signed(&key).map_err(failed)?.pem();
        Ok((
            Self {
                issuer: Issuer::new(params, key),
                pem,
            },
            key_pem,
        ))
    }

    /// Takes over the certificate that was issued earlier for the same key, so that clients keep
    /// trusting the file they have.
    pub(crate) fn with_certificate(mut self, pem: String) -> Self {
        self.pem = pem;
        self
    }

    /// Returns the authority's certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Issues a certificate for the server, with a new key; both as PEM.
    pub(crate) fn issue_server(&self) -> Result<(String, String), StartError> {
        let failed = |source| StartError::certificate("the server certificate", source);
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(SERVER_NAMES.map(str::to_owned)).map_err(failed)?;
        params
            .subject_alt_names
            .push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        params
            .subject_alt_names
            .push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        params.distinguished_name = subject("api.mch.weixin.qq.com", "Kabao Sandbox");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        params.serial_number = Some(SerialNumber::from_slice(&random::serial_bytes()));
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// Issues an API certificate for an RSA key: the subject's common name is the merchant number
    /// or brand id, or the name of the platform.
    pub(crate) fn issue_api(
        &self,
        common_name: &str,
        key_pem: &str,
        now: Timestamp,
    ) -> Result<String, StartError> {
        let failed = |source| {
            StartError::certificate(format!("the API certificate of `{common_name}`"), source)
        };
        let key = KeyPair::from_pem(key_pem).map_err(failed)?;
        self.issue(common_name, &key, now).map_err(failed)
    }

    /// Issues an API certificate for an RSA public key whose private half is elsewhere.
    pub(crate) fn issue_api_for(
        &self,
        common_name: &str,
        public_key_pem: &str,
        now: Timestamp,
    ) -> Result<String, StartError> {
        let key = PublicKey::from_pem(public_key_pem)
            .map_err(|source| StartError::key("the account's public key", source))?;
        let key = ForeignKey::new(&key)
            .ok_or_else(|| StartError::internal("a public key cannot be written"))?;
        self.issue(common_name, &key, now).map_err(|source| {
            StartError::certificate(format!("the API certificate of `{common_name}`"), source)
        })
    }

    fn issue(
        &self,
        common_name: &str,
        key: &impl PublicKeyData,
        now: Timestamp,
    ) -> Result<String, rcgen::Error> {
        let date = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let begin = date.yesterday().unwrap_or(date);
        let month = |date: jiff::civil::Date| u8::try_from(date.month()).unwrap_or(1);
        // The 29th of February has no anniversary.
        let day = |date: jiff::civil::Date| u8::try_from(date.day()).unwrap_or(1).min(28);
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(common_name, "Kabao Sandbox");
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::DataEncipherment,
        ];
        params.use_authority_key_identifier_extension = true;
        params.not_before = date_time_ymd(i32::from(begin.year()), month(begin), day(begin));
        params.not_after = date_time_ymd(
            i32::from(begin.year() + API_CERTIFICATE_YEARS),
            month(begin),
            day(begin),
        );
        params.serial_number = Some(SerialNumber::from_slice(&random::serial_bytes()));
        params
            .signed_by(key, &self.issuer)
            .map(|certificate| certificate.pem())
    }
}

/// The bits of an RSA public key, as certificates hold them.
struct ForeignKey(Vec<u8>);

impl ForeignKey {
    fn new(key: &PublicKey) -> Option<Self> {
        /// `AlgorithmIdentifier` of rsaEncryption with the tag of the bit string that follows it.
        const ALGORITHM: [u8; 16] = [
            0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
            0x00, 0x03,
        ];
        let pem = key.to_pem();
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let info = STANDARD.decode(base64).ok()?;
        let start = info
            .windows(ALGORITHM.len())
            .position(|window| window == ALGORITHM)?;
        let bit_string = info.get(start + ALGORITHM.len()..)?;
        // The length, one byte or announced by one, and the number of unused bits.
        let (&first, rest) = bit_string.split_first()?;
        let announced = usize::from(first & 0x7f);
        let skipped = if first & 0x80 == 0 { 0 } else { announced };
        rest.get(skipped + 1..).map(|bits| Self(bits.to_vec()))
    }
}

impl PublicKeyData for ForeignKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn subject(common_name: &str, organisation: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name.push(DnType::OrganizationName, organisation);
    name.push(DnType::CountryName, "CN");
    name
}

#[cfg(test)]
mod tests {
    use kabao_auth::{Certificate, PrivateKey};

    use super::*;

    #[test]
    fn an_api_certificate_names_its_owner_and_lives_five_years() {
        let (authority, _) = Authority::api(None).unwrap();
        let key = PrivateKey::generate_pem().unwrap();
        let pem = key.to_str().unwrap();
        let now = Timestamp::from_second(1_767_225_600).unwrap();
        let certificate =
            Certificate::from_pem(&authority.issue_api("1900000109", pem, now).unwrap()).unwrap();
        assert_eq!(certificate.common_name(), Some("1900000109"));
        assert!(certificate.matches(&PrivateKey::from_pem(pem).unwrap()));
        assert_eq!(certificate.serial().to_string().len(), 40);
        assert!(certificate.is_valid_at(1_767_225_600));
        assert!(certificate.is_valid_at(1_767_225_600 + 4 * 366 * 86_400));
        assert!(!certificate.is_valid_at(1_767_225_600 + 5 * 366 * 86_400));
    }

    #[test]
    fn a_certificate_for_a_public_key_fits_the_private_half() {
        let (authority, _) = Authority::api(None).unwrap();
        let pem = PrivateKey::generate_pem().unwrap();
        let key = PrivateKey::from_pem(pem.to_str().unwrap()).unwrap();
        let now = Timestamp::from_second(1_767_225_600).unwrap();
        let issued = authority
            .issue_api_for("1900000200", &key.public_key().to_pem(), now)
            .unwrap();
        let certificate = Certificate::from_pem(&issued).unwrap();
        assert!(certificate.matches(&key));
        assert_eq!(certificate.common_name(), Some("1900000200"));
        let error = authority.issue_api_for("1", "no PEM", now).unwrap_err();
        assert!(error.to_string().contains("public key"), "{error}");
    }

    #[test]
    fn an_authority_made_again_from_its_key_is_the_same_issuer() {
        let (first, key) = Authority::tls(None).unwrap();
        let (second, same) = Authority::tls(Some(&key)).unwrap();
        assert_eq!(key, same);
        let second = second.with_certificate(first.pem().to_owned());
        assert_eq!(second.pem(), first.pem());
    }
}
