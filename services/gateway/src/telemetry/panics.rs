//! Panics become log lines like any other event.

use std::any::Any;
use std::panic;

/// Replaces the default hook, which prints whatever the message holds, and not as JSON.
pub(super) fn install() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string);
        tracing::error!(location, reason = message(info.payload()), "panic");
    }));
}

/// The message if it stands in the source as it is. A formatted one may hold anything, personal data included.
fn message(payload: &(dyn Any + Send)) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_without_values_are_logged() {
        let literal = panic::catch_unwind(|| panic!("invariant broken")).unwrap_err();
        assert_eq!(message(literal.as_ref()), Some("invariant broken"));
        let openid = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
        let formatted = panic::catch_unwind(|| panic!("no member {openid}")).unwrap_err();
        assert_eq!(message(formatted.as_ref()), None);
    }
}
