//! The declarations of `kabao-models`, made into tables.
//!
//! A message is declared once, as a struct whose fields carry what the catalogue knows of them:
//!
//! ```ignore
//! /// Mini-program target opened from the member code.
//! #[message(both)]
//! pub struct JumpTarget {
//!     /// AppID opened from the member code.
//!     #[field(1, required, chars = 32)]
//!     pub jump_appid: Option<String>,
//! }
//! ```
//!
//! The attribute adds the field `extra` and the documentation of the limits, and writes a table
//! (`Object::SHAPE`) and two functions (`Record::get`, `Record::slot`). Everything else (reading,
//! writing, checking, visiting) is written once in `kabao-models`, over `&dyn Record`, so nothing is
//! compiled per message but these.
//!
//! What the code names begins with `crate::`: these macros are for `kabao-models` alone.

mod field;
mod message;

use proc_macro::TokenStream;

use self::message::{Message, Request, Usage};

/// Declares a message that stands in requests, in answers or in both:
/// `#[message(request)]`, `#[message(answer)]`, `#[message(both)]`.
#[proc_macro_attribute]
pub fn message(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::<Usage>(arguments, item, |message, usage| message.message(&usage))
}

/// Declares a message that is the answer of an operation; takes the same arguments.
#[proc_macro_attribute]
pub fn answer(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::<Usage>(arguments, item, |message, usage| message.answer(&usage))
}

/// Declares the request of an operation: `#[request(THE_OPERATION, ItsAnswer)]`.
#[proc_macro_attribute]
pub fn request(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::<Request>(arguments, item, |message, request| {
        message.request(&request)
    })
}

fn expand<A: syn::parse::Parse>(
    arguments: TokenStream,
    item: TokenStream,
    write: impl FnOnce(Message, A) -> proc_macro2::TokenStream,
) -> TokenStream {
    let parsed =
        syn::parse::<A>(arguments).and_then(|arguments| Ok((arguments, syn::parse(item)?)));
    match parsed {
        Ok((arguments, message)) => write(message, arguments),
        Err(error) => error.to_compile_error(),
    }
    .into()
}
