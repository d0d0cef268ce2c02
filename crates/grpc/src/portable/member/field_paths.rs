//! Paths of fields: from the names of the domain and of WeChat to those of each request.

use kabao_api::MemberUpdate;

/// For requests with a `name`.
pub(super) fn in_name(field: &str) -> Option<String> {
    is_name(field).then(|| "name".to_owned())
}

/// For `UpdateMemberRequest`.
pub(super) fn in_update(field: &str) -> Option<String> {
    if is_name(field) {
        return Some("member.name".to_owned());
    }
    MemberUpdate::FIELDS
        .contains(&field)
        .then(|| format!("member.{field}"))
}

/// For `ListMembersRequest`.
pub(super) fn in_list(field: &str) -> Option<String> {
    matches!(field, "account" | "card_id").then(|| "parent".to_owned())
}

/// For `ActivateMemberRequest`.
pub(super) fn in_activate(field: &str) -> Option<String> {
    in_name(field).or_else(|| initial(field))
}

/// For `ImportMemberRequest`.
pub(super) fn in_import(field: &str) -> Option<String> {
    match field {
        "account" | "card_id" => Some("parent".to_owned()),
        "user_card_code" => Some("code".to_owned()),
        other => initial(other),
    }
}

fn initial(field: &str) -> Option<String> {
    MemberUpdate::FIELDS
        .contains(&field)
        .then(|| format!("initial_values.{field}"))
}

fn is_name(field: &str) -> bool {
    matches!(field, "account" | "card_id" | "code" | "user_card_code")
}
