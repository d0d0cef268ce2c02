//! Listing and sweeping.

use kabao_api::ChangeState;

use super::{Fixture, Opened, account, all, applied, change, fresh, ok, time};
use crate::store::{ChangeFilter, ChangeUpdate, NewChange};

/// Account, states, subject, place and number narrow a listing, alone and together.
pub async fn lists_are_filtered_and_paged_in_both_orders(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    let mut places = Vec::new();
    for index in 0..12_u32 {
        let account = if index % 3 == 0 { "b" } else { "a" };
        let id = format!("{index}");
        let ticket = fresh(changes.begin(change(account, &id)).await);
        let state = match index % 4 {
            0 => ChangeState::Applied,
            1 => ChangeState::Rejected,
            2 => ChangeState::Unknown,
            _ => ChangeState::Intent,
        };
        let update = ChangeUpdate {
            state,
            ..applied(None)
        };
        ok(changes.update(ticket, update).await);
        places.push(ticket.sequence);
    }
    // All changes of one subject, open or not.
    let again = NewChange {
        subject: Some("subject 0".to_owned()),
        ..change("b", "again")
    };
    places.push(fresh(changes.begin(again).await).sequence);
    let states = |index: usize| match index {
        12 => ChangeState::Intent,
        _ => match index % 4 {
            0 => ChangeState::Applied,
            1 => ChangeState::Rejected,
            2 => ChangeState::Unknown,
            _ => ChangeState::Intent,
        },
    };
    let in_b = |index: usize| index.is_multiple_of(3);
    let wanted_states = [
        Vec::new(),
        vec![ChangeState::Unknown],
        vec![ChangeState::Applied, ChangeState::Intent],
        vec![ChangeState::Sent],
        ChangeState::ALL.to_vec(),
    ];
    for wanted in &wanted_states {
        for account_id in [None, Some("a"), Some("b"), Some("c")] {
            for subject in [None, Some("subject 0"), Some("subject 5")] {
                for (after, newest_first) in [
                    (None, false),
                    (None, true),
                    (Some(4), false),
                    (Some(7), true),
                ] {
                    for limit in [0, 1, 3, 100_u32] {
                        let filter = ChangeFilter {
                            account: account_id.map(account),
                            states: wanted.clone(),
                            subject: subject.map(str::to_owned),
                            after: after.and_then(|index: usize| places.get(index).copied()),
                            newest_first,
                            limit,
                        };
                        let listed = ok(changes.list(&filter).await);
                        let listed: Vec<i64> =
                            listed.iter().map(|change| change.ticket.sequence).collect();
                        let matches = |index: &usize| {
                            let is_of = match subject {
                                None => true,
                                Some("subject 0") => [0, 12].contains(index),
                                Some(_) => *index == 5,
                            };
                            is_of
                                && account_id
                                    .is_none_or(|id| id == if in_b(*index) { "b" } else { "a" })
                                && (wanted.is_empty() || wanted.contains(&states(*index)))
                                && after.is_none_or(|after| match newest_first {
                                    true => *index < after,
                                    false => *index > after,
                                })
                        };
                        let mut expected: Vec<usize> = (0..places.len()).filter(matches).collect();
                        if newest_first {
                            expected.reverse();
                        }
                        let limit = usize::try_from(limit).expect("a small number");
                        expected.truncate(limit);
                        let expected: Vec<i64> = expected
                            .iter()
                            .filter_map(|index| places.get(*index).copied())
                            .collect();
                        assert_eq!(listed, expected, "{filter:?}");
                    }
                }
            }
        }
    }
}

/// Open changes are never swept, whatever their age.
pub async fn sweeping_removes_only_what_has_ended_before(fixture: &dyn Fixture) {
    let Opened { changes, .. } = fixture.open().await;
    for (id, state, at) in [
        ("1", ChangeState::Applied, 10),
        ("2", ChangeState::Rejected, 11),
        ("3", ChangeState::Applied, 20),
        ("4", ChangeState::Unknown, 10),
        ("5", ChangeState::Sent, 10),
        ("6", ChangeState::Intent, 10),
        ("7", ChangeState::Applied, 12),
    ] {
        let ticket = fresh(changes.begin(change("a", id)).await);
        let update = ChangeUpdate {
            state,
            time: time(at),
            ..applied(None)
        };
        ok(changes.update(ticket, update).await);
    }
    assert_eq!(ok(changes.sweep(time(10), 100).await), 0);
    assert_eq!(ok(changes.sweep(time(20), 2).await), 2);
    assert_eq!(ok(changes.sweep(time(20), 2).await), 1);
    assert_eq!(ok(changes.sweep(time(20), 2).await), 0);
    let left = ok(changes.list(&all()).await);
    let left: Vec<&str> = left.iter().map(|change| change.key.id.as_str()).collect();
    assert_eq!(left, ["3", "4", "5", "6"]);
    fresh(changes.begin(change("a", "1")).await);
}
