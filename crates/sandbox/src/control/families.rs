//! The families by name.

use kabao_models::Family;

use super::family::FamilyControl;
use super::{brand, merchant, official_account};

/// All families, in the order in which they are shown.
pub(super) const ALL: [Family; 3] = [Family::Merchant, Family::Brand, Family::OfficialAccount];

/// Returns the side of a family that the control API uses.
pub(super) fn of(family: Family) -> &'static dyn FamilyControl {
    match family {
        Family::Merchant => &merchant::Merchant,
        Family::Brand => &brand::Brand,
        Family::OfficialAccount => &official_account::OfficialAccount,
    }
}
