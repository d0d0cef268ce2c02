//! Tables of fields.

use crate::limits::Limits;

/// The table of the fields of a message.
#[derive(Debug)]
pub struct Shape {
    /// The name of the message.
    pub name: &'static str,
    /// Who sends it.
    pub usage: Usage,
    /// Its fields in the order of the catalogue: parameters first, then the members of the JSON
    /// object.
    pub fields: &'static [Field],
    /// The names of the members of the JSON object: those of the last fields.
    pub members: &'static [&'static str],
    /// Whether it holds a field that travels encrypted, perhaps in an inner object.
    pub is_sensitive: bool,
}

impl Shape {
    /// Makes a table. `members` are the names of the last of the `fields`.
    pub(crate) const fn new(
        name: &'static str,
        usage: Usage,
        fields: &'static [Field],
        members: &'static [&'static str],
    ) -> Self {
        let mut is_sensitive = false;
        let mut rest = fields;
        while let [field, tail @ ..] = rest {
            is_sensitive |= field.kind.is_sensitive();
            rest = tail;
        }
        Self {
            name,
            usage,
            fields,
            members,
            is_sensitive,
        }
    }

    /// Returns the place in [`Shape::fields`] of the first member of the JSON object.
    pub fn first_member(&self) -> usize {
        self.fields.len().saturating_sub(self.members.len())
    }

    /// Returns the place in [`Shape::fields`] of a field by its name on the wire.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Returns the place in [`Shape::fields`] of a field by its number in proto.
    pub fn tagged(&self, tag: u32) -> Option<usize> {
        self.fields.iter().position(|field| field.tag == tag)
    }
}

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// The caller.
    Request,
    /// WeChat.
    Answer,
    /// Both.
    Both,
}

/// What is known of a field.
#[derive(Debug)]
pub struct Field {
    /// The name on the wire, which is also its name in violations.
    pub name: &'static str,
    /// The number of the field in the proto message; 0 where it has none.
    pub tag: u32,
    /// What its value is, or each entry of its list.
    pub kind: Kind,
    /// Whether it is a list.
    pub is_list: bool,
    /// Where it stands.
    pub place: Place,
    /// Whether both numbers and texts are seen of it, so that both are read.
    pub is_either: bool,
    /// Its documented limits.
    pub limits: Limits,
}

impl Field {
    /// Both numbers and texts are read.
    pub(crate) const fn either(mut self) -> Self {
        self.is_either = true;
        self
    }

    /// Returns true if the proto field can tell absent from empty: `optional`.
    ///
    /// What callers must send does not need it, since empty is as bad as absent; what WeChat may
    /// leave out does. A number or a truth that may be 0 or `false` needs it even where it is
    /// required: a forgotten number of points must be missing, and not 0.
    pub fn has_presence(&self, usage: Usage) -> bool {
        let is_path = self.place == Place::Path;
        let is_required = self.limits.required && usage != Usage::Answer || is_path;
        let zero_is_a_value = match self.kind {
            Kind::Integer => !is_path && self.limits.min <= 0,
            Kind::Boolean => true,
            _ => false,
        };
        (!is_required || zero_is_a_value) && !self.is_list && !matches!(self.kind, Kind::Object(_))
    }

    /// What is documented of it, in words: `an integer`.
    pub(crate) fn expected(&self) -> &'static str {
        if self.is_list {
            "a list"
        } else {
            self.kind.expected()
        }
    }
}

/// What the value of a field is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text.
    Text,
    /// A text that is personal data.
    Personal,
    /// A text that is a credential.
    Secret,
    /// A text that travels encrypted.
    Sensitive,
    /// An integer.
    Integer,
    /// A truth.
    Boolean,
    /// The content of a file.
    Bytes,
    /// A value of an open enumeration.
    Word(&'static Words),
    /// An object.
    Object(&'static Shape),
}

impl Kind {
    /// Returns true if the value is encrypted or holds something that is.
    pub(crate) const fn is_sensitive(&self) -> bool {
        match self {
            Self::Sensitive => true,
            Self::Object(shape) => shape.is_sensitive,
            _ => false,
        }
    }

    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Integer => "an integer",
            Self::Boolean => "true or false",
            Self::Object(_) => "an object",
            _ => "a text",
        }
    }
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In the JSON object.
    Body,
    /// It is a part of a `multipart/form-data` body.
    Part,
    /// In the head of the part that holds the file.
    Filename,
}

/// The values of an open enumeration.
#[derive(Debug)]
pub struct Words {
    /// The name of the enumeration.
    pub name: &'static str,
    /// The number in proto and the text on the wire of each value, in the order of the catalogue.
    pub values: &'static [(i32, &'static str)],
}

impl Words {
    /// Returns the text of a number.
    pub fn text(&self, number: i32) -> Option<&'static str> {
        let mut values = self.values.iter();
        values
            .find(|(known, _)| *known == number)
            .map(|(_, text)| *text)
    }

    /// Returns the texts of all values.
    pub fn texts(&self) -> impl Iterator<Item = &'static str> {
        self.values.iter().map(|(_, text)| *text)
    }
}
