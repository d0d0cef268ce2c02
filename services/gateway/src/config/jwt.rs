//! `[grpc.jwt]`: callers that an issuer of tokens vouches for.

use kabao_auth::JwtRules;

use super::section::Section;
use crate::jwt::{JWKS, Jwks, JwtSettings};

/// Reads the section with the file that it names.
pub(super) fn read(mut section: Section<'_>) -> Option<JwtSettings> {
    if !section.has("jwks_file") {
        section.mistake("jwks_file", "is required when [grpc.jwt] is given");
    }
    let file = section.path("jwks_file");
    let issuer = section.required_string("issuer");
    let audience = section.required_string("audience");
    let claim = match section.has("claim") {
        true => section.required_string("claim").map(|claim| claim.value),
        false => Some("sub".to_owned()),
    };
    let prefix = section.string("prefix").map_or(String::new(), |prefix| {
        if prefix.value.len() > 100 || prefix.value.contains(char::is_control) {
            section.reject(
                &prefix,
                "must be at most 100 bytes without control characters",
            );
        }
        prefix.value
    });
    let jwks = file.as_ref().and_then(|file| {
        section.surroundings().present.look(&file.value);
        Jwks::read(&file.value)
            .map_err(|faults| {
                for fault in faults.iter() {
                    section.mistake(JWKS, fault.message.as_str());
                }
            })
            .ok()
    });
    section.finish();
    Some(JwtSettings {
        jwks_file: file?.value,
        rules: JwtRules {
            issuer: issuer?.value,
            audience: audience?.value,
            claim: claim?,
        },
        prefix,
        jwks: jwks?,
    })
}
