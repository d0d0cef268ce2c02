//! client
mod clock;
mod keys;
mod origin;
mod pipeline;
mod settings;
mod signing;
#[cfg(test)]
mod testing;
mod token;
mod transport;
pub use self::clock::{Clock, SystemClock};
pub use self::settings::{RetrySettings, Settings};
pub use self::token::TokenMode;
