//! What is kept of a message is the message, whatever it holds.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kabao_models::{
    Kind, List, Record, Sensitive, Shape, Slot, Value, archive, brand, merchant, official_account,
    operations,
};
use proptest::prelude::*;

/// So many ways of filling are tried, until every field was absent and of each kind of value.
const TURNS: usize = 15;

/// Fills messages with everything that fields can hold, the less likely things too.
#[derive(Default)]
struct Filler {
    turn: usize,
    /// The kinds of values that were seen.
    seen: BTreeSet<&'static str>,
    /// Each field of each message: how often it was absent, and how often filled.
    fields: BTreeMap<(&'static str, &'static str), (usize, usize)>,
}

impl Filler {
    fn fill(&mut self, record: &mut dyn Record) {
        let shape = record.shape();
        for (index, field) in shape.fields.iter().enumerate() {
            let slot = record.slot(index).unwrap();
            let (absent, filled) = self.fields.entry((shape.name, field.name)).or_default();
            let visit = *absent + *filled + index;
            let step = self.turn + visit;
            if visit.is_multiple_of(5) {
                *absent += 1;
                slot.clear();
                continue;
            }
            *filled += 1;
            if field.is_list {
                let list = slot.list().unwrap();
                self.list(field.kind, step, list);
            } else {
                self.single(field.kind, step, slot);
            }
        }
        let odd = [
            (
                "moon",
                r#"{"phase": "下弦",  "share":1.50e400, "big":18446744073709551616}"#,
            ),
            ("", "null"),
            ("extra:moon", "[ ]"),
            ("path:code", r#""\u0000\ud83c\udfb4""#),
        ];
        for (name, json) in odd.into_iter().skip(self.turn % 5) {
            record
                .extra_mut()
                .insert_json(name, json.to_owned())
                .unwrap();
        }
        // What a tolerant reader keeps of a known member.
        let shadowed = shape.fields.get(self.turn % 7);
        if let Some(field) = shadowed.filter(|_| self.turn.is_multiple_of(2)) {
            let json = "12.50".to_owned();
            record.extra_mut().insert_json(field.name, json).unwrap();
            self.seen.insert("shadowed");
        }
    }

    fn list(&mut self, kind: Kind, step: usize, list: &mut dyn List) {
        if step.is_multiple_of(3) {
            self.seen.insert("empty list");
        }
        for entry in 0..step % 3 {
            match kind {
                Kind::Object(_) => self.fill(list.push_object().unwrap()),
                _ => assert!(list.push(self.value(kind, step + entry))),
            }
        }
    }

    fn single(&mut self, kind: Kind, step: usize, slot: &mut dyn Slot) {
        match kind {
            Kind::Object(_) => self.fill(slot.object().unwrap()),
            _ => assert!(slot.set(self.value(kind, step))),
        }
    }

    fn value(&mut self, kind: Kind, step: usize) -> Value<'static> {
        let texts = [
            "",
            "林间",
            "a\"b\\\n\u{0}\u{1f}\u{7f}",
            "🎴",
            "null",
            "{}",
            "plain:x",
        ];
        let text = texts.iter().cycle().nth(step).unwrap();
        let (seen, value) = match kind {
            Kind::Text | Kind::Personal | Kind::Secret => ("text", Value::Text((*text).into())),
            Kind::Sensitive if step.is_multiple_of(2) => {
                ("plain", Value::Sensitive(Sensitive::plain(*text)))
            }
            Kind::Sensitive => ("encrypted", Value::Sensitive(Sensitive::encrypted(*text))),
            Kind::Integer => {
                let numbers = [0, -1, i64::MIN, i64::MAX, 9_007_199_254_740_993];
                let number = numbers.iter().cycle().nth(step).unwrap();
                ("integer", Value::Integer(*number))
            }
            Kind::Boolean => ("boolean", Value::Boolean(step.is_multiple_of(2))),
            Kind::Bytes => {
                let content: Vec<u8> = (0..=255).cycle().take(step * 37).collect();
                ("bytes", Value::Bytes(Bytes::from(content)))
            }
            Kind::Word(words) => match words.texts().nth(step % (words.values.len() + 1)) {
                Some(known) => ("known word", Value::Text(known.into())),
                None => ("unknown word", Value::Text("FROZEN_BY_MOON".into())),
            },
            Kind::Object(shape) => panic!("{} is an object", shape.name),
        };
        self.seen.insert(seen);
        value
    }
}

