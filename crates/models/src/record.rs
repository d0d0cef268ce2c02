//! Messages as tables: what is written once for all of them walks these.
//!
//! A declaration (`#[message]`, see `kabao-derive`) is a struct that Rust code reads and fills by the
//! names of its fields. Reading, writing, checking and visiting need no more than a table of the
//! fields ([`Shape`]) and two functions: [`Record::get`] gives a value out, [`Record::slot`] takes one
//! in. So they exist once, over `&dyn Record`, and not once for each of the 310 messages.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::extra::Extra;
use crate::sensitive::Sensitive;

mod entry;
mod shape;
mod show;

pub(crate) use self::entry::{Entry, FieldType};
pub use self::shape::{Field, Kind, Place, Shape, Usage, Words};
pub(crate) use self::show::{is_same, show};

/// A message: a request, an answer, the payload of a notification, or an object inside one.
pub trait Record: Any + fmt::Debug + Send + Sync {
    /// Returns the table of its fields.
    fn shape(&self) -> &'static Shape;

    /// Returns the value of a field by its place in [`Shape::fields`].
    fn get(&self, index: usize) -> Ref<'_>;

    /// Calls `visit` with each value that is there, in the order of [`Shape::fields`]: most messages
    /// leave most fields out.
    fn each<'r>(&'r self, visit: &mut dyn FnMut(usize, Ref<'r>));

    /// Returns the place of the value of a field; `None` if there is no such field.
    fn slot(&mut self, index: usize) -> Option<&mut dyn Slot>;

    /// Returns the members that the catalogue does not know.
    fn extra(&self) -> &Extra;

    /// Returns the members that the catalogue does not know, for a change.
    fn extra_mut(&mut self) -> &mut Extra;
}

impl<'r> dyn Record + 'r {
    /// Returns the value of a field by its name on the wire.
    pub fn named(&self, name: &str) -> Ref<'_> {
        match self.shape().field(name) {
            Some(index) => self.get(index),
            None => Ref::Absent,
        }
    }

    /// Returns the place of the value of a field by its name on the wire.
    pub fn named_slot(&mut self, name: &str) -> Option<&mut dyn Slot> {
        self.slot(self.shape().field(name)?)
    }

    /// Returns true if the other message has the same shape, the same values and the same unknown
    /// members.
    pub fn is_same(&self, other: &dyn Record) -> bool {
        is_same(self, other)
    }

    /// Calls `visit` with each sensitive field, those of inner objects included.
    pub fn visit_sensitive(&mut self, visit: &mut dyn FnMut(&mut Sensitive)) {
        let shape = self.shape();
        if !shape.is_sensitive {
            return;
        }
        for (index, field) in shape.fields.iter().enumerate() {
            if field.kind.is_sensitive()
                && let Some(slot) = self.slot(index)
            {
                slot.inner().visit_sensitive(visit);
            }
        }
    }
}

/// The value of a field.
///
/// Parameters of a path are never absent: they are empty, or 0.
#[derive(Clone, Copy)]
pub enum Ref<'a> {
    /// The field is absent.
    Absent,
    /// A text of the kinds [`Kind::Text`], [`Kind::Personal`] and [`Kind::Secret`].
    Text(&'a str),
    /// A text that travels encrypted.
    Sensitive(&'a Sensitive),
    /// An integer.
    Integer(i64),
    /// A truth.
    Boolean(bool),
    /// The content of a file.
    Bytes(&'a Bytes),
    /// A value of an enumeration.
    Word {
        /// The text on the wire.
        text: &'a str,
        /// The number in proto; 0 if the catalogue does not know the value.
        number: i32,
    },
    /// An object.
    Object(&'a dyn Record),
    /// A list, perhaps empty.
    List(&'a dyn List),
}

impl<'a> Ref<'a> {
    /// Returns a text, also that of an enumeration; `None` for everything else.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) | Self::Word { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns true if there is no value.
    pub fn is_absent(self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// Calls `visit` if the field has a value; what the declarations make of [`Record::each`].
#[inline]
pub(crate) fn visit<'r, T: FieldType>(
    index: usize,
    field: &'r T,
    visit: &mut dyn FnMut(usize, Ref<'r>),
) {
    match field.get() {
        Ref::Absent => {}
        value => visit(index, value),
    }
}

/// A single value on its way into a field.
pub enum Value<'v> {
    /// A text, also that of an enumeration. Sensitive fields do not take it: who fills one says
    /// whether it is encrypted.
    Text(Cow<'v, str>),
    /// A text that travels encrypted.
    Sensitive(Sensitive),
    /// An integer.
    Integer(i64),
    /// A truth.
    Boolean(bool),
    /// The content of a file.
    Bytes(Bytes),
}

/// The place of the value of a field.
pub trait Slot {
    /// Makes the value absent; a parameter of a path becomes empty.
    fn clear(&mut self);

    /// Puts a value in; returns false, doing nothing, if it is of another kind.
    fn set(&mut self, value: Value<'_>) -> bool;

    /// Puts a new, empty object in; `None` if the field takes none.
    fn object(&mut self) -> Option<&mut dyn Record>;

    /// Returns the list, which is present from then on; `None` if the field takes none.
    fn list(&mut self) -> Option<&mut dyn List>;

    /// Returns what is there and has an inside.
    fn inner(&mut self) -> Inner<'_>;
}

/// A list of values of one kind.
#[expect(clippy::len_without_is_empty, reason = "nobody asks")]
pub trait List {
    /// Returns the number of entries.
    fn len(&self) -> usize;

    /// Returns an entry; absent only if there is none.
    fn get(&self, index: usize) -> Ref<'_>;

    /// Takes all entries out.
    fn clear(&mut self);

    /// Makes room for so many entries more.
    fn reserve(&mut self, additional: usize);

    /// Adds an entry; returns false, doing nothing, if it is of another kind.
    fn push(&mut self, value: Value<'_>) -> bool;

    /// Adds a new, empty object; `None` if the list takes none.
    fn push_object(&mut self) -> Option<&mut dyn Record>;

    /// Returns an entry that has an inside.
    fn inner(&mut self, index: usize) -> Inner<'_>;
}

/// The inside of a value that has one.
pub enum Inner<'a> {
    /// The value is absent or has no inside.
    Nothing,
    /// A text that travels encrypted.
    Sensitive(&'a mut Sensitive),
    /// An object.
    Object(&'a mut dyn Record),
    /// A list.
    List(&'a mut dyn List),
}

impl Inner<'_> {
    fn visit_sensitive(self, visit: &mut dyn FnMut(&mut Sensitive)) {
        match self {
            Self::Nothing => {}
            Self::Sensitive(value) => visit(value),
            Self::Object(record) => record.visit_sensitive(visit),
            Self::List(list) => {
                for index in 0..list.len() {
                    list.inner(index).visit_sensitive(visit);
                }
            }
        }
    }
}
