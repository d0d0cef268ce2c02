//! What the client says about the values of an entry, by the keys that these came from.

use kabao_client::ConfigurationError;

use super::material::Material;

/// Where the values of the client's options come from.
const OPTIONS: [(&str, &[&str]); 8] = [
    ("private_key", &["private_key_file", "private_key_uri"]),
    ("certificate", &["certificate_file"]),
    ("public_key", &["public_key_file"]),
    ("apiv3_key", &["apiv3_key_file", "apiv3_key_env"]),
    ("app_secret", &["app_secret_file", "app_secret_env"]),
    ("root_certificates", &["extra_ca_file"]),
    ("platform_ca", &["platform_ca_file"]),
    (
        "proxy_password",
        &["proxy_password_file", "proxy_password_env"],
    ),
];

/// What may stand in place of an absent key. If that was given and is faulty, the absence is no mistake of its own.
const ALTERNATIVES: [(&str, &[&str]); 2] = [
    ("serial_no", &["certificate_file"]),
    (
        "public_key_id",
        &["apiv3_key_file", "apiv3_key_env", "public_key_file"],
    ),
];

/// Translates the client's mistakes into ours; about a value that could not even be read, enough was said.
pub(super) fn verdict<C>(
    material: &Material<'_, '_>,
    built: Result<C, ConfigurationError>,
) -> Option<C> {
    let error = match built {
        Ok(client) => return (!material.has_mistakes()).then_some(client),
        Err(error) => error,
    };
    complain_about(material, &error);
    None
}

/// Tells what the client has found, by our keys.
pub(super) fn complain_about(material: &Material<'_, '_>, error: &ConfigurationError) {
    for mistake in error.faults() {
        let option = mistake
            .field
            .strip_prefix("direct.")
            .unwrap_or(&mistake.field);
        if material.has("keys") && is_of_own_keys(option) {
            // Each key has been looked at alone; this is about them together.
            material.complain(
                "keys",
                &format!("{} {}", own_key(option), mistake.description),
            );
            continue;
        }
        let keys: &[&str] = OPTIONS
            .iter()
            .find(|(name, _)| *name == option)
            .map_or(std::slice::from_ref(&option), |(_, keys)| keys);
        let key = keys
            .iter()
            .find(|key| material.has(key))
            .or_else(|| keys.first())
            .copied()
            .unwrap_or(option);
        let excused = !material.has(key)
            && ALTERNATIVES
                .iter()
                .filter(|(absent, _)| *absent == key)
                .any(|(_, given)| given.iter().any(|given| material.is_faulty(given)));
        if !excused {
            material.complain(key, &mistake.description);
        }
    }
}

/// Names an option of one of several keys as they are counted in the configuration.
fn own_key(option: &str) -> String {
    let further = option
        .strip_prefix("further_keys[")
        .and_then(|rest| rest.split_once("]."))
        .and_then(|(index, field)| Some((index.parse::<usize>().ok()?, field)));
    match further {
        Some((index, field)) => format!("#{}: {field}", index.saturating_add(2)),
        None => format!("#1: {option}"),
    }
}

fn is_of_own_keys(option: &str) -> bool {
    let own = ["private_key", "certificate", "serial_no"];
    own.contains(&option) || option.starts_with("further_keys")
}
