//! Codes of user cards: those of merchants, and those that the platform allocates.

use super::{Core, Refused, Rule};
use crate::random;

impl Core {
    /// Refuses a code that a user card has.
    pub(super) fn check_code_is_free(&self, card_id: &str, code: &str) -> Result<(), Refused> {
        match self.members.of_code(card_id, code) {
            Some(_) => Err(Rule::CodeTaken.into()),
            None => Ok(()),
        }
    }

    /// Returns a code that no user card has.
    pub(super) fn fresh_code(&self, card_id: &str) -> String {
        loop {
            let code = random::digits(24);
            if self.members.of_code(card_id, &code).is_none() {
                return code;
            }
        }
    }
}
