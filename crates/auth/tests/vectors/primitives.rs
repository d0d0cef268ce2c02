//! Sections `keys`, `aead`, `oaep` and `official_known_answers`; no section goes unnoticed.

use kabao_auth::{ApiV3Key, Error, Sealed, SignatureError};

use crate::support::{Case, OK, Vectors, check};

#[test]
fn keys_and_certificates_belong_together() {
    for vectors in Vectors::all() {
        for name in [
            "merchant",
            "merchant_other",
            "brand",
            "platform_current",
            "platform_previous",
        ] {
            let private_key = vectors.private_key(name);
            let certificate = vectors.certificate(name);
            let key = vectors.key(name);
            assert!(certificate.matches(&private_key), "{name}");
            assert_eq!(
                *private_key.public_key(),
                vectors.public_key(name),
                "{name}"
            );
            assert_eq!(
                certificate.serial().to_string(),
                key.text("serial_no"),
                "{name}"
            );
            if let Some(number) = key.optional_text("mchid") {
                assert_eq!(certificate.common_name(), Some(number), "{name}");
            }
            assert_eq!(
                private_key.public_key().to_pem(),
                key.text("public_key_pem"),
                "{name}"
            );
        }
        assert!(
            !vectors
                .certificate("merchant")
                .matches(&vectors.private_key("merchant_other"))
        );
        let platform = vectors.certificate("platform_previous");
        // 2021-03-01T00:00:00Z and 2026-02-28T00:00:00Z
        assert_eq!(
            (platform.not_before(), platform.not_after()),
            (1_614_556_800, 1_772_236_800)
        );
    }
}

#[test]
fn resources_are_opened_and_sealed() {
    check("aead", |vectors, case| {
        let key = match ApiV3Key::new(case.text("key")) {
            Ok(key) => key,
            Err(error) => return reason(&error),
        };
        let sealed = Sealed {
            algorithm: case.text("algorithm"),
            nonce: case.text("nonce"),
            associated_data: case.optional_text("associated_data").unwrap_or_default(),
            ciphertext: case.text("ciphertext"),
        };
        match key.open(&vectors.proof(), &sealed) {
            Ok(plaintext) => {
                let expected = case.bytes("plaintext_base64");
                case.equal("plaintext", plaintext.as_bytes(), expected.as_slice());
                let again = key
                    .seal(sealed.nonce, sealed.associated_data, &expected)
                    .unwrap();
                case.equal("ciphertext", again.as_str(), sealed.ciphertext);
                OK.to_owned()
            }
            Err(error) => reason(&error),
        }
    });
}

#[test]
fn fields_are_encrypted_and_decrypted() {
    check("oaep", |vectors, case| {
        case.equal(
            "hash",
            (case.text("hash"), case.text("mgf")),
            ("SHA-1", "MGF1-SHA1"),
        );
        // Seeds are not compared: the library draws its own.
        let plaintext = case.optional_text("plaintext_utf8");
        if let Some(plaintext) = plaintext
            && let Err(reason) = round_trip(vectors, case, plaintext)
        {
            return reason;
        }
        match vectors
            .private_key(case.text("decrypt_with"))
            .decrypt(case.text("ciphertext"))
        {
            Ok(decrypted) => {
                case.equal("plaintext", decrypted.to_str().ok(), plaintext);
                OK.to_owned()
            }
            Err(error) => reason(&error),
        }
    });
}

fn round_trip(vectors: &Vectors, case: Case<'_>, plaintext: &str) -> Result<(), String> {
    let name = case.text("encrypted_for");
    let ciphertext = vectors
        .public_key(name)
        .encrypt(plaintext.as_bytes())
        .map_err(|error| reason(&error))?;
    let decrypted = vectors.private_key(name).decrypt(&ciphertext).unwrap();
    case.equal("round trip", decrypted.to_str().ok(), Some(plaintext));
    Ok(())
}

#[test]
fn published_signatures_verify() {
    check("official_known_answers", |vectors, case| {
        let message = case.bytes("message_base64");
        case.equal(
            "message length",
            i64::try_from(message.len()).unwrap(),
            case.number("message_length"),
        );
        match vectors
            .official_key(case.text("public_key"))
            .verify(&message, case.text("signature"))
        {
            Ok(()) => OK.to_owned(),
            Err(SignatureError::Encoding) => "SIGNATURE_ENCODING".to_owned(),
            Err(SignatureError::Mismatch) => "SIGNATURE_MISMATCH".to_owned(),
        }
    });
}

fn reason(error: &Error) -> String {
    match error {
        Error::AeadInput | Error::InvalidApiKey => "AEAD_INPUT".to_owned(),
        Error::AeadTagMismatch => "AEAD_TAG_MISMATCH".to_owned(),
        Error::UnsupportedAlgorithm => "UNSUPPORTED_ALGORITHM".to_owned(),
        Error::OaepDecrypt => "OAEP_DECRYPT".to_owned(),
        Error::PlaintextTooLong { .. } => "PLAINTEXT_TOO_LONG".to_owned(),
        other => other.to_string(),
    }
}

#[test]
fn no_section_of_a_file_is_left_out() {
    let known = [
        "request_signing",
        "server_authentication",
        "server_sensitive_fields",
        "target_building",
        "response_verification",
        "aead",
        "oaep",
        "certificates_download",
        "notifications",
        "error_bodies",
        "official_known_answers",
        // Skipped: the crate does not support the national algorithms (SM2, SM3, SM4).
        "national_crypto",
    ];
    for vectors in Vectors::all() {
        let unknown: Vec<_> = vectors
            .sections()
            .filter(|name| !known.contains(name))
            .collect();
        assert!(unknown.is_empty(), "sections without a test: {unknown:?}");
    }
}
