//! What the commands say of themselves.

/// What holds for every command that changes something.
macro_rules! changes_notes {
    () => {
        "
Lengths and what a family can do are checked by the gateway. An empty cell gives nothing. In JSON lines the
columns are members of an object; initial_values.level may stand in an object of its own.

All rows are checked before anything is sent. Every fault is a line on standard error, with line and column;
if there is any, nothing is sent. Columns that nobody knows and rows of another length are told before the rest.

Every row is done once, however often the command is run. The id of a row is its request_id, or it follows
from the batch id and the place of the row, and the batch id follows from what all rows say. So:
  - After Ctrl-C, a crash or an error, the very same command goes on where it ended.
  - A file that was begun must not be edited. FILE.state, which has what became of each row, notices that,
    and nothing is sent. Rows that are new or corrected go into a file of their own.
  - FILE.state must stay beside the file until all is done. The gateway remembers changes for at least 72
    hours; a row that was sent longer ago and whose end is not known is not sent again, but listed.
  - A file that says the same as one that is done already does nothing. To do it once more (next month's
    points), give another --batch-id and another --state.
  - Where rows have a request_id of their own (numbers of orders), no other file does them twice either, for
    as long as the gateway remembers them.

Refused rows are written as they stand, with reason and message, into a file beside FILE: points.errors.csv for
points.csv. Nothing happened for them, and nothing will. Correct them there and give that file; a row that has a
request_id of its own takes a new one. Rows whose end is not known are not among them: run the command again.

Exit codes:
  0    every row is done
  1    not every row is done, or nothing was sent; standard error says why
  2    the command line cannot be understood
  130  interrupted: what was in flight has ended (143 if terminated)"
    };
}

pub(super) const ADJUST: &str = concat!(
    "\
Columns, of which a row has name or code, and add or set_to; those of kabao.v1.AdjustPointsRequest:
  name        the member              accounts/acme/templates/pbLatj.../members/478515832665
  code        the same, with --parent 478515832665
  add         points to add           100, or -20 to take away
  set_to      points to set           500
  minimum     refused if below after  0
  remark      text for the user       Birthday
  notify      WeChat tells the user   true, false
  openid      of the member; brand    obLatjnx9gnqzS4myYGmLZ7LgLBA
  request_id  id of this one change   order-4711

Examples:
  kabao adjust --file points.csv
  kabao adjust --file points.csv --parent accounts/acme/templates/pbLatjvWOibDc5-TBnbUk1pD12o0
  kabao adjust --file points.csv --batch-id birthdays-2026-03 --state birthdays-2026-03.state
  kabao adjust --file points.errors.csv --server kabao.internal:443 --ca ca.pem --cert me.pem --key me.key
",
    changes_notes!()
);

pub(super) const UPDATE: &str = concat!(
    "\
Columns, of which a row has name or code, and at least one field; those of kabao.v1.Member:
  name                    the member               accounts/acme/templates/pbLatj.../members/478515832665
  code                    the same, with --parent  478515832665
  level                   merchant, brand          Gold
  membership_number       merchant                 10086
  background_picture_url  from an upload           https://mmbiz.qpic.cn/a
  points                  official_account         500
  balance                 official_account         1200
  openid                  of the member; brand     obLatjnx9gnqzS4myYGmLZ7LgLBA
  request_id              id of this one change    level-4711

Examples:
  kabao update --file levels.csv
  kabao update --file levels.jsonl --parent accounts/acme/templates/pbLatjvWOibDc5-TBnbUk1pD12o0
",
    changes_notes!()
);

pub(super) const IMPORT: &str = concat!(
    "\
Columns, of which a row has openid or phone_number; those of kabao.v1.ImportMemberRequest:
  parent                                 the template          accounts/acme/templates/pbLatj...
  openid                                 the user              obLatjnx9gnqzS4myYGmLZ7LgLBA
  phone_number                           the user              13800000417
  code                                   of the member         478515832665
  initial_values.membership_number                             10086
  initial_values.level                   brand                 Gold
  initial_values.background_picture_url  brand                 https://mmbiz.qpic.cn/a
  initial_values.points                                        500
  initial_values.balance                                       1200
  pickup_time                            brand                 2025-12-24T10:00:00+08:00
  validity.range.begin_time              brand                 2026-01-01T00:00:00+08:00
  validity.range.end_time                brand                 2027-01-01T00:00:00+08:00
  validity.days.valid_days               brand                 365
  validity.days.wait_days                brand                 0
  validity.permanent                     brand                 true
  request_id                             id of this one card   signup-4711

Examples:
  kabao import --file members.csv
  kabao import --file members.csv --parent accounts/acme/templates/pbLatjvWOibDc5-TBnbUk1pD12o0 --rate 10
  kabao import --file members.jsonl --skip-invalid
",
    changes_notes!()
);

pub(super) const EXPORT: &str = "\
Columns of the list, of which a row has name or code:
  name    the member               accounts/acme/templates/pbLatj.../members/478515832665
  code    the same, with --parent  478515832665
  openid  of the member; brand     obLatjnx9gnqzS4myYGmLZ7LgLBA

The list may come from standard input, as --file - with --format. What is written has the columns name, state,
upstream_state, openid, membership_number, level, balance, points, background_picture_url, nickname and
change_in_progress, in the order in which members were read; in JSON lines, what is not known is left out.
Personal data goes into that file and nowhere else.

A file that is there already goes on: members that are in it are not read again, and what a crash has cut off
at its end is read anew. So after Ctrl-C the very same command goes on. To read all of them once more, name
another file. Members that cannot be read are written, with reason and message, into members.errors.csv for the
output members.csv, and are tried again by the next run.

Examples:
  kabao export --file codes.csv --output members.csv --parent accounts/acme/templates/pbLatjvWOibDc5-TBnbUk1pD12o0
  grep -v test codes.csv | kabao export --file - --format csv --output members.jsonl

Exit codes:
  0    every member is in the file
  1    not every one is; standard error says why
  2    the command line cannot be understood
  130  interrupted (143 if terminated)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::{Adjust, EXPORT_COLUMNS, Import, Kind, Update};

    #[test]
    fn every_column_is_explained_with_an_example() {
        for (help, columns) in [
            (ADJUST, Adjust::COLUMNS),
            (UPDATE, Update::COLUMNS),
            (IMPORT, Import::COLUMNS),
            (EXPORT, EXPORT_COLUMNS),
        ] {
            for column in columns {
                let is_explained = |line: &str| {
                    let mut words = line.split_whitespace();
                    line.starts_with("  ") && words.next() == Some(column) && words.next().is_some()
                };
                assert!(help.lines().any(is_explained), "{column}");
            }
        }
    }
}
