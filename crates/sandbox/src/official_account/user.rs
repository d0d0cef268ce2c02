//! WeChat users.

use super::Refused;

/// Refuses what cannot be an openid.
pub(super) fn check_openid(openid: &str) -> Result<(), Refused> {
    let well_formed = openid
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if well_formed {
        Ok(())
    } else {
        Err(Refused::Openid)
    }
}
