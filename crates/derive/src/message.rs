//! A declaration: a struct of fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Token, Type};

use crate::field::Field;

/// At most so many arguments for a constructor; requests with more required fields have none.
const MAX_ARGUMENTS: usize = 6;

/// A struct of declared fields.
pub(crate) struct Message {
    documents: Vec<Attribute>,
    name: Ident,
    fields: Punctuated<Field, Token![,]>,
}

/// Who sends a message.
pub(crate) struct Usage(Ident);

/// The operation that a request belongs to.
pub(crate) struct Request {
    operation: Ident,
    answer: Type,
}

impl Parse for Message {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let documents = Attribute::parse_outer(input)?;
        input.parse::<Token![pub]>()?;
        input.parse::<Token![struct]>()?;
        let name = input.parse()?;
        let body;
        syn::braced!(body in input);
        Ok(Self {
            documents,
            name,
            fields: Punctuated::parse_terminated(&body)?,
        })
    }
}

impl Parse for Usage {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name: Ident = input.parse()?;
        let usage = match name.to_string().as_str() {
            "request" => "Request",
            "answer" => "Answer",
            "both" => "Both",
            _ => return Err(syn::Error::new(name.span(), "request, answer or both")),
        };
        Ok(Self(Ident::new(usage, name.span())))
    }
}

impl Parse for Request {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let operation = input.parse()?;
        input.parse::<Token![,]>()?;
        Ok(Self {
            operation,
            answer: input.parse()?,
        })
    }
}

impl Message {
    pub(crate) fn message(&self, usage: &Usage) -> TokenStream {
        self.object(&usage.0, None)
    }

    pub(crate) fn answer(&self, usage: &Usage) -> TokenStream {
        let name = &self.name;
        let object = self.object(&usage.0, None);
        quote!(#object impl crate::Answer for #name {})
    }

    pub(crate) fn request(&self, request: &Request) -> TokenStream {
        let name = &self.name;
        let Request { operation, answer } = request;
        let usage = Ident::new("Request", name.span());
        let object = self.object(&usage, Some(format!(" Described by [`{operation}`].")));
        let constructor = self.constructor();
        quote! {
            #object
            #constructor
            impl crate::Endpoint for #name {
                type Answer = #answer;
                const OPERATION: &'static crate::Operation = &#operation;
            }
        }
    }

    fn object(&self, usage: &Ident, more: Option<String>) -> TokenStream {
        let (documents, name) = (&self.documents, &self.name);
        let more = more.map(|more| quote!(#[doc = ""] #[doc = #more]));
        let members = self.fields.iter().map(Field::member);
        let entries = self.fields.iter().map(Field::entry);
        let wires = self.fields.iter().filter(|field| field.is_member());
        let wires = wires.map(Field::wire);
        let idents: Vec<&Ident> = self.fields.iter().map(|field| &field.ident).collect();
        let indices: Vec<_> = (0..idents.len()).map(syn::Index::from).collect();
        let text = name.to_string();
        quote! {
            #(#documents)*
            #more
            #[derive(Clone, Default)]
            pub struct #name {
                #(#members,)*
                /// Members that the catalogue does not know.
                pub extra: crate::Extra,
            }

            impl crate::Object for #name {
                const SHAPE: &'static crate::Shape = &crate::Shape::new(
                    #text,
                    crate::Usage::#usage,
                    &[#(#entries),*],
                    &[#(#wires),*],
                );
            }

            impl crate::Record for #name {
                fn shape(&self) -> &'static crate::Shape {
                    <Self as crate::Object>::SHAPE
                }

                fn get(&self, index: usize) -> crate::Ref<'_> {
                    match index {
                        #(#indices => crate::record::FieldType::get(&self.#idents),)*
                        _ => crate::Ref::Absent,
                    }
                }

                fn each<'r>(&'r self, visit: &mut dyn FnMut(usize, crate::Ref<'r>)) {
                    #(crate::record::visit(#indices, &self.#idents, visit);)*
                }

                fn slot(&mut self, index: usize) -> Option<&mut dyn crate::Slot> {
                    match index {
                        #(#indices => Some(&mut self.#idents),)*
                        _ => None,
                    }
                }

                fn extra(&self) -> &crate::Extra {
                    &self.extra
                }

                fn extra_mut(&mut self) -> &mut crate::Extra {
                    &mut self.extra
                }
            }

            crate::object::object!(#name);
        }
    }

    fn constructor(&self) -> Option<TokenStream> {
        let required: Vec<&Field> = self
            .fields
            .iter()
            .filter(|field| field.declared.is_required)
            .collect();
        if required.is_empty() || required.len() > MAX_ARGUMENTS {
            return None;
        }
        let name = &self.name;
        let arguments = required.iter().map(|field| {
            let (ident, bare) = (&field.ident, field.bare());
            quote!(#ident: impl Into<#bare>)
        });
        let values = required.iter().map(|field| {
            let ident = &field.ident;
            if field.is_path() {
                quote!(#ident: #ident.into())
            } else {
                quote!(#ident: Some(#ident.into()))
            }
        });
        let rest = if required.len() == self.fields.len() {
            quote!(extra: crate::Extra::default())
        } else {
            quote!(..Self::default())
        };
        Some(quote! {
            impl #name {
                /// Creates a request with its required members.
                pub fn new(#(#arguments),*) -> Self {
                    Self { #(#values,)* #rest }
                }
            }
        })
    }
}
