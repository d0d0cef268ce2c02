//! Who calls, and how long it may wait, as far as turns are given by it.

use std::fmt;
use std::sync::Arc;

/// Tells apart those among whom turns are shared; it proves nothing and permits nothing.
///
/// It may be an address, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CallerKey(Arc<str>);

impl CallerKey {
    /// Makes a key; the same text is the same caller.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for CallerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerKey(..)")
    }
}

/// Whether somebody waits for this very call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// Somebody waits for it.
    #[default]
    Interactive,
    /// It is one of many, which make way for those that somebody waits for.
    Bulk,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_caller_and_is_not_shown() {
        let caller = CallerKey::new("192.0.2.7");
        assert_eq!(caller, CallerKey::new("192.0.2.7".to_owned()));
        assert_ne!(caller, CallerKey::new("192.0.2.8"));
        assert!(!format!("{caller:?}").contains("192"));
    }
}
