//! Sections `response_verification`, `notifications` and `certificates_download`.

use kabao_auth::{
    AcceptedCertificates, Certificate, CertificateTrust, CertificatesError, EncryptedCertificate,
    Error, KeyKind, Sealed, SerialNumber, VerificationError, accept_certificates, verify,
};
use serde_json::Value;

use crate::support::{Case, OK, Vectors, check};

#[test]
fn answers_are_verified() {
    check("response_verification", |vectors, case| {
        let body = case.bytes("body_base64");
        let keys = vectors.trust(case.list("trust"));
        let outcome = verify(
            &case.signature_headers(),
            body.as_slice(),
            &keys,
            case.number("now"),
        );
        if case.name() == "signtest_probe" {
            case.equal(
                "probe",
                outcome.as_ref().err(),
                Some(&VerificationError::Probe),
            );
        }
        match outcome {
            Ok(verified) => {
                case.equal("body", *verified.body(), body.as_slice());
                let signer = case.header("Wechatpay-Serial").unwrap().parse().unwrap();
                case.equal("signer", verified.key_id(), &signer);
                case.answer(verified.body())
            }
            Err(error) => error.reason().to_owned(),
        }
    });
}

#[test]
fn notifications_are_verified_and_opened() {
    check("notifications", |vectors, case| {
        compare_with_raw_http(case);
        let body = case.bytes("body_base64");
        let keys = vectors.trust(case.list("trust"));
        let verified = match verify(&case.signature_headers(), body, &keys, case.number("now")) {
            Ok(verified) => verified,
            Err(error) => return error.reason().to_owned(),
        };
        let notification: Value = serde_json::from_slice(verified.body()).unwrap();
        if let Some(members) = case.get("extract").as_object() {
            for (name, expected) in members {
                case.equal(name, &notification[name], expected);
            }
        }
        if let Some(first) = case.optional_text("same_event_as") {
            let cases = vectors.cases("notifications");
            let first = cases.iter().find(|other| other.name() == first).unwrap();
            let first: Value = serde_json::from_slice(&first.bytes("body_base64")).unwrap();
            case.equal("id", &notification["id"], &first["id"]);
        }
        match case
            .api_key("apiv3_key")
            .open(&verified, &sealed(&notification["resource"]))
        {
            Ok(plaintext) => {
                case.equal(
                    "plaintext",
                    plaintext.to_str().ok(),
                    case.optional_text("plaintext_utf8"),
                );
                OK.to_owned()
            }
            Err(error) => aead_reason(&error),
        }
    });
}

#[test]
fn certificate_downloads_are_accepted() {
    check("certificates_download", |vectors, case| {
        let body = case.bytes("body_base64");
        let trusted = vectors.trust(case.list("trust_before"));
        let now = case.number("now");
        // An answer without certificates is verified like every other: nothing in it proves a key.
        if case.number("status") != 200 {
            return match verify(&case.signature_headers(), body.as_slice(), &trusted, now) {
                Ok(verified) => case.answer(verified.body()),
                Err(error) => error.reason().to_owned(),
            };
        }
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let entries: Vec<_> = answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| EncryptedCertificate {
                serial: entry["serial_no"].as_str().unwrap(),
                sealed: sealed(&entry["encrypt_certificate"]),
            })
            .collect();
        let key = case.api_key("apiv3_key");
        match accept_certificates(
            &case.signature_headers(),
            &body,
            &entries,
            &CertificateTrust {
                key: &key,
                trusted: &trusted,
                authorities: None,
            },
            now,
        ) {
            Ok(accepted) => {
                compare_certificates(vectors, case, &accepted);
                OK.to_owned()
            }
            Err(CertificatesError::Entry(error)) => aead_reason(&error),
            Err(CertificatesError::Verification(error)) => error.reason().to_owned(),
            Err(error) => error.to_string(),
        }
    });
}

fn compare_certificates<B>(vectors: &Vectors, case: Case<'_>, accepted: &AcceptedCertificates<B>) {
    let expected = case.list("certificates");
    case.equal(
        "number of certificates",
        accepted.keys.len(),
        expected.len(),
    );
    for entry in expected {
        let serial: SerialNumber = entry["serial_no"].as_str().unwrap().parse().unwrap();
        let certificate =
            Certificate::from_pem(entry["certificate_pem"].as_str().unwrap()).unwrap();
        let key = accepted.keys.get(&serial.into()).unwrap();
        case.equal("certified key", key.public_key(), certificate.public_key());
        case.equal("validity", key.is_valid_at(case.number("now")), true);
    }
    let newest: SerialNumber = case.text("newest_serial_no").parse().unwrap();
    let chosen = accepted
        .keys
        .encryption_key(KeyKind::Certificate, case.number("now"));
    let chosen = chosen.unwrap().id();
    case.equal("newest", chosen, newest.into());
    case.equal(
        "own serial",
        accepted.keys.own_serial(),
        &vectors.own_serial(),
    );
}

/// The complete HTTP request must say the same as the members of the case.
fn compare_with_raw_http(case: Case<'_>) {
    let raw = case.bytes("raw_http_base64");
    let body = case.bytes("body_base64");
    assert!(raw.ends_with(&body), "{}: body", case.name());
    let head = std::str::from_utf8(&raw[..raw.len() - body.len()]).unwrap();
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let request_line = format!("{} {} HTTP/1.1", case.text("method"), case.text("target"));
    case.equal("request line", lines.next(), Some(request_line.as_str()));
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        case.equal(name, Some(value), case.header(name));
    }
}

fn sealed(resource: &Value) -> Sealed<'_> {
    let text = |member: &str| resource[member].as_str();
    Sealed {
        algorithm: text("algorithm").unwrap(),
        nonce: text("nonce").unwrap(),
        associated_data: text("associated_data").unwrap_or_default(),
        ciphertext: text("ciphertext").unwrap(),
    }
}

fn aead_reason(error: &Error) -> String {
    match error {
        Error::AeadTagMismatch => "AEAD_TAG_MISMATCH".to_owned(),
        Error::AeadInput | Error::InvalidApiKey => "AEAD_INPUT".to_owned(),
        Error::UnsupportedAlgorithm => "UNSUPPORTED_ALGORITHM".to_owned(),
        other => other.to_string(),
    }
}
