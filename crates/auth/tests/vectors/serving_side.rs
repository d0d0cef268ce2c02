//! Sections `server_authentication`, `server_sensitive_fields` and `error_bodies`.

use kabao_auth::{
    AuthenticationError, Authorization, DecryptionKeys, KeyId, PublicKey, ReceivedRequest,
    RequestToSign, SerialNumber, SignMismatch, authenticate, require_client_headers,
};
use serde_json::{Value, json};

use crate::support::{Case, OK, Vectors, check};

/// The certificates that the server knows, with the numbers they belong to.
fn find_key(vectors: &Vectors, identity: &str, serial: &SerialNumber) -> Option<PublicKey> {
    [
        ("merchant", "mchid"),
        ("merchant_other", "mchid"),
        ("brand", "brand_id"),
    ]
    .into_iter()
    .map(|(name, number)| (vectors.key(name).text(number), vectors.certificate(name)))
    .find(|(number, certificate)| *number == identity && certificate.serial() == serial)
    .map(|(_, certificate)| certificate.public_key().clone())
}

fn judge(
    vectors: &Vectors,
    case: Case<'_>,
    now: i64,
) -> Result<Authorization, AuthenticationError> {
    require_client_headers(case.header("Accept"), case.header("User-Agent"))?;
    let body = case.signed_body();
    let request = ReceivedRequest {
        method: case.text("method"),
        target: case.text("target"),
        body: &body,
    };
    authenticate(
        case.header("Authorization"),
        &request,
        now,
        |identity, serial| find_key(vectors, identity, serial),
    )
}

fn sign_information(mismatch: &SignMismatch) -> Value {
    json!({
        "method": mismatch.method,
        "url": mismatch.url,
        "sign_message_length": mismatch.sign_message_length,
        "truncated_sign_message": mismatch.truncated_sign_message,
    })
}

#[test]
fn requests_are_authenticated() {
    check("server_authentication", |vectors, case| {
        let outcome = judge(vectors, case, case.number("now"));
        let information = match &outcome {
            Err(AuthenticationError::SignMismatch(mismatch)) => sign_information(mismatch),
            _ => Value::Null,
        };
        case.equal(
            "sign_information",
            &information,
            case.get("sign_information"),
        );
        match outcome {
            Ok(read) => {
                let body = case.signed_body();
                let request = RequestToSign {
                    method: case.text("method"),
                    target: case.text("target"),
                    timestamp: read.timestamp(),
                    nonce: read.nonce(),
                    body: &body,
                };
                case.equal("message", request.message(), case.bytes("message_base64"));
                OK.to_owned()
            }
            Err(error) => {
                case.equal(
                    "status",
                    i64::from(error.status()),
                    case.number("http_status"),
                );
                case.equal("message", error.message(), case.text("message_zh"));
                error.code().to_owned()
            }
        }
    });
}

#[test]
fn sensitive_fields_are_decrypted() {
    check("server_sensitive_fields", |vectors, case| {
        let keys: DecryptionKeys = [
            "platform_current",
            "platform_previous",
            "wechatpay_public_key",
        ]
        .into_iter()
        .map(|name| {
            let key = vectors.key(name);
            let id = key
                .optional_text("id")
                .unwrap_or_else(|| key.text("serial_no"));
            (id.parse::<KeyId>().unwrap(), vectors.private_key(name))
        })
        .collect();
        if let Err(error) = judge(vectors, case, case.number("timestamp")) {
            return format!("not authenticated: {error}");
        }
        let body: Value = serde_json::from_slice(&case.bytes("body_base64")).unwrap();
        let ciphertext = body["phone_number"].as_str().unwrap();
        match keys.decrypt(case.header("Wechatpay-Serial"), ciphertext) {
            Ok(plaintext) => {
                let expected = case.get("sensitive")["/phone_number"].as_str();
                case.equal("phone_number", plaintext.to_str().ok(), expected);
                OK.to_owned()
            }
            Err(error) => {
                case.equal(
                    "status",
                    i64::from(error.status()),
                    case.number("http_status"),
                );
                case.equal("message", error.message(), case.text("message_zh"));
                error.code().to_owned()
            }
        }
    });
}

/// What a body means for a retry is the client's to judge; here only the refusals that this crate words are compared.
#[test]
fn error_bodies_are_those_of_our_refusals() {
    check("error_bodies", |vectors, case| {
        let body: Value = serde_json::from_str(case.text("body_utf8")).unwrap_or_default();
        case.equal("code", &body["code"], case.get("code"));
        let information = &body["detail"]["sign_information"];
        if information.is_object() {
            let error = refusal(vectors, information);
            case.equal("status", i64::from(error.status()), case.number("status"));
            case.equal("code", error.code(), case.text("code"));
            case.equal("message", Some(error.message()), body["message"].as_str());
            let AuthenticationError::SignMismatch(mismatch) = error else {
                return error.to_string();
            };
            case.equal(
                "sign_information",
                &sign_information(&mismatch),
                information,
            );
        }
        OK.to_owned()
    });
}

/// Sends the request that a body complains about, with a signature that cannot fit.
fn refusal(vectors: &Vectors, information: &Value) -> AuthenticationError {
    let message = information["truncated_sign_message"].as_str().unwrap();
    let lines: Vec<_> = message.split('\n').collect();
    let key = vectors.key("merchant");
    let header = format!(
        "WECHATPAY2-SHA256-RSA2048 mchid=\"{}\",nonce_str=\"{}\",signature=\"AAAA\",timestamp=\"{}\",serial_no=\"{}\"",
        key.text("mchid"),
        lines[3],
        lines[2],
        key.text("serial_no"),
    );
    let request = ReceivedRequest {
        method: lines[0],
        target: lines[1],
        body: b"",
    };
    let now: i64 = lines[2].parse().unwrap();
    authenticate(Some(&header), &request, now, |identity, serial| {
        find_key(vectors, identity, serial)
    })
    .unwrap_err()
}
