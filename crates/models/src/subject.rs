//! Whether an answer is about what was asked for.

use std::borrow::Cow;

use crate::private::Personal;

/// Dynamic codes have so many digits.
const DYNAMIC_CODE_DIGITS: usize = 18;

/// Compares what a request names with what its answer names.
///
/// A valid signature proves who answered, not what the answer is about: one that belongs to another
/// request of the same account verifies just as well.
#[derive(Debug, Default)]
pub struct Subject {
    foreign: Option<&'static str>,
}

impl Subject {
    /// Compares one member. What either side leaves out says nothing.
    pub fn same(&mut self, name: &'static str, asked: &impl Named, answered: &impl Named) {
        if let (Some(asked), Some(answered)) = (asked.named(), answered.named())
            && asked != answered
        {
            self.foreign.get_or_insert(name);
        }
    }

    /// Compares a code that may have been asked for by the dynamic code which a card shows: such a
    /// one is answered with the fixed code.
    pub fn code_or_dynamic(
        &mut self,
        name: &'static str,
        asked: &impl Named,
        answered: &impl Named,
    ) {
        let is_dynamic = asked.named().is_some_and(|code| {
            code.len() == DYNAMIC_CODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())
        });
        if !is_dynamic {
            self.same(name, asked, answered);
        }
    }

    /// Returns the first member that differs.
    pub fn foreign(&self) -> Option<&'static str> {
        self.foreign
    }
}

/// A member that names something.
pub trait Named {
    /// Returns the name; `None` if there is none.
    fn named(&self) -> Option<Cow<'_, str>>;
}

impl Named for String {
    fn named(&self) -> Option<Cow<'_, str>> {
        (!self.is_empty()).then_some(Cow::Borrowed(self))
    }
}

impl Named for Personal {
    fn named(&self) -> Option<Cow<'_, str>> {
        (!self.is_empty()).then_some(Cow::Borrowed(self.expose()))
    }
}

impl Named for i64 {
    fn named(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(self.to_string()))
    }
}

impl<T: Named> Named for Option<T> {
    fn named(&self) -> Option<Cow<'_, str>> {
        self.as_ref().and_then(Named::named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(asked: Option<&str>, answered: Option<&str>) -> bool {
        let mut subject = Subject::default();
        let personal = |text: Option<&str>| text.map(Personal::new);
        subject.same("code", &personal(asked), &personal(answered));
        subject.foreign().is_some()
    }

    #[test]
    fn only_two_names_that_differ_are_foreign() {
        assert!(foreign(Some("478515832665"), Some("722317683772")));
        assert!(!foreign(Some("478515832665"), Some("478515832665")));
        for nothing in [None, Some("")] {
            assert!(!foreign(Some("478515832665"), nothing));
            assert!(!foreign(nothing, Some("478515832665")));
        }
    }

    #[test]
    fn a_number_and_a_text_of_the_same_digits_are_the_same() {
        let mut subject = Subject::default();
        subject.same("brand_id", &"1004".to_owned(), &Some(1004_i64));
        assert_eq!(subject.foreign(), None);
    }

    #[test]
    fn a_dynamic_code_is_answered_with_the_fixed_one() {
        let answered = Some(Personal::new("478515832665"));
        let mut subject = Subject::default();
        subject.code_or_dynamic("code", &Personal::new("134567890123456789"), &answered);
        assert_eq!(subject.foreign(), None);
        for other in ["13456789012345678", "13456789012345678x", "722317683772"] {
            let mut subject = Subject::default();
            subject.code_or_dynamic("code", &Personal::new(other), &answered);
            assert_eq!(subject.foreign(), Some("code"), "{other}");
        }
    }
}
