//! The types of fields.

use bytes::Bytes;

use super::{Field, Inner, Kind, List, Place, Record, Ref, Slot, Value};
use crate::limits::Limits;
use crate::private::{Personal, Secret};
use crate::sensitive::Sensitive;

/// The type of a field: a scalar in a path, or `Option` of a single value or a list.
pub(crate) trait FieldType: Slot {
    /// What the value is, or each entry of the list.
    const KIND: Kind;
    /// Whether it is a list.
    const IS_LIST: bool;

    /// Returns the value.
    fn get(&self) -> Ref<'_>;
}

impl Field {
    /// Describes a field of the type `T`.
    pub(crate) const fn of<T: FieldType>(
        name: &'static str,
        tag: u32,
        place: Place,
        limits: Limits,
    ) -> Self {
        Self {
            name,
            tag,
            kind: T::KIND,
            is_list: T::IS_LIST,
            place,
            is_either: false,
            limits,
        }
    }
}

/// A single value.
pub(crate) trait Entry: Sized + 'static {
    /// What it is.
    const KIND: Kind;

    /// Returns the value.
    fn get(&self) -> Ref<'_>;

    /// Takes a value; `None` if it is of another kind.
    fn of(value: Value<'_>) -> Option<Self>;

    /// Returns a new, empty object; `None` for everything else.
    fn empty() -> Option<Self> {
        None
    }

    /// Returns the object.
    fn record(&mut self) -> Option<&mut dyn Record> {
        None
    }

    /// Returns the inside of the value.
    fn inner(&mut self) -> Inner<'_> {
        Inner::Nothing
    }
}

impl<T: Entry> FieldType for Option<T> {
    const KIND: Kind = T::KIND;
    const IS_LIST: bool = false;

    #[inline]
    fn get(&self) -> Ref<'_> {
        match self {
            Some(value) => value.get(),
            None => Ref::Absent,
        }
    }
}

impl<T: Entry> Slot for Option<T> {
    fn clear(&mut self) {
        *self = None;
    }

    fn set(&mut self, value: Value<'_>) -> bool {
        match T::of(value) {
            Some(value) => {
                *self = Some(value);
                true
            }
            None => false,
        }
    }

    fn object(&mut self) -> Option<&mut dyn Record> {
        *self = Some(T::empty()?);
        self.as_mut()?.record()
    }

    fn list(&mut self) -> Option<&mut dyn List> {
        None
    }

    fn inner(&mut self) -> Inner<'_> {
        self.as_mut().map_or(Inner::Nothing, T::inner)
    }
}

impl<T: Entry> FieldType for Option<Vec<T>> {
    const KIND: Kind = T::KIND;
    const IS_LIST: bool = true;

    #[inline]
    fn get(&self) -> Ref<'_> {
        match self {
            Some(list) => Ref::List(list),
            None => Ref::Absent,
        }
    }
}

impl<T: Entry> Slot for Option<Vec<T>> {
    fn clear(&mut self) {
        *self = None;
    }

    fn set(&mut self, _: Value<'_>) -> bool {
        false
    }

    fn object(&mut self) -> Option<&mut dyn Record> {
        None
    }

    fn list(&mut self) -> Option<&mut dyn List> {
        Some(self.get_or_insert_default())
    }

    fn inner(&mut self) -> Inner<'_> {
        match self {
            Some(list) => Inner::List(list),
            None => Inner::Nothing,
        }
    }
}

impl<T: Entry> List for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> Ref<'_> {
        self.as_slice().get(index).map_or(Ref::Absent, T::get)
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn reserve(&mut self, additional: usize) {
        self.reserve(additional);
    }

    fn push(&mut self, value: Value<'_>) -> bool {
        let value = T::of(value);
        let is_taken = value.is_some();
        self.extend(value);
        is_taken
    }

    fn push_object(&mut self) -> Option<&mut dyn Record> {
        self.push(T::empty()?);
        self.last_mut()?.record()
    }

    fn inner(&mut self, index: usize) -> Inner<'_> {
        self.get_mut(index).map_or(Inner::Nothing, T::inner)
    }
}

/// Types of one value, each with the variant of [`Ref`] and [`Value`] that carries it.
macro_rules! scalars {
    ($($name:ty: $kind:ident, $this:ident => $get:expr, $value:ident($taken:pat) => $set:expr;)*) => {$(
        impl Entry for $name {
            const KIND: Kind = Kind::$kind;

            #[inline]
            fn get(&self) -> Ref<'_> {
                let $this = self;
                $get
            }

            fn of(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::$value($taken) => Some($set),
                    _ => None,
                }
            }
        }
    )*};
}

scalars! {
    String: Text, this => Ref::Text(this), Text(text) => text.into_owned();
    Personal: Personal, this => Ref::Text(this.expose()), Text(text) => Self::new(text);
    Secret: Secret, this => Ref::Text(this.expose()), Text(text) => Self::new(text);
    i64: Integer, this => Ref::Integer(*this), Integer(number) => number;
    bool: Boolean, this => Ref::Boolean(*this), Boolean(truth) => truth;
    Bytes: Bytes, this => Ref::Bytes(this), Bytes(content) => content;
}

impl Entry for Sensitive {
    const KIND: Kind = Kind::Sensitive;

    fn get(&self) -> Ref<'_> {
        Ref::Sensitive(self)
    }

    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Sensitive(value) => Some(value),
            _ => None,
        }
    }

    fn inner(&mut self) -> Inner<'_> {
        Inner::Sensitive(self)
    }
}

/// Types of parameters in a path, which are always present.
macro_rules! parameters {
    ($($name:ty),*) => {$(
        impl FieldType for $name {
            const KIND: Kind = <Self as Entry>::KIND;
            const IS_LIST: bool = false;

            fn get(&self) -> Ref<'_> {
                Entry::get(self)
            }
        }

        impl Slot for $name {
            fn clear(&mut self) {
                *self = Self::default();
            }

            fn set(&mut self, value: Value<'_>) -> bool {
                let value = Self::of(value);
                let is_taken = value.is_some();
                if let Some(value) = value {
                    *self = value;
                }
                is_taken
            }

            fn object(&mut self) -> Option<&mut dyn Record> {
                None
            }

            fn list(&mut self) -> Option<&mut dyn List> {
                None
            }

            fn inner(&mut self) -> Inner<'_> {
                Inner::Nothing
            }
        }
    )*};
}

parameters!(String, Personal, Secret, i64);
