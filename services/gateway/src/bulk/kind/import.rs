//! `kabao import`: new members.

use kabao_proto::kabao::v1 as proto;
use kabao_proto::kabao::v1::import_member_request::User;
use kabao_proto::kabao::v1::validity::{Days, Kind as ValidityKind, Range};

use super::{Kind, Read, batch_of};
use crate::bulk::cells::Cells;

/// Cards for users who are members already.
pub(crate) struct Import;

const RANGE: [&str; 2] = ["validity.range.begin_time", "validity.range.end_time"];
const DAYS: [&str; 2] = ["validity.days.valid_days", "validity.days.wait_days"];
const PERMANENT: &str = "validity.permanent";

impl Kind for Import {
    type Item = proto::ImportMemberRequest;

    const NAME: &'static str = "import";
    const COLUMNS: &'static [&'static str] = &[
        "parent",
        "openid",
        "phone_number",
        "code",
        "initial_values.membership_number",
        "initial_values.level",
        "initial_values.background_picture_url",
        "initial_values.points",
        "initial_values.balance",
        "pickup_time",
        RANGE[0],
        RANGE[1],
        DAYS[0],
        DAYS[1],
        PERMANENT,
        "request_id",
    ];

    fn read(cells: &mut Cells<'_>) -> Option<Read<Self::Item>> {
        let template = cells.template();
        let (openid, phone) = (cells.text("openid"), cells.text("phone_number"));
        let user = match (openid.is_empty(), phone.is_empty()) {
            (false, true) => Some(User::Openid(openid.clone())),
            (true, false) => Some(User::PhoneNumber(phone.clone())),
            (false, false) => {
                let what = "is given beside openid; one of them is enough";
                cells.fault("phone_number", what);
                None
            }
            (true, true) => {
                cells.fault("openid", "is missing, and so is phone_number");
                None
            }
        };
        let code = cells.text("code");
        let item = proto::ImportMemberRequest {
            parent: String::new(),
            user,
            code,
            initial_values: initial_values(cells),
            pickup_time: cells.moment("pickup_time"),
            validity: validity(cells),
            request_id: String::new(),
            view: 0,
        };
        let template = template?;
        Some(Read {
            account: format!("accounts/{}", template.account()),
            commutes: false,
            subject: format!("{template} {openid}{phone}"),
            item: proto::ImportMemberRequest {
                parent: template.to_string(),
                ..item
            },
        })
    }

    batch_of!(
        batch_import_members,
        BatchImportMembersRequest,
        batch_import_members_response::Member
    );
}

fn initial_values(cells: &mut Cells<'_>) -> Option<proto::InitialValues> {
    let values = proto::InitialValues {
        membership_number: cells.text("initial_values.membership_number"),
        level: cells.text("initial_values.level"),
        background_picture_url: cells.text("initial_values.background_picture_url"),
        points: cells.number("initial_values.points"),
        balance: cells.number("initial_values.balance"),
    };
    (values != proto::InitialValues::default()).then_some(values)
}

fn validity(cells: &mut Cells<'_>) -> Option<proto::Validity> {
    let given =
        |columns: &[&str], cells: &Cells<'_>| columns.iter().any(|column| cells.is_given(column));
    let kinds = [&RANGE[..], &DAYS[..], &[PERMANENT]].map(|columns| given(columns, cells));
    let (begin_time, end_time) = (cells.moment(RANGE[0]), cells.moment(RANGE[1]));
    let (valid_days, wait_days) = (cells.number(DAYS[0]), cells.number(DAYS[1]));
    let permanent = cells.flag(PERMANENT);
    let kind = match kinds {
        [true, false, false] => {
            for (column, moment) in RANGE.into_iter().zip([begin_time, end_time]) {
                if moment.is_none() && !cells.is_given(column) {
                    cells.fault(column, "is missing beside the other end");
                }
            }
            ValidityKind::Range(Range {
                begin_time,
                end_time,
            })
        }
        [false, true, false] => {
            if !cells.is_given(DAYS[0]) {
                cells.fault(DAYS[0], "is missing");
            }
            ValidityKind::Days(Days {
                valid_days: valid_days.unwrap_or_default(),
                wait_days: wait_days.unwrap_or_default(),
            })
        }
        [false, false, true] if permanent == Some(true) => ValidityKind::Permanent(()),
        [false, false, _] => return None,
        _ => {
            cells.fault("validity", "is of one kind: range, days or permanent");
            return None;
        }
    };
    Some(proto::Validity { kind: Some(kind) })
}
