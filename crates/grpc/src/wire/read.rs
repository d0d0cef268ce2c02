//! Bytes to models.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use kabao_api::{Error, FieldViolation};
use kabao_models::{Extra, Field, Kind, List, Record, Sensitive, Shape, Slot, Value, Words};
use prost::encoding::{
    DecodeContext, WireType, check_wire_type, decode_key, decode_varint, skip_field,
};

use super::{ACCOUNT, Besides, EXTRA};

/// The bytes are no message of the type.
#[derive(Debug)]
pub(crate) struct Malformed;

impl From<prost::DecodeError> for Malformed {
    fn from(_: prost::DecodeError) -> Self {
        Self
    }
}

impl From<Malformed> for tonic::Status {
    /// As tonic's own codec says it; the layers complete it.
    fn from(_: Malformed) -> Self {
        Self::internal("the bytes are no message of the method")
    }
}

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Self {
        Self::field_invalid([FieldViolation::new(
            "request",
            "is not a valid protobuf message of the method",
        )])
    }
}

/// Reads a message into an empty record; returns the field `account` and what the message cannot mean.
pub(super) fn read(
    record: &mut dyn Record,
    message: &[u8],
    besides: Besides,
) -> Result<(String, Vec<FieldViolation>), Malformed> {
    let mut reader = Reader::default();
    let whole = Piece {
        index: 0,
        content: Content::Message(message),
    };
    reader.message(record, &[whole], besides, At::default())?;
    Ok((reader.account, reader.violations))
}

/// The place of a message. It is put into words only for a violation.
#[derive(Clone, Copy, Default)]
struct At<'a> {
    outer: Option<&'a At<'a>>,
    name: &'static str,
    index: Option<usize>,
}

impl<'a> At<'a> {
    fn within(&'a self, name: &'static str, index: Option<usize>) -> Self {
        Self {
            outer: Some(self),
            name,
            index,
        }
    }

    fn path(&self, out: &mut String) {
        let Some(outer) = self.outer else { return };
        outer.path(out);
        out.push_str(self.name);
        if let Some(index) = self.index {
            out.push_str(&format!("[{index}]"));
        }
        out.push('.');
    }
}

/// An occurrence of a field that is understood only when its message has ended: the last number of an
/// enumeration counts, and messages of a single field are read as one.
#[derive(Clone, Copy)]
struct Piece<'b> {
    index: usize,
    content: Content<'b>,
}

#[derive(Clone, Copy)]
enum Content<'b> {
    Number(i32),
    Message(&'b [u8]),
}

#[derive(Default)]
struct Reader {
    account: String,
    violations: Vec<FieldViolation>,
}

