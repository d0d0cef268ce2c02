//! Documented limits as checks that report every violation with its field path.

use serde_json::Value;

use crate::characters::{Characters, Text, visit_texts};
use crate::extra::Extra;
use crate::limits::Limits;
use crate::operation::Family;
use crate::params::has_dot_segment;
use crate::sensitive::Sensitive;
use crate::violation::{LengthUnit, Reason, Violation};

/// A type whose documented limits can be checked.
pub trait Check {
    /// Reports every violation to `checker`.
    fn check(&self, checker: &mut Checker);
}

/// Implemented by the open enumerations.
pub(crate) trait Enumeration: AsRef<str> {
    fn is_known(&self) -> bool;
    fn text(&self) -> &str;
    fn known() -> Vec<&'static str>;
}

/// Collects violations while it walks a message.
#[derive(Debug)]
pub struct Checker {
    path: String,
    strict: bool,
    characters: Option<Characters>,
    private: Option<Vec<String>>,
    violations: Vec<Violation>,
}

impl Checker {
    /// Lets values pass that an enumeration does not know.
    pub fn open() -> Self {
        Self {
            path: String::new(),
            strict: false,
            characters: None,
            private: None,
            violations: Vec::new(),
        }
    }

    /// Checks what is about to be sent: as [`Checker::open`], and refuses characters that WeChat does
    /// not take.
    pub fn sending(family: Family) -> Self {
        Self {
            characters: Some(Characters::of(family)),
            ..Self::open()
        }
    }

    /// Collects the values that are personal data or credentials, and those of members that the
    /// catalogue does not know.
    pub fn collecting() -> Self {
        Self {
            private: Some(Vec::new()),
            ..Self::open()
        }
    }

    /// Refuses values that an enumeration does not know.
    pub fn strict() -> Self {
        Self {
            strict: true,
            ..Self::open()
        }
    }

    /// Returns what was found.
    pub fn finish(self) -> Vec<Violation> {
        self.violations
    }

    /// Returns what was collected.
    pub fn into_private(self) -> Vec<String> {
        self.private.unwrap_or_default()
    }

    /// Reports a violation of the field `name` at the present place.
    pub fn report(&mut self, name: &str, reason: Reason) {
        let field = if self.path.is_empty() || name.is_empty() {
            format!("{}{name}", self.path)
        } else {
            format!("{}.{name}", self.path)
        };
        self.violations.push(Violation { field, reason });
    }

    /// Reports a violation of a field unless one of it was reported already.
    pub(crate) fn report_once(&mut self, field: &str, reason: Reason) {
        if !self.violations.iter().any(|known| known.field == field) {
            self.report(field, reason);
        }
    }

    /// Checks a path parameter.
    #[expect(private_bounds, reason = "the texts of messages are a closed set")]
    pub fn path<T: Text>(&mut self, name: &str, value: &T, limits: &Limits) {
        if value.as_ref().is_empty() {
            self.report(name, Reason::Required);
        } else if has_dot_segment(value.as_ref()) {
            self.report(name, Reason::DotSegment);
        } else {
            self.check_text(name, value, limits);
        }
    }