/// Hands every message of the catalogue that stands for itself, filled, and an empty one of its kind.
fn each_message(
    turns: usize,
    mut act: impl FnMut(&str, &mut dyn Record, &mut dyn Record),
) -> Filler {
    let mut filler = Filler::default();
    for turn in 0..turns {
        filler.turn = turn;
        for operation in operations() {
            let (mut request, mut answer) = (operation.new_request(), operation.new_answer());
            filler.fill(&mut *request);
            act(operation.id, &mut *request, &mut *operation.new_request());
            filler.fill(&mut *answer);
            act(operation.id, &mut *answer, &mut *operation.new_answer());
        }
        macro_rules! notifications {
            ($($family:ident),*) => {$(
                for known in $family::notifications::NOTIFICATIONS {
                    let event = known.event_type;
                    let mut filled = $family::Notification::parse(event, b"{}").unwrap().unwrap();
                    filler.fill(filled.payload_mut());
                    let mut empty = $family::Notification::parse(event, b"{}").unwrap().unwrap();
                    act(event, filled.payload_mut(), empty.payload_mut());
                }
            )*};
        }
        notifications!(merchant, brand, official_account);
    }
    filler
}

#[test]
fn every_message_is_read_as_it_was_written() {
    let mut messages = 0;
    let filler = each_message(TURNS, |id, filled, empty| {
        messages += 1;
        let bytes = archive::write(filled);
        archive::read(empty, &bytes).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert!(empty.is_same(filled), "{id}: {empty:?} is not {filled:?}");
        assert_eq!(archive::write(empty), bytes, "{id}");
    });
    assert_eq!(messages, TURNS * (2 * operations().count() + 29));
    assert!(
        filler.fields.len() > 1_000,
        "only {} fields",
        filler.fields.len()
    );
    for (field, (absent, filled)) in filler.fields {
        assert!(absent > 0 && filled > 0, "{field:?}: {absent}, {filled}");
    }
    let seen: Vec<_> = filler.seen.into_iter().collect();
    let expected = [
        "boolean",
        "bytes",
        "empty list",
        "encrypted",
        "integer",
        "known word",
        "plain",
        "shadowed",
        "text",
        "unknown word",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn requests_and_answers_are_found_by_the_id_of_their_operation() {
    for operation in operations() {
        let mut filler = Filler::default();
        let (mut request, mut answer) = (operation.new_request(), operation.new_answer());
        filler.fill(&mut *request);
        filler.fill(&mut *answer);
        let again = archive::read_request(operation.id, &archive::write(&*request)).unwrap();
        assert_eq!(again.operation().id, operation.id);
        let (one, other): (&dyn Record, &dyn Record) = (&*request, &*again);
        assert!(one.is_same(other), "{}", operation.id);
        let again = archive::read_answer(operation.id, &archive::write(&*answer)).unwrap();
        let (one, other): (&dyn Record, &dyn Record) = (&*answer, &*again);
        assert!(one.is_same(other), "{}", operation.id);
    }
    let error = archive::read_request("merchant.moons.get", b"{}")
        .err()
        .unwrap();
    let text = "the archive is of an operation that is not known";
    assert_eq!(error.to_string(), text);
    assert!(archive::read_answer("", b"{}").is_err());
}

#[test]
fn no_two_fields_of_a_message_have_one_name_in_an_archive() {
    fn check(shape: &'static Shape, seen: &mut BTreeSet<&'static str>) {
        let mut names = BTreeSet::new();
        for field in shape.fields {
            assert!(!field.name.contains(':'), "{}.{}", shape.name, field.name);
            let is_new = names.insert((format!("{:?}", field.place), field.name));
            assert!(is_new, "{}.{} twice", shape.name, field.name);
            if let Kind::Object(inner) = field.kind {
                check(inner, seen);
            }
        }
        seen.insert(shape.name);
    }
    let mut seen = BTreeSet::new();
    for operation in operations() {
        check(operation.request, &mut seen);
        check(operation.answer, &mut seen);
    }
    assert!(seen.len() > 200, "only {} messages", seen.len());
}

#[test]
fn half_an_archive_is_an_error() {
    let mut cuts = 0;
    each_message(1, |id, filled, empty| {
        let bytes = archive::write(filled);
        for cut in (0..bytes.len()).step_by(1 + bytes.len() / 16) {
            let error = archive::read(empty, &bytes[..cut]).unwrap_err();
            assert!(
                error.to_string().contains("not one whole JSON"),
                "{id}: {error}"
            );
            cuts += 1;
        }
    });
    assert!(cuts > 1_000, "only {cuts}");
}

#[test]
fn what_is_not_known_is_an_error_that_shows_no_value() {
    let rows = [
        r#"{"path:code":13800000417}"#,
        r#"{"path:code":null}"#,
        r#"{"code":"13800000417"}"#,
        r#"{"query:code":"13800000417"}"#,
        r#"{"moon":"13800000417"}"#,
        r#"{"path:13800000417":1}"#,
        r#"{"extra:moon":"{13800000417"}"#,
        r#"{"extra:moon":13800000417}"#,
        r#"{"level":["13800000417"]}"#,
        r#"["13800000417"]"#,
        r#""13800000417""#,
    ];
    for text in rows {
        let read = archive::read_request("merchant.user_cards.update", text.as_bytes());
        let error = read.err().unwrap_or_else(|| panic!("{text}"));
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("does not fit"), "{text}: {shown}");
        assert!(!shown.contains("13800000417"), "{text}: {shown}");
    }
}

#[test]
fn an_archive_of_the_first_version_is_still_read() {
    let text = concat!(
        r#"{"path:card_id":"p1","path:code":"478515832665","level":"","out_request_no":"n-1","#,
        r#""balance_information":{"balance":-9007199254740993,"extra:moon":"[ 1.50 ]"},"#,
        r#""need_inform_level":false,"extra:level":"null"}"#,
    );
    let mut update = merchant::user_cards::UpdateUserCard::new("p1", "478515832665", "n-1");
    update.level = Some(String::new());
    update.need_inform_level = Some(false);
    let mut change = merchant::user_cards::BalanceChange {
        balance: Some(-9_007_199_254_740_993),
        ..Default::default()
    };
    change
        .extra
        .insert_json("moon", "[ 1.50 ]".to_owned())
        .unwrap();
    update.balance_information = Some(change);
    update
        .extra
        .insert_json("level", "null".to_owned())
        .unwrap();
    assert_golden("merchant.user_cards.update", text, &update);

    for (state, number) in [
        ("plain", Sensitive::plain("13800000417")),
        ("encrypted", Sensitive::encrypted("13800000417")),
    ] {
        let text = format!(r#"{{"encrypted_phone_number":{{"{state}":"13800000417"}}}}"#);
        let import = merchant::phone_members::ImportPhoneMember {
            encrypted_phone_number: Some(number),
            ..Default::default()
        };
        assert_golden("merchant.phone_members.import", &text, &import);
    }

    let text = r#"{"part:media":"iVBORw==","filename:filename":"a.png"}"#;
    let upload = official_account::media::UploadImage {
        filename: Some("a.png".to_owned()),
        media: Some(Bytes::from_static(b"\x89PNG")),
        ..Default::default()
    };
    assert_golden("official_account.media.upload_image", text, &upload);
}

fn assert_golden(id: &str, text: &str, expected: &dyn Record) {
    let read = archive::read_request(id, text.as_bytes()).unwrap();
    let read: &dyn Record = &*read;
    assert!(read.is_same(expected), "{id}: {read:?}");
    assert_eq!(String::from_utf8(archive::write(expected)).unwrap(), text);
}

proptest! {
    #[test]
    fn garbage_is_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let is_object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes).is_ok();
        let read = archive::read_request("merchant.cards.create", &bytes);
        prop_assert!(read.is_err() || is_object);
    }

    #[test]
    fn a_changed_byte_never_panics(turn in 0..TURNS, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for id in ["merchant.cards.create", "brand.user_cards.get", "official_account.card.create"] {
            let operation = kabao_models::Operation::find(id).unwrap();
            let mut request = operation.new_request();
            Filler { turn, ..Filler::default() }.fill(&mut *request);
            let mut bytes = archive::write(&*request);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            // What can be read is a message, which can be written.
            if let Ok(read) = archive::read_request(id, &bytes) {
                let written = archive::write(&*read);
                let again = archive::read_request(id, &written).unwrap();
                let (one, other): (&dyn Record, &dyn Record) = (&*read, &*again);
                prop_assert!(one.is_same(other));
            }
        }
    }
}
