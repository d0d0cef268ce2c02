//! Open enumerations: values that WeChat adds later are kept, not refused.

/// Defines an enumeration over wire texts with a variant for unknown ones.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $number:literal $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A value that the catalogue does not know, as it was received.
            Unknown(String),
        }

        impl $name {
            /// The table of its values.
            pub const WORDS: &'static $crate::Words = &$crate::Words {
                name: stringify!($name),
                values: &[$(($number, $wire),)*],
            };

            /// Every known value, in the order of the catalogue.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the text on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Unknown(text) => text,
                }
            }

            /// Returns true unless the value is [`Self::Unknown`].
            pub fn is_known(&self) -> bool {
                !matches!(self, Self::Unknown(_))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($wire => Self::$variant,)*
                    _ => Self::Unknown(text.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($wire => Self::$variant,)*
                    _ => Self::Unknown(text),
                }
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::record::Entry for $name {
            const KIND: $crate::Kind = $crate::Kind::Word(Self::WORDS);

            fn get(&self) -> $crate::Ref<'_> {
                match self {
                    $(Self::$variant => $crate::Ref::Word { text: $wire, number: $number },)*
                    Self::Unknown(text) => $crate::Ref::Word { text, number: 0 },
                }
            }

            fn of(value: $crate::Value<'_>) -> Option<Self> {
                match value {
                    $crate::Value::Text(std::borrow::Cow::Borrowed(text)) => Some(Self::from(text)),
                    $crate::Value::Text(std::borrow::Cow::Owned(text)) => Some(Self::from(text)),
                    _ => None,
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from(text.as_ref()))
            }
        }
    };
}

pub(crate) use open_enum;