    /// Checks a text.
    #[expect(private_bounds, reason = "the texts of messages are a closed set")]
    pub fn text<T: Text>(&mut self, name: &str, value: &Option<T>, limits: &Limits) {
        match value {
            Some(value) if limits.required && value.as_ref().is_empty() => {
                self.report(name, Reason::Required);
            }
            Some(value) => self.check_text(name, value, limits),
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of texts; length and form apply to each entry.
    #[expect(private_bounds, reason = "the texts of messages are a closed set")]
    pub fn texts<T: Text>(&mut self, name: &str, value: &Option<Vec<T>>, limits: &Limits) {
        if let Some(items) = self.items(name, value, limits) {
            for (index, item) in items.iter().enumerate() {
                self.check_text(&format!("{name}[{index}]"), item, limits);
            }
        }
    }

    /// Checks an integer.
    pub fn integer(&mut self, name: &str, value: &Option<i64>, limits: &Limits) {
        match value {
            Some(value) if *value < limits.min => {
                self.report(name, Reason::TooSmall { limit: limits.min });
            }
            Some(value) if *value > limits.max => {
                self.report(name, Reason::TooLarge { limit: limits.max });
            }
            Some(_) => {}
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of integers.
    pub fn integers(&mut self, name: &str, value: &Option<Vec<i64>>, limits: &Limits) {
        let _ = self.items(name, value, limits);
    }

    /// Checks that a field without further limits is present.
    pub fn present<T>(&mut self, name: &str, value: &Option<T>, limits: &Limits) {
        if value.is_none() {
            self.absent(name, limits);
        }
    }

    /// Checks a sensitive text: 214 bytes in clear are what a 2048-bit key can encrypt; the
    /// documented length counts ciphertext.
    pub fn sensitive(&mut self, name: &str, value: &Option<Sensitive>, limits: &Limits) {
        match value {
            Some(value) if limits.required && value.expose().is_empty() => {
                self.report(name, Reason::Required);
            }
            Some(value) => self.check_sensitive(name, value, limits),
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of sensitive texts.
    pub fn sensitives(&mut self, name: &str, value: &Option<Vec<Sensitive>>, limits: &Limits) {
        if let Some(items) = self.items(name, value, limits) {
            for (index, item) in items.iter().enumerate() {
                self.check_sensitive(&format!("{name}[{index}]"), item, limits);
            }
        }
    }

    /// Checks the value of an enumeration.
    #[expect(private_bounds, reason = "only the generated enumerations are checked")]
    pub fn enumeration<E: Enumeration>(&mut self, name: &str, value: &Option<E>, limits: &Limits) {
        match value {
            Some(value) if limits.or_number && is_whole_number(value.as_ref()) => {}
            Some(value) => self.check_known(name, value),
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of values of an enumeration.
    #[expect(private_bounds, reason = "only the generated enumerations are checked")]
    pub fn enumerations<E: Enumeration>(
        &mut self,
        name: &str,
        value: &Option<Vec<E>>,
        limits: &Limits,
    ) {
        if let Some(items) = self.items(name, value, limits) {
            for (index, item) in items.iter().enumerate() {
                self.check_known(&format!("{name}[{index}]"), item);
            }
        }
    }

    /// Checks a nested message.
    pub fn object<T: Check>(&mut self, name: &str, value: &Option<T>, limits: &Limits) {
        match value {
            Some(value) => self.within(name, |checker| value.check(checker)),
            None => self.absent(name, limits),
        }
    }

    /// Checks a list of messages.
    pub fn objects<T: Check>(&mut self, name: &str, value: &Option<Vec<T>>, limits: &Limits) {
        if let Some(items) = self.items(name, value, limits) {
            for (index, item) in items.iter().enumerate() {
                self.within(&format!("{name}[{index}]"), |checker| item.check(checker));
            }
        }
    }

    /// Checks members that the catalogue does not know: their characters, wherever in them.
    pub fn extra(&mut self, extra: &Extra) {
        if extra.is_empty() || (self.characters.is_none() && self.private.is_none()) {
            return;
        }
        for (name, json) in extra.iter() {
            self.check_characters(name, name);
            // What is no JSON cannot be in there.
            let value = serde_json::from_str(json.get()).unwrap_or(Value::Null);
            visit_texts(name, &value, &mut |path, text| {
                self.check_characters(path, text);
                self.collect(true, text);
            });
        }
    }

    /// Runs `check` one level deeper.
    pub fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        check(self);
        self.path.truncate(length);
    }

    fn absent(&mut self, name: &str, limits: &Limits) {
        if limits.required {
            self.report(name, Reason::Required);
        }
    }

    fn items<'v, T>(
        &mut self,
        name: &str,
        value: &'v Option<Vec<T>>,
        limits: &Limits,
    ) -> Option<&'v [T]> {
        let Some(items) = value else {
            self.absent(name, limits);
            return None;
        };
        let actual = items.len();
        // A list may be present and empty; a documented minimum is a limit of its own.
        if actual < limits.min_items {
            self.report(
                name,
                Reason::TooFewItems {
                    limit: limits.min_items,
                    actual,
                },
            );
        } else if actual > limits.max_items {
            self.report(
                name,
                Reason::TooManyItems {
                    limit: limits.max_items,
                    actual,
                },
            );
        }
        Some(items)
    }

    fn check_characters(&mut self, name: &str, text: &str) {
        if let Some(refused) = self.characters.and_then(|taken| taken.refused(text)) {
            self.report(name, Reason::Character(refused));
        }
    }

    fn collect(&mut self, is_private: bool, text: &str) {
        if let Some(private) = &mut self.private
            && is_private
        {
            private.push(text.to_owned());
        }
    }

    fn check_text<T: Text>(&mut self, name: &str, text: &T, limits: &Limits) {
        let text = text.as_ref();
        self.check_characters(name, text);
        self.collect(T::PRIVATE, text);
        let characters = text.chars().count();
        let actual = match limits.unit {
            LengthUnit::Characters => characters,
            LengthUnit::Bytes => text.len(),
        };
        if actual > limits.max_len {
            self.report(
                name,
                Reason::TooLong {
                    limit: limits.max_len,
                    actual,
                    unit: limits.unit,
                },
            );
        }
        if characters < limits.min_len {
            self.report(
                name,
                Reason::TooShort {
                    limit: limits.min_len,
                    actual: characters,
                },
            );
        }
        if let Some(pattern) = limits.pattern
            && !text.is_empty()
            && !pattern.matches(text)
        {
            self.report(name, Reason::Form(pattern));
        }
        if self.strict && !limits.values.is_empty() && !limits.values.contains(&text) {
            self.report(
                name,
                Reason::UnknownValue {
                    known: limits.values.to_vec(),
                },
            );
        }
    }

    /// What WeChat takes is a rule of its JSON, and ciphertext keeps it: a name with a rare character
    /// is for WeChat to judge. U+0000 is no character of any text.
    fn check_sensitive(&mut self, name: &str, value: &Sensitive, limits: &Limits) {
        if self.characters.is_some() && value.expose().contains('\0') {
            self.report(name, Reason::Character('\0'));
        }
        self.collect(value.is_plain(), value.expose());
        let (actual, limit) = match value {
            Sensitive::Plain(text) => (text.len(), 214),
            Sensitive::Encrypted(text) => (text.len(), limits.max_len),
        };
        if actual > limit {
            self.report(
                name,
                Reason::TooLong {
                    limit,
                    actual,
                    unit: LengthUnit::Bytes,
                },
            );
        }
    }

    fn check_known<E: Enumeration>(&mut self, name: &str, value: &E) {
        if !value.is_known() {
            self.check_characters(name, value.text());
        }
        if self.strict && !value.is_known() {
            self.report(name, Reason::UnknownValue { known: E::known() });
        }
    }
}

fn is_whole_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Personal;

    #[test]
    fn lengths_count_characters_unless_the_catalogue_says_bytes() {
        let mut checker = Checker::open();
        let title = Some("茶港会员卡茶港会员卡".to_owned());
        checker.text("title", &title, &Limits::REQUIRED.chars(10));
        checker.text("notice", &title, &Limits::OPTIONAL.bytes(27));
        let found = checker.finish();
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].to_string(),
            "notice has 30 UTF-8 bytes, at most 27 are allowed"
        );
    }

    #[test]
    fn every_violation_is_reported_with_its_path() {
        let mut checker = Checker::strict();
        checker.within("form", |checker| {
            checker.texts(
                "values",
                &Some(vec!["ok", "far too long"]),
                &Limits::OPTIONAL.chars(8).max_items(1),
            );
            checker.present("type", &None::<i64>, &Limits::REQUIRED);
        });
        let fields: Vec<_> = checker.finish().into_iter().map(|v| v.field).collect();
        assert_eq!(fields, ["form.values", "form.values[1]", "form.type"]);
    }

    #[test]
    fn characters_are_refused_wherever_they_stand() {
        let mut extra = Extra::default();
        let json = r#"{"list":["ok",{"name":"\ud83d\ude00","b\u0000":1}]}"#;
        extra.insert_json("new_member", json.to_owned()).unwrap();
        let mut checker = Checker::sending(Family::Merchant);
        checker.path("code", &Personal::new("a\0"), &Limits::REQUIRED);
        checker.within("form", |checker| {
            checker.text("title", &Some("金卡😀"), &Limits::OPTIONAL);
            checker.texts("values", &Some(vec!["ok", "𠮷"]), &Limits::OPTIONAL);
            checker.sensitive("name", &Some(Sensitive::plain("𠮷")), &Limits::OPTIONAL);
            checker.sensitive("city", &Some(Sensitive::plain("\0")), &Limits::OPTIONAL);
            checker.extra(&extra);
        });
        let found: Vec<_> = checker.finish().iter().map(ToString::to_string).collect();
        let told = |field: &str, number: &str| {
            format!("{field} holds {number}, a character that WeChat does not take")
        };
        assert_eq!(
            found,
            [
                told("code", "U+0000"),
                told("form.title", "U+1F600"),
                told("form.values[1]", "U+20BB7"),
                told("form.city", "U+0000"),
                told("form.new_member.list[1].b\0", "U+0000"),
                told("form.new_member.list[1].name", "U+1F600"),
            ]
        );
    }

    #[test]
    fn what_is_received_may_hold_any_character() {
        for mut checker in [Checker::open(), Checker::strict()] {
            checker.text("title", &Some("😀\0"), &Limits::OPTIONAL);
            assert_eq!(checker.finish(), []);
        }
        let mut checker = Checker::sending(Family::OfficialAccount);
        checker.text("title", &Some("😀"), &Limits::OPTIONAL);
        assert_eq!(checker.finish(), []);
    }

    #[test]
    fn personal_data_credentials_and_the_unknown_are_collected() {
        let mut extra = Extra::default();
        extra
            .insert_json("new_member", r#"["secret", 138]"#.to_owned())
            .unwrap();
        let mut checker = Checker::collecting();
        checker.path("card_id", &"p1".to_owned(), &Limits::REQUIRED);
        checker.path("code", &Personal::new("c1"), &Limits::REQUIRED);
        checker.within("form", |checker| {
            checker.text("name", &Some(Personal::new("林间")), &Limits::OPTIONAL);
            checker.sensitive("city", &Some(Sensitive::plain("广东")), &Limits::OPTIONAL);
            checker.sensitive("email", &Some(Sensitive::encrypted("x")), &Limits::OPTIONAL);
            checker.extra(&extra);
        });
        assert_eq!(
            checker.into_private(),
            ["c1", "林间", "广东", "secret", "138"]
        );
    }
}