impl Reader {
    /// Reads the pieces of one message, one after another.
    fn message(
        &mut self,
        record: &mut dyn Record,
        pieces: &[Piece<'_>],
        besides: Besides,
        at: At<'_>,
    ) -> Result<(), Malformed> {
        let shape = record.shape();
        let mut inner = Vec::new();
        let mut texts = BTreeMap::new();
        for piece in pieces {
            let Content::Message(mut rest) = piece.content else {
                continue;
            };
            // Fields come in the order of the table from whoever writes canonically.
            let mut next = 0;
            while !rest.is_empty() {
                let (tag, wire) = decode_key(&mut rest)?;
                if besides.extra && tag == EXTRA {
                    let (name, text) = entry(&mut rest)?;
                    texts.insert(name, text);
                } else if besides.account && tag == ACCOUNT {
                    self.account = text(wire, &mut rest)?.to_owned();
                } else if let Some((index, field)) = find(shape, tag, next) {
                    next = index;
                    take_field(record, (index, field), wire, &mut rest, &mut inner)?;
                } else {
                    skip_field(wire, tag, &mut rest, DecodeContext::default())?;
                }
            }
        }
        if inner.is_empty() && texts.is_empty() {
            return Ok(());
        }
        inner.sort_by_key(|piece| piece.index);
        let mut extra = self.extra(texts, at);
        self.inner(record, &inner, &mut extra, at)?;
        self.known_members(shape, &extra, at);
        *record.extra_mut() = extra;
        Ok(())
    }

    /// Reads what had to wait for the end of the message, in the order of the table.
    fn inner(
        &mut self,
        record: &mut dyn Record,
        mut pieces: &[Piece<'_>],
        extra: &mut Extra,
        at: At<'_>,
    ) -> Result<(), Malformed> {
        for (index, field) in record.shape().fields.iter().enumerate() {
            let count = pieces.iter().take_while(|piece| piece.index == index);
            let (own, others) = pieces.split_at(count.count());
            pieces = others;
            let is_told = !extra.is_empty() && extra.get(field.name).is_some();
            if own.is_empty() && !is_told {
                continue;
            }
            let is_absent = record.get(index).is_absent();
            let Some(slot) = record.slot(index) else {
                continue;
            };
            match field.kind {
                Kind::Word(words) if field.is_list => {
                    self.words(slot, own, (field, words), extra, at);
                }
                Kind::Word(words) => self.word(slot, own, (field, words), extra, at),
                Kind::Object(_) if field.is_list && !own.is_empty() => {
                    let Some(list) = slot.list() else { continue };
                    list.reserve(own.len());
                    for (index, piece) in own.iter().enumerate() {
                        if let Some(entry) = list.push_object() {
                            let at = at.within(field.name, Some(index));
                            self.message(entry, &[*piece], Besides::MESSAGE, at)?;
                        }
                    }
                }
                Kind::Object(_) if !own.is_empty() => {
                    if let Some(object) = slot.object() {
                        let at = at.within(field.name, None);
                        self.message(object, own, Besides::MESSAGE, at)?;
                    }
                }
                _ if field.is_list && is_absent => explicit_empty(slot, field.name, extra),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads a value of an enumeration: a number, or a text in `extra`.
    fn word(
        &mut self,
        slot: &mut dyn Slot,
        own: &[Piece<'_>],
        (field, words): (&Field, &'static Words),
        extra: &mut Extra,
        at: At<'_>,
    ) {
        let text = match own.last().map(|piece| piece.content) {
            Some(Content::Number(number)) if number != 0 => {
                self.known(field.name, number, words, at).map(Cow::Borrowed)
            }
            _ => extra.remove(field.name).and_then(|text| {
                let text = serde_json::from_str::<String>(text.get()).map(Cow::Owned);
                if text.is_err() {
                    self.report_extra(field.name, "must be a JSON string", at);
                }
                text.ok()
            }),
        };
        if let Some(text) = text {
            slot.set(Value::Text(text));
        }
    }

    /// Reads a list of values of an enumeration: numbers, or a list of texts in `extra`.
    fn words(
        &mut self,
        slot: &mut dyn Slot,
        own: &[Piece<'_>],
        (field, words): (&Field, &'static Words),
        extra: &mut Extra,
        at: At<'_>,
    ) {
        if let Some(texts) = extra.remove(field.name) {
            match serde_json::from_str::<Vec<String>>(texts.get()) {
                Ok(texts) => push_all(slot.list(), texts.into_iter().map(Cow::Owned)),
                Err(_) => self.report_extra(field.name, "must be a JSON array of strings", at),
            }
            return;
        }
        let numbers = own.iter().enumerate();
        let known = numbers.filter_map(|(index, piece)| match piece.content {
            Content::Number(number) => {
                self.known(&format!("{}[{index}]", field.name), number, words, at)
            }
            Content::Message(_) => None,
        });
        push_all(slot.list(), known.map(Cow::Borrowed));
    }

    /// Returns the text of a number.
    fn known(
        &mut self,
        name: &str,
        number: i32,
        words: &'static Words,
        at: At<'_>,
    ) -> Option<&'static str> {
        let text = words.text(number);
        if text.is_none() {
            let description = format!(
                "{number} is not a value of {}; send a newer value by its name in `extra`",
                words.name
            );
            self.report(name, description, at);
        }
        text
    }

    /// Parses the field `extra`.
    fn extra(&mut self, texts: BTreeMap<String, String>, at: At<'_>) -> Extra {
        let mut extra = Extra::default();
        for (name, json) in texts {
            if extra.insert_json(name.as_str(), json).is_err() {
                self.report_extra(&name, "must be a JSON text", at);
            }
        }
        extra
    }

    /// Refuses what is left of `extra` where it names members that have fields of their own.
    fn known_members(&mut self, shape: &Shape, extra: &Extra, at: At<'_>) {
        if extra.is_empty() {
            return;
        }
        for name in shape
            .members
            .iter()
            .filter(|name| extra.get(name).is_some())
        {
            let description = format!("has a field of its own; set `{name}` instead");
            self.report_extra(name, description, at);
        }
    }

    fn report_extra(&mut self, name: &str, description: impl Into<String>, at: At<'_>) {
        self.report(&format!("extra[{name:?}]"), description, at);
    }

    fn report(&mut self, name: &str, description: impl Into<String>, at: At<'_>) {
        let mut field = String::new();
        at.path(&mut field);
        field.push_str(name);
        self.violations
            .push(FieldViolation::new(field, description));
    }
}

/// Finds a field by its number, first from where the one before was found.
fn find(shape: &'static Shape, tag: u32, from: usize) -> Option<(usize, &'static Field)> {
    let is_it = |(_, field): &(usize, &Field)| field.tag == tag;
    let fields = || shape.fields.iter().enumerate();
    let found = fields().skip(from).find(is_it);
    found.or_else(|| fields().take(from).find(is_it))
}

/// Takes one occurrence of a field.
fn take_field<'b>(
    record: &mut dyn Record,
    (index, field): (usize, &'static Field),
    wire: WireType,
    rest: &mut &'b [u8],
    inner: &mut Vec<Piece<'b>>,
) -> Result<(), Malformed> {
    let mut later = |content| inner.push(Piece { index, content });
    let has_presence = field.has_presence(record.shape().usage);
    let mut target = Target {
        slot: record.slot(index).ok_or(Malformed)?,
        is_list: field.is_list,
        has_presence,
    };
    match field.kind {
        Kind::Object(_) => later(Content::Message(block(wire, rest)?)),
        Kind::Word(_) => varints(wire, field.is_list, rest, |bits| {
            later(Content::Number(low_half(bits)));
        })?,
        Kind::Integer => varints(wire, field.is_list, rest, |bits| {
            target.put(bits == 0, Value::Integer(bits.cast_signed()));
        })?,
        Kind::Boolean => varints(wire, field.is_list, rest, |bits| {
            target.put(bits == 0, Value::Boolean(bits != 0));
        })?,
        Kind::Bytes => {
            let content = block(wire, rest)?;
            let value = Value::Bytes(Bytes::copy_from_slice(content));
            target.put(content.is_empty(), value);
        }
        Kind::Sensitive => {
            let text = text(wire, rest)?;
            let value = Value::Sensitive(Sensitive::plain(text));
            target.put(text.is_empty(), value);
        }
        Kind::Text | Kind::Personal | Kind::Secret => {
            let text = text(wire, rest)?;
            target.put(text.is_empty(), Value::Text(Cow::Borrowed(text)));
        }
    }
    Ok(())
}

/// Where the values of a field go.
struct Target<'r> {
    slot: &'r mut dyn Slot,
    is_list: bool,
    has_presence: bool,
}

impl Target<'_> {
    /// Puts a value in. Without presence, an empty one is as good as none.
    fn put(&mut self, is_empty: bool, value: Value<'_>) {
        if self.is_list {
            if let Some(list) = self.slot.list() {
                list.push(value);
            }
        } else if is_empty && !self.has_presence {
            self.slot.clear();
        } else {
            self.slot.set(value);
        }
    }
}

fn push_all<'t>(list: Option<&mut dyn List>, texts: impl Iterator<Item = Cow<'t, str>>) {
    if let Some(list) = list {
        for text in texts {
            list.push(Value::Text(text));
        }
    }
}

/// An empty list is absent unless `extra` says `[]`.
fn explicit_empty(slot: &mut dyn Slot, name: &str, extra: &mut Extra) {
    let inside = extra
        .get(name)
        .and_then(|text| text.strip_prefix('[')?.strip_suffix(']'));
    // Anything else, left where it is, is refused: the field itself is the place for entries.
    if inside.is_some_and(|inside| inside.trim().is_empty()) {
        extra.remove(name);
        slot.list();
    }
}

/// Takes one entry of `extra`. As prost does with maps, its wire type is taken for granted.
fn entry(rest: &mut &[u8]) -> Result<(String, String), Malformed> {
    let mut entry = block(WireType::LengthDelimited, rest)?;
    let (mut name, mut json) = ("", "");
    while !entry.is_empty() {
        match decode_key(&mut entry)? {
            (1, wire) => name = text(wire, &mut entry)?,
            (2, wire) => json = text(wire, &mut entry)?,
            (tag, wire) => skip_field(wire, tag, &mut entry, DecodeContext::default())?,
        }
    }
    Ok((name.to_owned(), json.to_owned()))
}

/// Takes the varints of one occurrence; those of a list may be packed.
fn varints(
    wire: WireType,
    is_list: bool,
    rest: &mut &[u8],
    mut take: impl FnMut(u64),
) -> Result<(), Malformed> {
    if is_list && wire == WireType::LengthDelimited {
        let mut packed = block(wire, rest)?;
        while !packed.is_empty() {
            take(decode_varint(&mut packed)?);
        }
        return Ok(());
    }
    check_wire_type(WireType::Varint, wire)?;
    take(decode_varint(rest)?);
    Ok(())
}

/// Takes a text.
fn text<'b>(wire: WireType, rest: &mut &'b [u8]) -> Result<&'b str, Malformed> {
    std::str::from_utf8(block(wire, rest)?).map_err(|_| Malformed)
}

/// Takes what is delimited by its length.
fn block<'b>(wire: WireType, rest: &mut &'b [u8]) -> Result<&'b [u8], Malformed> {
    check_wire_type(WireType::LengthDelimited, wire)?;
    let length = usize::try_from(decode_varint(rest)?).map_err(|_| Malformed)?;
    let (block, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = after;
    Ok(block)
}

/// The number of an enumeration, which takes the lower half of a varint.
fn low_half(bits: u64) -> i32 {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}
