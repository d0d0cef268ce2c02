//! client
mod brand;
mod client;
mod clock;
mod configuration;
mod keys;
mod merchant;
mod official_account;
mod origin;
mod pipeline;
mod portable;
mod settings;
mod signing;
#[cfg(test)]
mod testing;
mod token;
mod transport;
pub use self::brand::{Brand, BrandBuilder};
pub use self::clock::{Clock, SystemClock};
pub use self::configuration::{
    ConfigurationError, ConfigurationFault, PayCredential, WeChatPayKey,
};
pub use self::merchant::{Merchant, MerchantBuilder};
pub use self::official_account::{OfficialAccount, OfficialAccountBuilder};
pub use self::settings::{RetrySettings, Settings};
pub use self::token::TokenMode;
