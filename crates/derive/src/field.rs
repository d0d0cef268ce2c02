//! One field of a declaration.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, GenericArgument, Ident, LitInt, LitStr, PathArguments, Token, Type};

/// One field of a declaration.
pub(crate) struct Field {
    pub(crate) documents: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) declared: Declared,
}

/// What `#[field(...)]` says.
#[derive(Default)]
pub(crate) struct Declared {
    tag: u32,
    wire: Option<LitStr>,
    place: Option<Ident>,
    pub(crate) is_required: bool,
    is_either: bool,
    /// `name` and argument of the limits, in their order.
    limits: Vec<(Ident, TokenStream)>,
    words: Vec<String>,
}

impl Parse for Field {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut documents = Attribute::parse_outer(input)?;
        let own = documents
            .iter()
            .position(|attribute| attribute.path().is_ident("field"));
        let declared = match own {
            Some(place) => documents.remove(place).parse_args::<Declared>()?,
            None => return Err(input.error("a field is declared with #[field(...)]")),
        };
        input.parse::<Token![pub]>()?;
        let ident = input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        let field = Self {
            documents,
            ident,
            ty: input.parse()?,
            declared,
        };
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !field.wire().bytes().all(is_word) {
            return Err(input.error("names are written without escapes: letters, digits and _"));
        }
        Ok(field)
    }
}

impl Parse for Declared {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut declared = Self {
            tag: input.parse::<LitInt>()?.base10_parse()?,
            ..Self::default()
        };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            declared.word(input)?;
        }
        Ok(declared)
    }
}

impl Declared {
    fn word(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let name = input.call(Ident::parse_any)?;
        match name.to_string().as_str() {
            "path" | "query" | "part" | "filename" => {
                self.is_required |= name == "path";
                self.place = Some(name);
                return Ok(());
            }
            "required" => {
                self.is_required = true;
                return Ok(());
            }
            "either" => {
                self.is_either = true;
                self.words
                    .push("Numbers and texts are both read".to_owned());
                return Ok(());
            }
            _ => {}
        }
        input.parse::<Token![=]>()?;
        if name == "wire" {
            self.wire = Some(input.parse()?);
            return Ok(());
        }
        let argument = if name == "values" {
            let list;
            syn::bracketed!(list in input);
            let values = list.parse_terminated(<LitStr as Parse>::parse, Token![,])?;
            let texts: Vec<String> = values.iter().map(LitStr::value).collect();
            self.words.push(format!("One of `{}`", texts.join("`, `")));
            quote!(&[#values])
        } else if name == "form" {
            let pattern: Ident = input.parse()?;
            self.words
                .push(format!("Has the form [`crate::Pattern::{pattern}`]"));
            quote!(crate::Pattern::#pattern)
        } else {
            let sign: Option<Token![-]> = input.parse()?;
            let number: LitInt = input.parse()?;
            let minus = if sign.is_some() { "-" } else { "" };
            self.words
                .push(in_words(&name, &format!("{minus}{number}"))?);
            quote!(#sign #number)
        };
        self.limits.push((name, argument));
        Ok(())
    }
}

fn in_words(name: &Ident, number: &str) -> syn::Result<String> {
    Ok(match name.to_string().as_str() {
        "min_chars" => format!("At least {number} characters"),
        "chars" => format!("At most {number} characters"),
        "bytes" => format!("At most {number} UTF-8 bytes"),
        "min" => format!("At least {number}"),
        "max" => format!("At most {number}"),
        "min_items" => format!("At least {number} entries"),
        "max_items" => format!("At most {number} entries"),
        _ => return Err(syn::Error::new(name.span(), "no such limit")),
    })
}

impl Field {
    /// Returns the name on the wire.
    pub(crate) fn wire(&self) -> String {
        match &self.declared.wire {
            Some(wire) => wire.value(),
            None => self.ident.unraw().to_string(),
        }
    }

    /// Tells whether the field is a member of the JSON object.
    pub(crate) fn is_member(&self) -> bool {
        self.declared.place.is_none()
    }

    /// Tells whether the field is a parameter of the path.
    pub(crate) fn is_path(&self) -> bool {
        self.declared
            .place
            .as_ref()
            .is_some_and(|place| place == "path")
    }

    /// The field of the struct, with its limits in words.
    pub(crate) fn member(&self) -> TokenStream {
        let (documents, ident, ty) = (&self.documents, &self.ident, &self.ty);
        let mut words: Vec<&str> = Vec::new();
        if self.declared.is_required {
            words.push("Required");
        }
        words.extend(self.declared.words.iter().map(String::as_str));
        let limits = (!words.is_empty()).then(|| {
            let text = format!(" {}.", words.join(". "));
            quote!(#[doc = ""] #[doc = #text])
        });
        quote!(#(#documents)* #limits pub #ident: #ty)
    }

    /// The entry of the table.
    pub(crate) fn entry(&self) -> TokenStream {
        let (ty, wire, tag) = (&self.ty, self.wire(), self.declared.tag);
        let place = match self
            .declared
            .place
            .as_ref()
            .map(Ident::to_string)
            .as_deref()
        {
            Some("path") => quote!(Path),
            Some("query") => quote!(Query),
            Some("part") => quote!(Part),
            Some("filename") => quote!(Filename),
            _ => quote!(Body),
        };
        let limits = self.declared.limits.iter();
        let limits = limits.map(|(name, argument)| quote!(.#name(#argument)));
        let base = if self.declared.is_required {
            quote!(REQUIRED)
        } else {
            quote!(OPTIONAL)
        };
        let either = self.declared.is_either.then(|| quote!(.either()));
        quote!(crate::Field::of::<#ty>(#wire, #tag, crate::Place::#place, crate::Limits::#base #(#limits)*)#either)
    }

    /// The type of an argument of a constructor: what is inside `Option`.
    pub(crate) fn bare(&self) -> &Type {
        let Type::Path(path) = &self.ty else {
            return &self.ty;
        };
        let Some(last) = path.path.segments.last() else {
            return &self.ty;
        };
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return &self.ty;
        };
        match arguments.args.first() {
            Some(GenericArgument::Type(inner)) if last.ident == "Option" => inner,
            _ => &self.ty,
        }
    }
}
