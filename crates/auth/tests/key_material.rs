//! Reading keys and certificates: what is accepted, and what each mistake is called.

#[cfg(test)]
mod tests {
    use kabao_auth::{ApiV3Key, Certificate, Error, PrivateKey, PublicKey};

    const PKCS8: &str = include_str!("data/pem/pkcs8.pem");
    const PKCS1: &str = include_str!("data/pem/pkcs1.pem");
    const PUBLIC: &str = include_str!("data/pem/public.pem");
    const CERTIFICATE: &str = include_str!("data/pem/certificate.pem");
    const EC: &str = include_str!("data/pem/ec.pem");

    fn wrong_type(expected: &'static str, found: &str) -> Error {
        Error::WrongPemType {
            expected,
            found: found.to_owned(),
        }
    }

    #[test]
    fn both_forms_of_private_key_are_the_same_key() {
        let key = PrivateKey::from_pem(PKCS8).unwrap();
        let windows = format!("\u{feff}Bag Attributes\r\n{}", PKCS1.replace('\n', "\r\n"));
        for text in [PKCS1, &windows, &format!("{CERTIFICATE}{PKCS1}")] {
            let other = PrivateKey::from_pem(text).unwrap();
            assert_eq!(other.sign(b"m").unwrap(), key.sign(b"m").unwrap());
        }
        assert_eq!(key.public_key(), &PublicKey::from_pem(PUBLIC).unwrap());
        assert_eq!(key.public_key().bits(), 2048);
        assert_eq!(key.public_key().max_plaintext(), 214);
        assert_eq!(key.public_key().to_pem(), PUBLIC);
    }

    #[test]
    fn every_mistake_with_a_private_key_has_its_name() {
        let rows = [
            ("", Error::PemMissing),
            ("/etc/kabao/apiclient_key.pem", Error::PemMissing),
            (CERTIFICATE, Error::CertificateInsteadOfKey),
            (PUBLIC, wrong_type("PRIVATE KEY", "PUBLIC KEY")),
            (
                include_str!("data/pem/pkcs8_encrypted.pem"),
                Error::EncryptedKey,
            ),
            (
                include_str!("data/pem/pkcs1_encrypted.pem"),
                Error::EncryptedKey,
            ),
            (include_str!("data/pem/rsa1024.pem"), Error::KeyTooSmall),
            (EC, Error::InvalidKey),
            (&PKCS8[..400], Error::PemMalformed),
            (&PKCS8.replacen("MII", "M@I", 1), Error::PemMalformed),
            (&PKCS1.replace("RSA PRIVATE", "PRIVATE"), Error::InvalidKey),
        ];
        for (text, expected) in rows {
            let start: String = text.chars().take(40).collect();
            assert_eq!(PrivateKey::from_pem(text).unwrap_err(), expected, "{start}");
        }
    }

    #[test]
    fn every_mistake_with_a_public_key_has_its_name() {
        let rows = [
            (CERTIFICATE, Error::CertificateInsteadOfKey),
            (PKCS8, wrong_type("PUBLIC KEY", "PRIVATE KEY")),
            (
                include_str!("data/pem/rsa1024_public.pem"),
                Error::KeyTooSmall,
            ),
            (include_str!("data/pem/ec_public.pem"), Error::InvalidKey),
        ];
        for (text, expected) in rows {
            assert_eq!(PublicKey::from_pem(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_certificate_tells_serial_subject_and_validity() {
        let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
        assert_eq!(certificate.serial(), &"A2B".parse().unwrap());
        assert_eq!(certificate.common_name(), Some("1900000001"));
        assert!(certificate.matches(&PrivateKey::from_pem(PKCS8).unwrap()));
        // 2026-01-01 as UTCTime, 2050-01-01 as GeneralizedTime.
        assert_eq!(
            (certificate.not_before(), certificate.not_after()),
            (1_767_225_600, 2_524_608_000)
        );
        for (now, valid) in [
            (1_767_225_599, false),
            (1_767_225_600, true),
            (2_524_608_000, true),
            (2_524_608_001, false),
        ] {
            assert_eq!(certificate.is_valid_at(now), valid, "{now}");
        }
        assert_eq!(
            Certificate::from_pem(PKCS8),
            Err(wrong_type("CERTIFICATE", "PRIVATE KEY"))
        );
        let key_in_disguise = PUBLIC.replace("PUBLIC KEY", "CERTIFICATE");
        assert_eq!(
            Certificate::from_pem(&key_in_disguise),
            Err(Error::InvalidCertificate)
        );
    }

    #[test]
    fn generated_keys_can_be_read() {
        let pem = PrivateKey::generate_pem().unwrap();
        let key = PrivateKey::from_pem(pem.to_str().unwrap()).unwrap();
        let signature = key.sign(b"m").unwrap();
        assert_eq!(signature.len(), 344);
        assert_eq!(key.public_key().verify(b"m", &signature), Ok(()));
    }

    #[test]
    fn debug_prints_no_secret() {
        let key = PrivateKey::from_pem(PKCS8).unwrap();
        let ciphertext = key.public_key().encrypt("张三".as_bytes()).unwrap();
        let plaintext = key.decrypt(&ciphertext).unwrap();
        assert_eq!(plaintext.to_str(), Ok("张三"));
        let api_key = ApiV3Key::new("k7Qm2ZxV9aT4rLp8WsD1eYh6NbUc3JfG").unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey([redacted])");
        assert_eq!(format!("{plaintext:?}"), "Plaintext([redacted])");
        assert_eq!(format!("{api_key:?}"), "ApiV3Key([redacted])");
        assert_eq!(format!("{:?}", key.public_key()), "PublicKey(RSA-2048)");
    }
}
