//! Who may have issued a platform certificate.

#[cfg(test)]
#[path = "vectors/support.rs"]
#[expect(dead_code, reason = "shared with the vectors, which use all of it")]
mod support;

#[cfg(test)]
mod tests {
    use kabao_auth::{
        ApiV3Key, CertificateTrust, CertificatesError, ChainError, EncryptedCertificate, Error,
        KeyId, KeyKind, KeySet, PlatformAuthorities, ResponseToSign, Scheme, Sealed, SerialNumber,
        SignatureHeaders, accept_certificates, restore_certificates, sign_response,
    };
    use rcgen::{
        CertificateParams, DistinguishedName, DnType, Issuer, KeyPair, PKCS_ECDSA_P384_SHA384,
        PKCS_RSA_SHA256, PKCS_RSA_SHA512, date_time_ymd,
    };

    use crate::support::Vectors;

    /// 2026-01-01.
    const NOW: i64 = 1_767_225_600;
    const TENPAY: &str = "Tenpay.com Root CA";
    const APIV3_KEY: &str = "k7Qm2ZxV9aT4rLp8WsD1eYh6NbUc3JfG";

    struct Root {
        issuer: Issuer<'static, KeyPair>,
        pem: String,
    }

    impl Root {
        fn new(name: &str, key: KeyPair, years: (i32, i32)) -> Self {
            let mut params = named(name);
            params.not_before = date_time_ymd(years.0, 1, 1);
            params.not_after = date_time_ymd(years.1, 1, 1);
            let pem = params.self_signed(&key).unwrap().pem();
            Self {
                issuer: Issuer::new(params, key),
                pem,
            }
        }

        fn of(name: &str) -> Self {
            Self::new(name, KeyPair::generate().unwrap(), (2020, 2040))
        }

        fn authorities(&self) -> PlatformAuthorities {
            PlatformAuthorities::from_pem(&self.pem).unwrap()
        }

        /// Issues a certificate for the key of the vectors' platform.
        fn issue(&self, years: (i32, i32)) -> String {
            let key = rsa("platform_current", &PKCS_RSA_SHA256);
            let mut params = named("Tenpay.com sign");
            params.not_before = date_time_ymd(years.0, 1, 1);
            params.not_after = date_time_ymd(years.1, 1, 1);
            params.serial_number = Some(vec![0x51, 0x57].into());
            params.signed_by(&key, &self.issuer).unwrap().pem()
        }
    }

