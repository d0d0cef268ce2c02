//! The optional arguments of a request, each set by a method of its own.

/// Gives a request its setters: the method, the field with what the method takes, and what is kept.
macro_rules! setters {
    ($request:ident: $($setter:ident($field:ident: $taken:ty) = $kept:expr;)*) => {
        impl $request {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, $field: $taken) -> Self {
                    self.$field = $kept;
                    self
                }
            )*
        }
    };
}

pub(crate) use setters;
