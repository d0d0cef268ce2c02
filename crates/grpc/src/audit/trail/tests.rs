use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

const METHOD: &str = "kabao.v1.MemberService/AdjustPoints";

/// Keeps what it is told, in words.
#[derive(Default)]
struct Book {
    lines: Mutex<Vec<String>>,
    full: AtomicBool,
}

impl Book {
    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

impl Audit for Book {
    fn admit(&self) -> Result<(), Error> {
        match self.full.load(Ordering::Relaxed) {
            true => Err(Error::new(Reason::Store, "no room")),
            false => Ok(()),
        }
    }

    fn record(&self, record: &AuditRecord<'_>) {
        let line = format!(
            "{:?} caller={} item={:?} subjects={} {:?} {} change={} unknown={} upstream={}",
            record.kind,
            record.caller.map_or("-", CallerId::as_str),
            record.item,
            record.subjects.len(),
            record.code,
            record.reason.map_or("-", Reason::as_str),
            record.change.map_or("-", ChangeState::as_str),
            record.may_have_executed,
            record.upstream_request_id.unwrap_or("-"),
        );
        self.lines.lock().unwrap().push(line);
    }
}

fn trail(book: &Arc<Book>) -> Trail {
    let trail = Trail::new(
        Arc::<Book>::clone(book),
        METHOD,
        CallId::new("c-1").unwrap(),
        None,
    );
    trail.caller(&"till".parse().unwrap());
    trail
}

fn begun(book: &Arc<Book>) -> Trail {
    let trail = trail(book);
    let id = "order-1".parse().unwrap();
    trail.begin(Some(&id), || vec!["name".to_owned()]).unwrap();
    trail
}

type Ending = fn(&Trail);

fn unknown() -> Error {
    Error::new(Reason::OutcomeUnknown, "nobody knows")
}

#[test]
fn a_change_has_one_record_whatever_happens_after_its_end() {
    let book = Arc::new(Book::default());
    let trail = begun(&book);
    let witness = trail.witness().unwrap();
    witness.answered("08F5");
    witness.written(ChangeState::Applied);
    trail.end(Code::Ok, None);
    trail.end(Code::Cancelled, None);
    witness.written(ChangeState::Applied);
    assert_eq!(
        book.lines(),
        ["Change caller=till item=None subjects=1 Ok - change=APPLIED unknown=false upstream=08F5"]
    );
}

#[test]
fn an_end_that_the_caller_did_not_hear_of_is_told_once_it_is_known() {
    // What the caller was told: nothing, that nobody knows, or that its time was up.
    let cancelled: Ending = |trail| trail.end(Code::Cancelled, None);
    let doubtful: Ending = |trail| {
        trail.failed(&unknown());
        trail.end(Code::Unknown, None);
    };
    let late: Ending = |trail| trail.end(Code::DeadlineExceeded, Some(Reason::DeadlineExceeded));
    let ends: [(Ending, &str); 3] = [
        (cancelled, "Cancelled -"),
        (doubtful, "Unknown OUTCOME_UNKNOWN"),
        (late, "DeadlineExceeded DEADLINE_EXCEEDED"),
    ];
    for (end, told) in ends {
        let book = Arc::new(Book::default());
        let trail = begun(&book);
        let witness = trail.witness().unwrap();
        end(&trail);
        let record = |kind: &str, rest: &str| {
            format!("{kind} caller=till item=None subjects=1 {told} {rest}")
        };
        let first = record("Change", "change=- unknown=true upstream=-");
        assert_eq!(book.lines(), [first]);
        witness.written(ChangeState::Unknown);
        assert!(book.lines().is_empty());
        witness.answered("08F5");
        witness.written(ChangeState::Rejected);
        let second = record("LateEnd", "change=REJECTED unknown=false upstream=08F5");
        assert_eq!(book.lines(), [second]);
        witness.written(ChangeState::Rejected);
        assert!(book.lines().is_empty());
    }
}

#[test]
fn a_caller_that_leaves_after_the_end_was_written_has_one_record_with_the_end() {
    let book = Arc::new(Book::default());
    let trail = begun(&book);
    trail.witness().unwrap().written(ChangeState::Applied);
    trail.end(Code::Cancelled, None);
    assert_eq!(
        book.lines(),
        [
            "Change caller=till item=None subjects=1 Cancelled - change=APPLIED unknown=false upstream=-"
        ]
    );
}

#[test]
fn refusals_for_who_calls_are_written_down_and_those_of_fields_are_not() {
    let refused = |reason: Reason| {
        let book = Arc::new(Book::default());
        let by_service = trail(&book);
        by_service.failed(&Error::new(reason, "no"));
        by_service.end(Code::PermissionDenied, None);
        let by_layer = trail(&book);
        by_layer.end(Code::PermissionDenied, Some(reason));
        book.lines()
    };
    for reason in [
        Reason::Unauthenticated,
        Reason::PermissionDenied,
        Reason::CredentialNotExposed,
    ] {
        let line = format!(
            "Refusal caller=till item=None subjects=0 PermissionDenied {} change=- unknown=false upstream=-",
            reason.as_str()
        );
        assert_eq!(refused(reason), [line.clone(), line]);
    }
    for reason in [
        Reason::FieldInvalid,
        Reason::NameInvalid,
        Reason::UpstreamPermissionDenied,
        Reason::Overloaded,
    ] {
        assert!(refused(reason).is_empty(), "{reason:?}");
    }
}

#[test]
fn a_refusal_inside_a_call_that_succeeds_is_written_down() {
    let book = Arc::new(Book::default());
    let trail = trail(&book);
    trail.failed(&Error::new(Reason::PermissionDenied, "not this account"));
    trail.end(Code::Ok, None);
    assert_eq!(
        book.lines(),
        [
            "Refusal caller=till item=None subjects=0 Ok PERMISSION_DENIED change=- unknown=false upstream=-"
        ]
    );
}

#[test]
fn without_room_for_its_record_nothing_may_be_changed_and_nothing_is_written() {
    let book = Arc::new(Book::default());
    book.full.store(true, Ordering::Relaxed);
    let trail = trail(&book);
    let error = trail.begin(None, || panic!("nobody asks")).unwrap_err();
    trail.failed(&error);
    trail.end(Code::Unavailable, None);
    assert!(book.lines().is_empty());
}

#[test]
fn items_have_records_of_their_own_also_if_nobody_works_at_them_any_more() {
    let book = Arc::new(Book::default());
    let call = trail(&book);
    let done = call.item(0);
    done.trail().begin(None, Vec::new).unwrap();
    done.trail().end(Code::Ok, None);
    drop(done);
    let left = call.item(1);
    left.trail().begin(None, Vec::new).unwrap();
    drop(left);
    let never_begun = call.item(2);
    drop(never_begun);
    call.end(Code::Cancelled, None);
    assert_eq!(
        book.lines(),
        [
            "Change caller=till item=Some(0) subjects=0 Ok - change=- unknown=false upstream=-",
            "Change caller=till item=Some(1) subjects=0 Cancelled - change=- unknown=true upstream=-",
        ]
    );
}
