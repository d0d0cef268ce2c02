//! What the control API takes, said once: a type and the description of its members.
//!
//! `described!` takes a type as it is written anyway. It derives the reader and keeps what the
//! comments say, so that the page of the control API, `--help` and the reader cannot disagree.

use kabao_models::{brand, merchant, official_account};

/// One member of a body, or one query parameter.
#[derive(Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    /// What a value is: `text`, `number`, `true or false`, `object`, or its words with `|` between.
    pub(crate) kind: &'static str,
    pub(crate) optional: bool,
    pub(crate) about: &'static str,
    /// The members of an object that the control API describes itself.
    pub(crate) members: &'static [Parameter],
}

impl Parameter {
    /// Describes a query parameter.
    pub(crate) const fn query(name: &'static str, kind: &'static str, about: &'static str) -> Self {
        Self {
            name,
            kind,
            optional: true,
            about,
            members: &[],
        }
    }
}

/// A choice of a member whose object has other members with each.
pub(crate) struct Variant {
    pub(crate) word: &'static str,
    pub(crate) about: &'static str,
    pub(crate) members: &'static [Parameter],
}

/// A type of which a member can be.
pub(crate) trait Form {
    const KIND: &'static str;
    const OPTIONAL: bool = false;
    const MEMBERS: &'static [Parameter] = &[];
}

macro_rules! forms {
    ($($type:ty: $kind:literal),* $(,)?) => {
        $(impl Form for $type {
            const KIND: &'static str = $kind;
        })*
    };
}

forms! {
    String: "text",
    bool: "true or false",
    i64: "number",
    u16: "number",
    u32: "number",
    u64: "number",
    usize: "number",
    serde_json::Value: "JSON",
    std::collections::BTreeMap<String, String>: "object of texts",
    merchant::UserInformation: "object as in WeChat's documents",
    brand::UserInformation: "object as in WeChat's documents",
    official_account::UserInfo: "object as in WeChat's documents",
}

impl<T: Form> Form for Option<T> {
    const KIND: &'static str = T::KIND;
    const OPTIONAL: bool = true;
    const MEMBERS: &'static [Parameter] = T::MEMBERS;
}

impl<T: Form> Form for Vec<T> {
    const KIND: &'static str = "list of objects";
    const MEMBERS: &'static [Parameter] = T::MEMBERS;
}

/// Defines a type that the control API reads, and describes it.
///
/// - `struct`: an object. A member with a `serde` attribute has a default and may be left out;
///   `as` gives it another name in JSON.
/// - `words enum`: one of some words.
/// - `tagged enum`: an object whose `kind` says which members it has.
macro_rules! described {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $(#[serde($($serde:tt)*)])?
                $member_vis:vis $member:ident $(as $json:literal)?: $type:ty
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $vis struct $name {
            $(
                $(#[doc = $doc])*
                $(#[serde($($serde)*)])?
                $(#[serde(rename = $json)])?
                $member_vis $member: $type,
            )*
        }

        impl $crate::described::Form for $name {
            const KIND: &'static str = "object";
            const MEMBERS: &'static [$crate::described::Parameter] = &[$(
                $crate::described::described!(
                    @member $member $(as $json)?: $type, [$($doc)*], [$($($serde)*)?]
                ),
            )*];
        }
    };

    (
        $(#[$meta:meta])*
        $vis:vis words enum $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $variant:ident = $word:literal $(or $alias:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(serde::Deserialize)]
        $vis enum $name {
            $(
                $(#[doc = $doc])*
                #[serde(rename = $word)]
                $(#[serde(alias = $alias)])?
                $variant,
            )*
        }

        impl $crate::described::Form for $name {
            const KIND: &'static str = $crate::described::described!(@words $($word)*);
        }
    };

    (
        $(#[$meta:meta])*
        $vis:vis tagged enum $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $variant:ident = $word:literal $({
                    $(
                        $(#[doc = $member_doc:literal])*
                        $(#[serde($($serde:tt)*)])?
                        $member:ident: $type:ty
                    ),* $(,)?
                })?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(serde::Deserialize)]
        #[serde(tag = "kind", deny_unknown_fields)]
        $vis enum $name {
            $(
                $(#[doc = $doc])*
                #[serde(rename = $word)]
                $variant $({
                    $(
                        $(#[doc = $member_doc])*
                        $(#[serde($($serde)*)])?
                        $member: $type,
                    )*
                })?,
            )*
        }

        impl $crate::described::Form for $name {
            const KIND: &'static str = "object with a kind";
        }

        impl $name {
            /// What there is to choose from.
            pub(crate) const VARIANTS: &'static [$crate::described::Variant] = &[$(
                $crate::described::Variant {
                    word: $word,
                    about: concat!($($doc),*),
                    members: &[$($(
                        $crate::described::described!(
                            @member $member: $type, [$($member_doc)*], [$($($serde)*)?]
                        ),
                    )*)?],
                },
            )*];

            /// Returns the name of the kind, as in JSON.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $word,)*
                }
            }
        }
    };

    (@member $member:ident $(as $json:literal)?: $type:ty, [$($doc:literal)*], [$($serde:tt)*]) => {
        $crate::described::Parameter {
            name: $crate::described::described!(@name $member $($json)?),
            kind: <$type as $crate::described::Form>::KIND,
            optional: <$type as $crate::described::Form>::OPTIONAL
                || !stringify!($($serde)*).is_empty(),
            about: concat!($($doc),*),
            members: <$type as $crate::described::Form>::MEMBERS,
        }
    };
    (@words $first:literal $($word:literal)*) => { concat!($first $(, "|", $word)*) };
    (@name $member:ident) => { stringify!($member) };
    (@name $member:ident $json:literal) => { $json };
}
pub(crate) use described;
