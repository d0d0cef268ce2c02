//! Documented limits as checks that report every violation with its field path.

use serde_json::Value;

use crate::characters::{Characters, visit_texts};
use crate::extra::Extra;
use crate::family::Family;
use crate::limits::Limits;
use crate::params::has_dot_segment;
use crate::record::{Field, Kind, List, Place, Record, Ref, Words};
use crate::sensitive::Sensitive;
use crate::upload::{Upload, UploadedFile};
use crate::violation::{Breach, LengthUnit, Violation};

/// Collects violations while it walks a message.
#[derive(Debug)]
pub(crate) struct Checker {
    path: String,
    strict: bool,
    characters: Option<Characters>,
    private: Option<Vec<String>>,
    violations: Vec<Violation>,
}

impl Checker {
    /// Lets values pass that an enumeration does not know.
    pub(crate) fn open() -> Self {
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
    pub(crate) fn sending(family: Family) -> Self {
        Self {
            characters: Some(Characters::of(family)),
            ..Self::open()
        }
    }

    /// Collects the values that are personal data or credentials, and those of members that the
    /// catalogue does not know.
    pub(crate) fn collecting() -> Self {
        Self {
            private: Some(Vec::new()),
            ..Self::open()
        }
    }

    /// Refuses values that an enumeration does not know.
    pub(crate) fn strict() -> Self {
        Self {
            strict: true,
            ..Self::open()
        }
    }

    /// Returns what was found.
    pub(crate) fn finish(self) -> Vec<Violation> {
        self.violations
    }

    /// Returns what was collected.
    pub(crate) fn into_private(self) -> Vec<String> {
        self.private.unwrap_or_default()
    }

    /// Reports a violation of the field `name` at the present place.
    fn report(&mut self, name: &str, breach: Breach) {
        let field = if self.path.is_empty() || name.is_empty() {
            format!("{}{name}", self.path)
        } else {
            format!("{}.{name}", self.path)
        };
        self.violations.push(Violation { field, breach });
    }

    /// Reports a violation of a field unless one of it was reported already.
    fn report_once(&mut self, field: &str, breach: Breach) {
        if !self.violations.iter().any(|known| known.field == field) {
            self.report(field, breach);
        }
    }

    /// Checks a message and everything inside it.
    pub(crate) fn check(&mut self, record: &dyn Record) {
        let fields = record.shape().fields;
        let mut next = 0;
        record.each(&mut |index, value| {
            self.check_absent(fields.get(next..index).unwrap_or_default());
            next = index + 1;
            if let Some(field) = fields.get(index) {
                self.check_field(field, value);
            }
        });
        self.check_absent(fields.get(next..).unwrap_or_default());
        self.check_extra(record.extra());
    }

    /// Checks the file of an upload.
    pub(crate) fn check_file(&mut self, limits: &Upload, file: &UploadedFile<'_>) {
        if let Some(reason) = limits.check_name(file.name) {
            self.report_once(file.name_field, reason);
        }
        if let Some(reason) = limits.check_content(file.name, file.content) {
            self.report_once(file.content_field, reason);
        }
    }

    fn check_absent(&mut self, fields: &[Field]) {
        for field in fields.iter().filter(|field| field.limits.required) {
            self.report(field.name, Breach::Required);
        }
    }

    fn check_field(&mut self, field: &Field, value: Ref<'_>) {
        let (name, limits) = (field.name, &field.limits);
        match value {
            Ref::Text("") if limits.required => self.report(name, Breach::Required),
            Ref::Sensitive(value) if limits.required && value.expose().is_empty() => {
                self.report(name, Breach::Required);
            }
            Ref::Text(text) if field.place == Place::Path && has_dot_segment(text) => {
                self.report(name, Breach::DotSegment);
            }
            Ref::Integer(_) if field.place == Place::Path => {}
            Ref::Integer(number) if number < limits.min => {
                self.report(name, Breach::TooSmall { limit: limits.min });
            }
            Ref::Integer(number) if number > limits.max => {
                self.report(name, Breach::TooLarge { limit: limits.max });
            }
            Ref::Word { text, .. } if field.is_either && is_whole_number(text) => {}
            Ref::List(list) => self.check_list(field, list),
            value => self.check_value(name, field, value),
        }
    }

    /// Checks a list; length and form apply to each entry.
    fn check_list(&mut self, field: &Field, list: &dyn List) {
        let (limits, actual) = (&field.limits, list.len());
        // A list may be present and empty; a documented minimum is a limit of its own.
        if actual < limits.min_items {
            let limit = limits.min_items;
            self.report(field.name, Breach::TooFewItems { limit, actual });
        } else if actual > limits.max_items {
            let limit = limits.max_items;
            self.report(field.name, Breach::TooManyItems { limit, actual });
        }
        if matches!(field.kind, Kind::Integer | Kind::Boolean | Kind::Bytes) {
            return;
        }
        for index in 0..actual {
            let name = format!("{}[{index}]", field.name);
            self.check_value(&name, field, list.get(index));
        }
    }

    /// Checks a value that is there.
    fn check_value(&mut self, name: &str, field: &Field, value: Ref<'_>) {
        match value {
            Ref::Text(text) => {
                let is_private = matches!(field.kind, Kind::Personal | Kind::Secret);
                self.check_text(name, text, is_private, &field.limits);
            }
            Ref::Sensitive(value) => self.check_sensitive(name, value, &field.limits),
            Ref::Word { text, number: 0 } => self.check_unknown(name, text, field.kind),
            Ref::Object(record) => self.within(name, |checker| checker.check(record)),
            _ => {}
        }
    }

    /// Checks members that the catalogue does not know: their characters, wherever in them.
    fn check_extra(&mut self, extra: &Extra) {
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
    fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        check(self);
        self.path.truncate(length);
    }

    fn check_characters(&mut self, name: &str, text: &str) {
        if let Some(refused) = self.characters.and_then(|taken| taken.refused(text)) {
            self.report(name, Breach::Character(refused));
        }
    }

    fn collect(&mut self, is_private: bool, text: &str) {
        if let Some(private) = &mut self.private
            && is_private
        {
            private.push(text.to_owned());
        }
    }

    fn check_text(&mut self, name: &str, text: &str, is_private: bool, limits: &Limits) {
        self.check_characters(name, text);
        self.collect(is_private, text);
        let characters = text.chars().count();
        let actual = match limits.unit {
            LengthUnit::Characters => characters,
            LengthUnit::Bytes => text.len(),
        };
        if actual > limits.max_len {
            self.report(
                name,
                Breach::TooLong {
                    limit: limits.max_len,
                    actual,
                    unit: limits.unit,
                },
            );
        }
        if characters < limits.min_len {
            self.report(
                name,
                Breach::TooShort {
                    limit: limits.min_len,
                    actual: characters,
                },
            );
        }
        if let Some(pattern) = limits.pattern
            && !text.is_empty()
            && !pattern.matches(text)
        {
            self.report(name, Breach::Form(pattern));
        }
        if self.strict && !limits.values.is_empty() && !limits.values.contains(&text) {
            self.report(
                name,
                Breach::UnknownValue {
                    known: limits.values.to_vec(),
                },
            );
        }
    }

    /// What WeChat takes is a rule of its JSON, and ciphertext keeps it: a name with a rare character
    /// is for WeChat to judge. U+0000 is no character of any text.
    fn check_sensitive(&mut self, name: &str, value: &Sensitive, limits: &Limits) {
        if self.characters.is_some() && value.expose().contains('\0') {
            self.report(name, Breach::Character('\0'));
        }
        self.collect(value.is_plain(), value.expose());
        let (actual, limit) = match value {
            Sensitive::Plain(text) => (text.len(), 214),
            Sensitive::Encrypted(text) => (text.len(), limits.max_len),
        };
        if actual > limit {
            self.report(
                name,
                Breach::TooLong {
                    limit,
                    actual,
                    unit: LengthUnit::Bytes,
                },
            );
        }
    }

    /// Checks a value that its enumeration does not know.
    fn check_unknown(&mut self, name: &str, text: &str, kind: Kind) {
        self.check_characters(name, text);
        if self.strict
            && let Kind::Word(words) = kind
        {
            let known = Words::texts(words).collect();
            self.report(name, Breach::UnknownValue { known });
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

    /// A form.
    #[kabao_derive::message(both)]
    pub struct Form {
        /// A title, its length in characters.
        #[field(1, chars = 10)]
        pub title: Option<String>,
        /// A notice, its length in bytes.
        #[field(2, bytes = 27)]
        pub notice: Option<String>,
        /// Values.
        #[field(3, chars = 8, max_items = 1)]
        pub values: Option<Vec<String>>,
        /// A name that is personal data.
        #[field(4)]
        pub name: Option<Personal>,
        /// A name that travels encrypted.
        #[field(5)]
        pub city: Option<Sensitive>,
        /// A count.
        #[field(6, min = 1, max = 5)]
        pub count: Option<i64>,
    }

    /// A request.
    #[kabao_derive::message(request)]
    pub struct Sent {
        /// A card.
        #[field(1, path)]
        pub card_id: String,
        /// A code.
        #[field(2, path)]
        pub code: Personal,
        /// A kind.
        #[field(3, required)]
        pub r#type: Option<i64>,
        /// A form.
        #[field(4)]
        pub form: Option<Form>,
    }

    fn sent(code: &str, form: Form) -> Sent {
        Sent {
            card_id: "p1".to_owned(),
            code: code.into(),
            r#type: Some(1),
            form: Some(form),
            ..Default::default()
        }
    }

    fn found(mut checker: Checker, message: &dyn Record) -> Vec<String> {
        checker.check(message);
        checker.finish().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lengths_count_characters_unless_the_catalogue_says_bytes() {
        let title = Some("茶港会员卡茶港会员卡".to_owned());
        let form = Form {
            title: title.clone(),
            notice: title,
            ..Default::default()
        };
        assert_eq!(
            found(Checker::open(), &form),
            ["notice has 30 UTF-8 bytes, at most 27 are allowed"]
        );
    }

    #[test]
    fn every_violation_is_reported_with_its_path() {
        let form = Form {
            values: Some(vec!["ok".to_owned(), "far too long".to_owned()]),
            count: Some(6),
            ..Default::default()
        };
        let message = Sent {
            r#type: None,
            ..sent("..", form)
        };
        let mut checker = Checker::strict();
        checker.check(&message);
        let fields: Vec<_> = checker.finish().into_iter().map(|v| v.field).collect();
        assert_eq!(
            fields,
            [
                "code",
                "type",
                "form.values",
                "form.values[1]",
                "form.count"
            ]
        );
    }

    #[test]
    fn characters_are_refused_wherever_they_stand() {
        let mut extra = Extra::default();
        let json = r#"{"list":["ok",{"name":"\ud83d\ude00","b\u0000":1}]}"#;
        extra.insert_json("new_member", json.to_owned()).unwrap();
        let form = Form {
            title: Some("金卡😀".to_owned()),
            values: Some(vec!["𠮷".to_owned()]),
            city: Some(Sensitive::plain("𠮷\0")),
            extra,
            ..Default::default()
        };
        let told = |field: &str, number: &str| {
            format!("{field} holds {number}, a character that WeChat does not take")
        };
        assert_eq!(
            found(Checker::sending(Family::Merchant), &sent("a\0", form)),
            [
                told("code", "U+0000"),
                told("form.title", "U+1F600"),
                told("form.values[0]", "U+20BB7"),
                told("form.city", "U+0000"),
                told("form.new_member.list[1].b\0", "U+0000"),
                told("form.new_member.list[1].name", "U+1F600"),
            ]
        );
    }

    #[test]
    fn what_is_received_may_hold_any_character() {
        let form = |title: &str| Form {
            title: Some(title.to_owned()),
            ..Default::default()
        };
        for checker in [Checker::open(), Checker::strict()] {
            assert_eq!(found(checker, &form("😀\0")), [""; 0]);
        }
        let checker = Checker::sending(Family::OfficialAccount);
        assert_eq!(found(checker, &form("😀")), [""; 0]);
    }

    #[test]
    fn personal_data_credentials_and_the_unknown_are_collected() {
        let mut extra = Extra::default();
        extra
            .insert_json("new_member", r#"["secret", 138]"#.to_owned())
            .unwrap();
        let form = |city| Form {
            title: Some("t".to_owned()),
            name: Some("林间".into()),
            city: Some(city),
            ..Default::default()
        };
        let mut checker = Checker::collecting();
        checker.check(&sent("c1", form(Sensitive::encrypted("x"))));
        checker.check(&Form {
            extra,
            ..form(Sensitive::plain("广东"))
        });
        assert_eq!(
            checker.into_private(),
            ["c1", "林间", "林间", "广东", "secret", "138"]
        );
    }
}
