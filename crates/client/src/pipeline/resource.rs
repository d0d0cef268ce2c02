//! Which resource an operation is about, for answers that only say "not found".

use kabao_api::Reason;
use kabao_models::Operation;

/// Returns the reason for "not found" by the resource in the operation's id.
pub(crate) fn not_found(operation: &'static Operation) -> Reason {
    if operation.id.ends_with(".exchange_coupon_confirm") {
        // What it looks up is the record of an exchange.
        return Reason::ResourceNotFound;
    }
    let resource = operation.id.split('.').nth(1).unwrap_or_default();
    match resource {
        "cards" | "card" | "card_rights" => Reason::TemplateNotFound,
        "user_cards" | "member" | "user_card_rights" | "user_points" => Reason::MemberNotFound,
        _ => Reason::ResourceNotFound,
    }
}
