//! One call, and what came of each of its rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bulk::failure::{Failure, faults_of_items};
use crate::bulk::kind::{Batch, Client, Kind};
use crate::bulk::plan::Plan;

/// What came of one row.
pub(super) type Answer = (usize, Result<(), Failure>);

/// What came of one call.
pub(super) struct Called {
    pub(super) answers: Vec<Answer>,
    /// Rows that were not sent, because others of the call had faults.
    pub(super) unsent: Vec<usize>,
    /// Whether the gateway has answered at all.
    pub(super) is_answered: bool,
}

/// Sends rows in one call.
pub(super) async fn call<K: Kind>(client: Client, plan: Arc<Plan<K>>, rows: Vec<usize>) -> Called {
    let (mut sent, mut items) = (Vec::new(), Vec::new());
    for row in rows {
        if let Some(Some(entry)) = plan.entries.get(row) {
            sent.push(row);
            items.push(entry.item.clone());
        }
    }
    let batch = Batch {
        parent: plan.account.clone(),
        id: plan.id.clone(),
        items,
    };
    let outcome = K::send(client, batch).await;
    let mut answers: BTreeMap<usize, Result<(), Failure>> = BTreeMap::new();
    for (place, answer) in outcome.answers {
        answers.insert(place, answer.map_err(|status| Failure::of_item(&status)));
    }
    let mut is_answered = !answers.is_empty();
    let mut rest = Some(Failure::unanswered());
    if let Err(status) = outcome.end {
        let failure = Failure::of_call(&status);
        is_answered |= !failure.reason.is_empty();
        let mut faults = faults_of_items(&status);
        faults.retain(|(place, _)| *place < sent.len());
        rest = faults.is_empty().then_some(failure);
        answers.extend(faults.into_iter().map(|(place, fault)| (place, Err(fault))));
    }
    let mut called = Called {
        answers: Vec::new(),
        unsent: Vec::new(),
        is_answered,
    };
    for (place, row) in (0..).zip(sent) {
        let failed = || rest.clone().map(Err);
        match answers.remove(&place).or_else(failed) {
            Some(answer) => called.answers.push((row, answer)),
            None => called.unsent.push(row),
        }
    }
    called
}

#[cfg(test)]
mod tests {
    use kabao_api::RequestId;
    use tonic::transport::Endpoint;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;
    use crate::bulk::bearer::Bearer;
    use crate::bulk::cells::Cells;
    use crate::bulk::failure::Verdict;
    use crate::bulk::kind::{Read, Sent};
    use crate::bulk::table::{Format, Table};
    use tonic::service::interceptor::InterceptedService;

    /// A kind whose gateway refuses items of a number that is not even, all of them at once.
    struct Even;

    impl Kind for Even {
        type Item = i64;
        const NAME: &'static str = "even";
        const COLUMNS: &'static [&'static str] = &["number"];

        fn read(cells: &mut Cells<'_>) -> Option<Read<i64>> {
            let number = cells.number("number")?;
            Some(Read {
                item: number,
                account: "accounts/a".to_owned(),
                subject: number.to_string(),
                commutes: false,
            })
        }

        fn number(_: &mut i64, _: &RequestId) {}

        async fn send(_: Client, batch: Batch<i64>) -> Sent {
            let mut details = ErrorDetails::with_error_info(
                "FIELD_INVALID",
                "kabao",
                [("may_have_executed".to_owned(), "false".to_owned())],
            );
            let mut answers = Vec::new();
            for (place, number) in batch.items.into_iter().enumerate() {
                match number {
                    0 => {
                        details.add_bad_request_violation("parent", "is wrong");
                    }
                    number if number % 2 == 0 => answers.push((place, Ok(()))),
                    _ => {
                        let field = format!("items[{place}].number");
                        details.add_bad_request_violation(field, "must be even");
                    }
                }
            }
            if !details.has_bad_request_violations() {
                return Sent {
                    answers,
                    end: Ok(()),
                };
            }
            let status = Status::with_error_details(Code::InvalidArgument, "refused", details);
            Sent {
                answers: Vec::new(),
                end: Err(status),
            }
        }
    }

    async fn called(numbers: &str) -> Called {
        let text = format!("number\n{}\n", numbers.replace(' ', "\n"));
        let table = Table::read(Format::Csv, text.as_bytes(), Even::COLUMNS);
        let plan = Plan::<Even>::new(table.ok().unwrap(), None, None).unwrap();
        let rows = (0..plan.entries.len()).collect();
        let channel = Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        call(
            Client::new(InterceptedService::new(channel, Bearer::default())),
            Arc::new(plan),
            rows,
        )
        .await
    }

    #[tokio::test]
    async fn a_call_that_is_refused_for_some_rows_leaves_the_others_unsent() {
        let done = called("2 4 6").await;
        let expected: Vec<Answer> = (0..3).map(|row| (row, Ok(()))).collect();
        assert_eq!((done.answers, done.unsent), (expected, Vec::new()));

        let refused = called("2 3 4 5").await;
        assert_eq!(refused.unsent, [0, 2]);
        assert!(refused.is_answered);
        let places: Vec<_> = refused.answers.iter().map(|(row, _)| *row).collect();
        assert_eq!(places, [1, 3]);
        for (_, answer) in refused.answers {
            let failure = answer.unwrap_err();
            assert_eq!(failure.verdict(), Verdict::Refused);
            assert_eq!(failure.message, "number: must be even");
        }
    }

    #[tokio::test]
    async fn a_call_that_is_refused_for_itself_is_the_fault_of_no_row() {
        let refused = called("2 0").await;
        assert_eq!((refused.answers.len(), refused.unsent.len()), (2, 0));
        for (_, answer) in refused.answers {
            assert_eq!(answer.unwrap_err().verdict(), Verdict::Stops);
        }
    }
}
