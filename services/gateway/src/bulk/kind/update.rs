//! `kabao update`: fields of members.

use kabao_proto::kabao::v1 as proto;

use super::{Kind, Read, batch_of};
use crate::bulk::cells::Cells;

/// Fields of members. A cell that is empty leaves its field alone.
pub(crate) struct Update;

const FIELDS: [&str; 5] = [
    "level",
    "membership_number",
    "background_picture_url",
    "points",
    "balance",
];

impl Kind for Update {
    type Item = proto::UpdateMemberRequest;

    const NAME: &'static str = "update";
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "code",
        "level",
        "membership_number",
        "background_picture_url",
        "points",
        "balance",
        "openid",
        "request_id",
    ];

    fn read(cells: &mut Cells<'_>) -> Option<Read<Self::Item>> {
        let member = cells.member();
        let given = FIELDS.into_iter().filter(|field| cells.is_given(field));
        let paths: Vec<String> = given.map(str::to_owned).collect();
        if paths.is_empty() {
            cells.fault("", format!("changes nothing; give {}", FIELDS.join(", ")));
        }
        let changed = proto::Member {
            level: cells.text("level"),
            membership_number: cells.text("membership_number"),
            background_picture_url: cells.text("background_picture_url"),
            points: cells.number("points"),
            balance: cells.number("balance"),
            ..proto::Member::default()
        };
        let openid = cells.text("openid");
        let member = member?;
        let name = member.resource_name();
        Some(Read {
            account: format!("accounts/{}", member.account()),
            commutes: false,
            item: proto::UpdateMemberRequest {
                member: Some(proto::Member {
                    name: name.clone(),
                    ..changed
                }),
                update_mask: Some(prost_types::FieldMask { paths }),
                openid,
                ..proto::UpdateMemberRequest::default()
            },
            subject: name,
        })
    }

    batch_of!(
        batch_update_members,
        BatchUpdateMembersRequest,
        batch_update_members_response::Member
    );
}
