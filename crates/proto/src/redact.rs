//! A `Debug` that shows no content.

/// Implements `Debug` for messages by their name alone.
macro_rules! opaque_debug {
    ($name:path) => {
        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(concat!(stringify!($name), " { .. }"))
            }
        }
    };
}

/// Implements `Debug` for enumerations, whose values are public words.
macro_rules! named_debug {
    ($name:path) => {
        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str_name())
            }
        }
    };
}
