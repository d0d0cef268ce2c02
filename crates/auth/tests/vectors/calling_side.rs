//! Sections `request_signing` and `target_building`.

use kabao_auth::{Identity, RequestToSign, Scheme, authorization};

use crate::support::{OK, check};

#[test]
fn requests_are_signed() {
    check("request_signing", |vectors, case| {
        let name = case.text("signer");
        let scheme = Scheme::from_token(case.text("scheme")).unwrap();
        let key = vectors.key(name);
        let id = key.text(scheme.identity_field());
        let certificate = vectors.certificate(name);
        let private_key = vectors.private_key(name);
        let identity = Identity::from_certificate(scheme, id, &certificate, &private_key).unwrap();
        case.equal(
            "certificate serial",
            certificate.serial().to_string(),
            key.text("serial_no"),
        );

        let body = case.signed_body();
        if let Some(signed) = case.optional_text("signed_body_utf8") {
            case.equal("signed body", body.as_slice(), signed.as_bytes());
        }
        let request = RequestToSign {
            method: case.text("method"),
            target: case.text("target"),
            timestamp: case.number("timestamp"),
            nonce: case.text("nonce"),
            body: &body,
        };
        let message = request.message();
        case.equal("message", &message, &case.bytes("message_base64"));
        case.equal(
            "message length",
            i64::try_from(message.len()).unwrap(),
            case.number("message_length"),
        );
        let signature = private_key.sign(&message).unwrap();
        case.equal("signature", signature.as_str(), case.text("signature"));
        if let Some(fields) = case.get("sensitive").as_object() {
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            for (pointer, plaintext) in fields {
                let ciphertext = body
                    .pointer(pointer)
                    .and_then(|value| value.as_str())
                    .unwrap();
                let decrypted = vectors
                    .private_key("wechatpay_public_key")
                    .decrypt(ciphertext)
                    .unwrap();
                case.equal(pointer, decrypted.to_str().ok(), plaintext.as_str());
            }
        }
        match authorization(&identity, &private_key, &request) {
            Ok(header) => {
                case.equal("authorization", header.as_str(), case.text("authorization"));
                case.equal(
                    "Authorization header",
                    Some(header.as_str()),
                    case.header("Authorization"),
                );
                OK.to_owned()
            }
            Err(error) => error.to_string(),
        }
    });
}
