//! What the catalogue says, in the words that protos and pages share.

use crate::catalogue::{Field, Operation, Safety};

/// What stands at every RPC whose answer is a credential.
pub(crate) const CREDENTIAL_DOC: &str = "The answer is a credential. So this is served, and listed by reflection, only if an account says \
    `expose_tokens = true`. Where callers are told apart, a policy has to grant the caller the group `secrets`, and where \
    they are not, the listener has to be on loopback. The answer is what the gateway itself holds and uses, \
    with the seconds that are left; nothing is fetched anew or made invalid for a caller. For any other account the \
    call is refused with PERMISSION_DENIED, reason CREDENTIAL_NOT_EXPOSED.";

/// What a second run of an operation does.
pub(crate) fn repeats(operation: &Operation) -> String {
    match (
        operation.effect.as_str(),
        &operation.request_number,
        operation.repeat,
    ) {
        ("read", ..) => "Reads only; safe to repeat.".to_owned(),
        (_, Some(number), _) => format!("Writes; `{number}` makes a repeat harmless."),
        (_, None, None) => {
            "Writes, and has no request number: a repeat may act twice, unless it carries the same \
             `idempotency-key`."
                .to_owned()
        }
        (_, None, Some(Safety::Safe)) if operation.repeat_unless.is_empty() => {
            "Writes what a repeat does not change any more; safe to repeat.".to_owned()
        }
        (_, None, Some(Safety::Safe)) => {
            let members: Vec<String> = operation
                .repeat_unless
                .iter()
                .map(|member| format!("`{member}`"))
                .collect();
            format!(
                "Writes absolute values; safe to repeat, except with {}: a repeat acts twice then, unless it carries \
                 the same `idempotency-key`.",
                members.join(" or ")
            )
        }
    }
}

/// That a field must be there.
pub(crate) const REQUIRED: &str = "Required";

/// What the catalogue demands of a field, a sentence each, without their full stops.
pub(crate) fn limits_in_words(field: &Field) -> Vec<String> {
    let mut words = Vec::new();
    if field.required {
        words.push(REQUIRED.to_owned());
    }
    if let Some(condition) = &field.required_if {
        words.push(format!("Required if {condition}"));
    }
    if let Some(limit) = field.max_chars {
        words.push(format!("At most {limit} characters"));
    }
    if let Some(limit) = field.max_bytes {
        words.push(format!("At most {limit} UTF-8 bytes"));
    }
    if let Some(limit) = field.min_chars {
        words.push(format!("At least {limit} characters"));
    }
    if let Some(limit) = field.min {
        words.push(format!("At least {limit}"));
    }
    if let Some(limit) = field.max {
        words.push(format!("At most {limit}"));
    }
    if let Some(limit) = field.min_items {
        words.push(format!("At least {limit} entries"));
    }
    if let Some(limit) = field.max_items {
        words.push(format!("At most {limit} entries"));
    }
    if !field.values.is_empty() {
        words.push(format!("One of {}", field.values.join(", ")));
    }
    if field.either {
        words.push("Numbers and texts are both read".to_owned());
    }
    if field.unofficial {
        words.push("Not on an official page that could be read".to_owned());
    }
    words
}
