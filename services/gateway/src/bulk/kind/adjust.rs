//! `kabao adjust`: points.

use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::adjust_points_request::Change;

use super::{Kind, Read, batch_of};
use crate::bulk::cells::Cells;

/// Points of members.
pub(crate) struct Adjust;

impl Kind for Adjust {
    type Item = proto::AdjustPointsRequest;

    const NAME: &'static str = "adjust";
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "code",
        "add",
        "set_to",
        "minimum",
        "remark",
        "notify",
        "openid",
        "request_id",
    ];

    fn read(cells: &mut Cells<'_>) -> Option<Read<Self::Item>> {
        let member = cells.member();
        let (add, set_to) = (cells.number("add"), cells.number("set_to"));
        let change = match (cells.is_given("add"), cells.is_given("set_to")) {
            (true, true) => {
                cells.fault("set_to", "is given beside add; one of them is enough");
                None
            }
            (false, false) => {
                cells.fault("add", "is missing, and so is set_to");
                None
            }
            _ => add.map(Change::Add).or(set_to.map(Change::SetTo)),
        };
        let item = proto::AdjustPointsRequest {
            name: String::new(),
            change,
            minimum: cells.number("minimum"),
            remark: cells.text("remark"),
            notify: cells.flag("notify"),
            request_id: String::new(),
            openid: cells.text("openid"),
        };
        let member = member?;
        let name = member.resource_name();
        Some(Read {
            account: format!("accounts/{}", member.account()),
            commutes: matches!(change, Some(Change::Add(_))),
            item: proto::AdjustPointsRequest {
                name: name.clone(),
                ..item
            },
            subject: name,
        })
    }

    batch_of!(
        batch_adjust_points,
        BatchAdjustPointsRequest,
        batch_adjust_points_response::Adjustment
    );
}
