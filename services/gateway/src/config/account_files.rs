//! The files of an account: keys, certificates and secrets, each loaded and compared with its neighbours.
//!
//! Functions return `None` after they have reported a fault, and `Some(None)` where an optional thing is absent.

use std::fs;

use kabao_auth::{ApiV3Key, Certificate, PrivateKey, PublicKey, PublicKeyId, SerialNumber};
use kabao_models::Secret;
use rustls_pki_types::CertificateDer;

use super::account::Path;
use super::section::Section;
use super::tls;

/// `private_key_file`
pub(super) fn private_key(section: &mut Section<'_>) -> Option<PrivateKey> {
    if !section.has("private_key_file") {
        section.fault("private_key_file", "is required: `apiclient_key.pem`");
    }
    let file = section.path("private_key_file")?;
    let text = read(section, &file)?;
    parsed(section, &file, PrivateKey::from_pem(&text))
}

/// `certificate_file` or `serial_no`: the serial number, and the end of validity if it is known.
pub(super) fn own_certificate(
    section: &mut Section<'_>,
    private_key: Option<&PrivateKey>,
) -> Option<(SerialNumber, Option<i64>)> {
    let file = section.path("certificate_file");
    let given = section.string("serial_no");
    let given_serial = given.as_ref().map(|given| {
        given
            .value
            .parse::<SerialNumber>()
            .map_err(|error| section.reject(given, error.to_string()))
            .ok()
    });
    let Some(file) = file else {
        if given.is_none() && !section.has("certificate_file") {
            section.fault(
                "certificate_file",
                "is required: `apiclient_cert.pem`, or `serial_no` in its place",
            );
        }
        return given_serial.flatten().map(|serial| (serial, None));
    };
    let text = read(section, &file)?;
    let certificate = parsed(section, &file, Certificate::from_pem(&text))?;
    let shown = file.value.display();
    if private_key.is_some_and(|key| !certificate.matches(key)) {
        let message = format!("the certificate in {shown} does not belong to `private_key_file`");
        section.reject(&file, message);
    }
    let now = section.context().now;
    if certificate.not_after() < now {
        section.reject(&file, format!("the certificate in {shown} has expired"));
    } else if !certificate.is_valid_at(now) {
        section.reject(&file, format!("the certificate in {shown} is not valid yet"));
    }
    if let (Some(given), Some(Some(serial))) = (&given, given_serial)
        && serial != *certificate.serial()
    {
        let actual = certificate.serial();
        section.reject(given, format!("the certificate in {shown} has {actual}"));
    }
    Some((*certificate.serial(), Some(certificate.not_after())))
}

/// `public_key_file` and `public_key_id`, both or neither.
pub(super) fn public_key(section: &mut Section<'_>) -> Option<Option<(PublicKeyId, PublicKey)>> {
    let (has_file, has_id) = (section.has("public_key_file"), section.has("public_key_id"));
    let key = section.path("public_key_file").and_then(|file| {
        let text = read(section, &file)?;
        parsed(section, &file, PublicKey::from_pem(&text))
    });
    let id = section.string("public_key_id").and_then(|id| {
        id.value
            .parse::<PublicKeyId>()
            .map_err(|_| {
                section.reject(&id, "must begin with `PUB_KEY_ID_`, as the merchant platform shows it");
            })
            .ok()
    });
    match (has_file, has_id) {
        (false, false) => return Some(None),
        (true, false) => section.fault("public_key_id", "is required beside `public_key_file`"),
        (false, true) => section.fault("public_key_file", "is required beside `public_key_id`"),
        (true, true) => {}
    }
    Some(Some((id?, key?)))
}

/// `apiv3_key_file` or `apiv3_key_env`
pub(super) fn apiv3_key(section: &mut Section<'_>) -> Option<Option<ApiV3Key>> {
    let Some(text) = secret(section, "apiv3_key_file", "apiv3_key_env", false)? else {
        return Some(None);
    };
    match ApiV3Key::new(text.expose()) {
        Ok(key) => Some(Some(key)),
        Err(_) => {
            let key = match section.has("apiv3_key_file") {
                true => "apiv3_key_file",
                false => "apiv3_key_env",
            };
            let length = text.expose().len();
            section.fault(
                key,
                format!("the APIv3 key must be 32 bytes long, this one has {length}"),
            );
            None
        }
    }
}

/// A secret from a file or from an environment variable. A line break at the end of the file does not count.
pub(super) fn secret(
    section: &mut Section<'_>,
    file_key: &'static str,
    environment_key: &'static str,
    required: bool,
) -> Option<Option<Secret>> {
    let file = section.path(file_key);
    let variable = section.string(environment_key);
    let given = (
        section.has(file_key),
        section.has(environment_key),
    );
    if given == (true, true) {
        section.fault(
            environment_key,
            format!("stands beside `{file_key}`; only one of the two can be used"),
        );
        return None;
    }
    if given == (false, false) {
        if required {
            section.fault(file_key, format!("is required, or `{environment_key}`"));
            return None;
        }
        return Some(None);
    }
    if let Some(file) = file {
        let text = read(section, &file)?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            section.reject(&file, format!("{} is empty", file.value.display()));
            return None;
        }
        return Some(Some(Secret::new(text)));
    }
    let variable = variable?;
    match section.context().environment.get(&variable.value) {
        Some(text) if !text.is_empty() => Some(Some(Secret::new(text))),
        _ => {
            let message = format!("the environment variable {} is not set", variable.value);
            section.reject(&variable, message);
            None
        }
    }
}

/// Certificates in PEM under an optional key.
pub(super) fn certificates(
    section: &mut Section<'_>,
    key: &'static str,
) -> Option<Vec<CertificateDer<'static>>> {
    let file = section.path(key)?;
    let text = read(section, &file)?;
    tls::certificates(section, &file, text.as_bytes())
}

fn read(section: &Section<'_>, file: &Path) -> Option<String> {
    match fs::read_to_string(&file.value) {
        Ok(text) => Some(text),
        Err(error) => {
            section.reject(file, tls::unreadable(&file.value, &error));
            None
        }
    }
}

fn parsed<T>(section: &Section<'_>, file: &Path, result: Result<T, kabao_auth::Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            section.reject(file, format!("{}: {error}", file.value.display()));
            None
        }
    }
}