    fn named(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, name);
        params.distinguished_name = subject;
        params
    }

    fn rsa(name: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> KeyPair {
        let vectors = Vectors::all().swap_remove(0);
        let pem = vectors.key(name).text("private_key_pem").to_owned();
        KeyPair::from_pem_and_sign_algo(&pem, algorithm).unwrap()
    }

    #[test]
    fn what_an_authority_has_issued_is_taken_whatever_kind_of_key_it_has() {
        for key in [
            KeyPair::generate().unwrap(),
            KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
            rsa("merchant", &PKCS_RSA_SHA256),
            rsa("merchant", &PKCS_RSA_SHA512),
        ] {
            let root = Root::new(TENPAY, key, (2020, 2040));
            let certificate = root.issue((2024, 2029));
            assert_eq!(root.authorities().check(&certificate, NOW), Ok(()));
        }
    }

    #[test]
    fn what_another_one_has_issued_is_not() {
        let root = Root::of(TENPAY);
        let trusted = root.authorities();
        let rows = [
            (Root::of("Somebody else"), ChainError::UnknownIssuer),
            (Root::of(TENPAY), ChainError::SignatureMismatch),
        ];
        for (other, expected) in &rows {
            let forged = other.issue((2024, 2029));
            assert_eq!(trusted.check(&forged, NOW), Err(*expected));
        }
        // Nobody is an authority by having issued itself.
        assert_eq!(trusted.check(&root.pem, NOW), Ok(()));
        let own = Vectors::all().swap_remove(0);
        let own = own
            .key("platform_current")
            .text("certificate_pem")
            .to_owned();
        assert_eq!(trusted.check(&own, NOW), Err(ChainError::UnknownIssuer));
        for text in [
            "",
            "no PEM",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert_eq!(
                trusted.check(text, NOW),
                Err(ChainError::Unreadable),
                "{text}"
            );
        }
        // Two authorities of one name, as after a change of keys.
        let both = format!("{}{}", rows[1].0.pem, root.pem);
        let both = PlatformAuthorities::from_pem(&both).unwrap();
        assert_eq!(both.check(&root.issue((2024, 2029)), NOW), Ok(()));
    }

    #[test]
    fn an_authority_that_is_over_or_has_not_begun_issues_nothing() {
        for years in [(2010, 2025), (2027, 2040)] {
            let root = Root::new(TENPAY, KeyPair::generate().unwrap(), years);
            let certificate = root.issue((2024, 2029));
            assert_eq!(
                root.authorities().check(&certificate, NOW),
                Err(ChainError::AuthorityNotValid)
            );
        }
    }

    #[test]
    fn a_certificate_that_was_changed_does_not_verify() {
        let root = Root::of(TENPAY);
        let pem = root.issue((2024, 2029));
        let lines: Vec<_> = pem.lines().collect();
        let mut refused = 0;
        for line in 1..lines.len() - 1 {
            let mut changed: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
            let old = changed[line].clone();
            let sign = if old.starts_with('A') { "B" } else { "A" };
            changed[line].replace_range(..1, sign);
            let changed = changed.join("\n") + "\n";
            let checked = root.authorities().check(&changed, NOW);
            assert!(checked.is_err(), "line {line}");
            refused += 1;
        }
        assert!(refused > 8, "{refused}");
    }

    #[test]
    fn a_file_without_certificates_is_no_authority() {
        let key = KeyPair::generate().unwrap().serialize_pem();
        for (text, error) in [
            ("", Error::PemMissing),
            (key.as_str(), Error::PemMissing),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                Error::InvalidCertificate,
            ),
        ] {
            assert_eq!(PlatformAuthorities::from_pem(text).unwrap_err(), error);
        }
    }

    fn download(
        pem: &str,
        authorities: Option<&PlatformAuthorities>,
    ) -> Result<Vec<String>, CertificatesError> {
        let vectors = Vectors::all().swap_remove(0);
        let key = ApiV3Key::new(APIV3_KEY).unwrap();
        let ciphertext = key.seal("61f9c719728a", "certificate", pem.as_bytes());
        let ciphertext = ciphertext.unwrap();
        let entry = EncryptedCertificate {
            serial: "5157",
            sealed: Sealed {
                algorithm: "AEAD_AES_256_GCM",
                nonce: "61f9c719728a",
                associated_data: "certificate",
                ciphertext: &ciphertext,
            },
        };
        let serial: SerialNumber = "5157".parse().unwrap();
        let body = b"{}";
        let signed = sign_response(
            &vectors.private_key("platform_current"),
            &KeyId::Certificate(serial),
            Scheme::Merchant,
            &ResponseToSign {
                timestamp: NOW,
                nonce: "c5ac7061fccab6bf3e254dcf98995b8c",
                body,
            },
        )
        .unwrap();
        let headers = SignatureHeaders::read(|name| {
            let headers = signed.headers().into_iter();
            let mut headers = headers.filter(|(known, _)| *known == name);
            headers.next().map(|(_, value)| value)
        });
        let trusted = KeySet::empty(vectors.own_serial());
        let trust = CertificateTrust {
            key: &key,
            trusted: &trusted,
            authorities,
        };
        accept_certificates(&headers, body, &[entry], &trust, NOW)
            .map(|accepted| accepted.certificates)
    }

    #[test]
    fn a_forged_list_is_refused_though_its_signature_and_its_encryption_are_good() {
        let (root, other) = (Root::of(TENPAY), Root::of(TENPAY));
        let authorities = root.authorities();
        let good = root.issue((2024, 2029));
        assert_eq!(download(&good, Some(&authorities)), Ok(vec![good]));
        let forged = other.issue((2024, 2029));
        let refused = download(&forged, Some(&authorities)).unwrap_err();
        assert_eq!(
            refused,
            CertificatesError::Chain {
                id: "5157".parse().unwrap(),
                source: ChainError::SignatureMismatch
            }
        );
        assert!(download(&forged, None).is_ok(), "without authorities");
    }

    #[test]
    fn what_is_restored_is_valid_and_issued_by_who_is_trusted_now() {
        let (root, other) = (Root::of(TENPAY), Root::of(TENPAY));
        let none = KeySet::empty("1".parse().unwrap());
        let good = root.issue((2024, 2029));
        let restore = |pem: &str, root: Option<&Root>, now| {
            let authorities = root.map(Root::authorities);
            restore_certificates([pem], &none, authorities.as_ref(), now)
        };
        let keys = restore(&good, Some(&root), NOW).unwrap();
        assert!(keys.has(KeyKind::Certificate, NOW) && !keys.has(KeyKind::PublicKey, NOW));
        assert!(restore(&good, None, NOW).is_ok());
        for refused in [
            restore(&good, Some(&other), NOW),
            restore(&good, Some(&root), NOW + 4 * 366 * 86_400),
            restore(&root.issue((2027, 2029)), None, NOW),
        ] {
            assert_eq!(refused.unwrap_err(), CertificatesError::Empty);
        }
        let odd = restore("x", None, NOW).unwrap_err();
        assert_eq!(odd, CertificatesError::Entry(Error::PemMissing));
    }
}
