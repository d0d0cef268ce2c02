//! The demo accounts and what they hold, under the identifiers of WeChat's own examples.

pub(crate) mod brand;
pub(crate) mod merchant;
pub(crate) mod official_account;

use crate::account::AccountConfig;
use crate::sync::lock;
use crate::world::World;

pub(crate) const MERCHANT_NUMBER: &str = "1900000109";
pub(crate) const MERCHANT_CARD: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
pub(crate) const MERCHANT_CODE: &str = "478515832665";
pub(crate) const BRAND_PROVIDER_NUMBER: &str = "1900000110";
pub(crate) const BRAND_ID: &str = "1004";
pub(crate) const BRAND_CARD: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
pub(crate) const BRAND_CODE: &str = "478515832665";
pub(crate) const BRAND_OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
pub(crate) const OFFICIAL_ACCOUNT_APPID: &str = "wxd678efh567hg6787";
pub(crate) const OFFICIAL_ACCOUNT_CARD: &str = "ph_gmt7cUVrlRk8swPwx7aDyF-pg";
/// The card that WeChat's example of a message slot advertises.
pub(crate) const OFFICIAL_ACCOUNT_ADVERTISED_CARD: &str = "p1Pj9jr90_SQRaVqYI239Ka1erkI";
pub(crate) const OFFICIAL_ACCOUNT_CODE: &str = "916679873278";

/// The picture of all demo cards.
const PICTURE: &str = "https://wxpaylogo.qpic.cn/wxpaylogo/Zq4mC7vKpL2sT9/0";

/// Returns the demo accounts.
pub(crate) fn accounts() -> Vec<AccountConfig> {
    vec![
        AccountConfig::merchant("demo-merchant", MERCHANT_NUMBER)
            .with_appid(OFFICIAL_ACCOUNT_APPID),
        AccountConfig::brand("demo-brand", BRAND_PROVIDER_NUMBER, BRAND_ID)
            .with_appid(OFFICIAL_ACCOUNT_APPID),
        AccountConfig::brand_direct("demo-brand-direct", BRAND_ID)
            .with_appid(OFFICIAL_ACCOUNT_APPID),
        AccountConfig::official_account("demo-official-account", OFFICIAL_ACCOUNT_APPID),
    ]
}

/// Puts the demo data in place.
pub(crate) fn fill(world: &World) {
    let now = world.now();
    merchant::fill(&mut lock(&world.merchant), now);
    brand::fill(&mut lock(&world.brand), now);
    official_account::fill(&mut lock(&world.official_account), now);
}
