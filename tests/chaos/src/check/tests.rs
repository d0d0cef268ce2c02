//! Each way to break the promise, by hand.

use super::*;
use crate::history::Intent;

const MEMBER: &str = "1001";

/// A run in which `a` adds 10 and `b` adds 7 to 100, as it should be.
fn good() -> Evidence {
    let intent = |amount| Intent {
        member: MEMBER.to_owned(),
        asked: Asked::Add(amount),
    };
    let answer = |before, after| Answer {
        before: Some(before),
        after,
    };
    Evidence {
        intents: BTreeMap::from([("a".to_owned(), intent(10)), ("b".to_owned(), intent(7))]),
        events: vec![
            invoke(1, "a"),
            returned(1, Heard::Unknown("lost".to_owned())),
            invoke(2, "a"),
            returned(2, Heard::Ok(answer(100, 110))),
            invoke(3, "b"),
            returned(3, Heard::Failed("STORE".to_owned())),
            invoke(4, "b"),
            returned(4, Heard::Ok(answer(110, 117))),
            invoke(5, "a"),
            returned(5, Heard::Ok(answer(100, 110))),
        ],
        ledger: vec![effect(100, 110), effect(110, 117)],
        ends: BTreeMap::from([
            ("a".to_owned(), End::Applied),
            ("b".to_owned(), End::Applied),
        ]),
        initial: BTreeMap::from([(MEMBER.to_owned(), 100)]),
        last: BTreeMap::from([(MEMBER.to_owned(), 117)]),
        unanswered: Vec::new(),
    }
}

fn invoke(call: u64, id: &str) -> Event {
    Event::Invoke {
        call,
        id: id.to_owned(),
        other_content: false,
    }
}

fn returned(call: u64, heard: Heard) -> Event {
    Event::Return { call, heard }
}

fn effect(before: i64, after: i64) -> Effect {
    Effect {
        member: MEMBER.to_owned(),
        source: Source::Value,
        before,
        after,
        at: 10,
    }
}

fn foreign(before: i64, after: i64) -> Effect {
    Effect {
        source: Source::Foreign,
        ..effect(before, after)
    }
}

#[test]
fn a_kept_promise_has_no_violation() {
    assert_eq!(check(&good()), []);
    let mut numbered = good();
    for (effect, id) in numbered.ledger.iter_mut().zip(["a", "b"]) {
        effect.source = Source::Number(id.to_owned());
    }
    assert_eq!(check(&numbered), []);
}

#[test]
fn each_broken_promise_is_found() {
    let a = || "a".to_owned();
    let b = || "b".to_owned();
    type Spoil = fn(&mut Evidence);
    let rows: [(Spoil, Violation); 14] = [
        (
            |run| {
                run.ledger.pop();
                run.last.insert(MEMBER.to_owned(), 110);
            },
            Violation::Lost(b()),
        ),
        (
            |run| run.ledger.push(effect(117, 127)),
            Violation::Doubled(a(), 2),
        ),
        (
            |run| {
                run.ledger.push(Effect {
                    source: Source::Number("a".to_owned()),
                    ..effect(117, 127)
                });
            },
            Violation::Doubled(a(), 2),
        ),
        (
            |run| run.ledger.push(effect(117, 118)),
            Violation::Stray(effect(117, 118)),
        ),
        (
            |run| {
                run.ends.insert("a".to_owned(), End::Rejected);
            },
            Violation::Unproved(a(), Some(End::Rejected), 1),
        ),
        (
            |run| {
                run.ends.remove("b");
            },
            Violation::Unproved(b(), None, 1),
        ),
        (
            |run| {
                run.ledger.pop();
            },
            Violation::Unproved(b(), Some(End::Applied), 0),
        ),
        (
            |run| {
                run.ends.insert("a".to_owned(), End::Open);
            },
            Violation::Dropped(a()),
        ),
        (
            |run| {
                run.ends.insert("a".to_owned(), End::NeedsDecision);
            },
            Violation::NeedlessDecision(a()),
        ),
        (
            |run| {
                run.events.truncate(6);
            },
            Violation::FalseFailure(b()),
        ),
        (
            |run| {
                let refused = Heard::Refused("MEMBER_STATE_INVALID".to_owned());
                run.events.extend([invoke(6, "b"), returned(6, refused)]);
            },
            Violation::Unequal(
                b(),
                format!(
                    "{:?}",
                    Heard::Ok(Answer {
                        before: Some(110),
                        after: 117
                    })
                ),
                format!("{:?}", Heard::Refused("MEMBER_STATE_INVALID".to_owned())),
            ),
        ),
        (
            |run| {
                run.ledger = vec![effect(100, 107), effect(107, 117)];
            },
            Violation::WrongAnswer(
                b(),
                Answer {
                    before: Some(110),
                    after: 117,
                },
                effect(100, 107),
            ),
        ),
        (
            |run| {
                run.last.insert(MEMBER.to_owned(), 118);
            },
            Violation::Balance(MEMBER.to_owned(), 117, 118),
        ),
        (
            |run| run.unanswered.push("a".to_owned()),
            Violation::Stuck(a()),
        ),
    ];
    for (spoil, expected) in rows {
        let mut run = good();
        spoil(&mut run);
        let found = check(&run);
        assert!(
            found.contains(&expected),
            "{expected} is not among {found:?}"
        );
    }
}

#[test]
fn another_content_under_an_id_must_be_refused() {
    let mut run = good();
    run.events.push(Event::Invoke {
        call: 9,
        id: "a".to_owned(),
        other_content: true,
    });
    let answer = Answer {
        before: None,
        after: 1,
    };
    let mut refused = run.clone();
    refused
        .events
        .push(returned(9, Heard::Failed("REQUEST_ID_REUSED".to_owned())));
    assert_eq!(check(&refused), []);
    run.events.push(returned(9, Heard::Ok(answer)));
    assert_eq!(check(&run), [Violation::Reused("a".to_owned())]);
}

#[test]
fn an_absolute_value_on_top_of_itself_is_one_effect() {
    let mut run = good();
    run.ledger.insert(1, effect(110, 110));
    assert_eq!(check(&run), []);
}

#[test]
fn what_somebody_else_wrote_excuses_what_nobody_can_tell_apart() {
    // Between the reading and the writing of `b`.
    let mut run = good();
    run.ledger = vec![effect(100, 110), foreign(110, 300), effect(300, 117)];
    assert_eq!(check(&run), []);
    // After the first writing of `b`, whose answer was lost.
    run.ledger = vec![
        effect(100, 110),
        effect(110, 117),
        foreign(117, 300),
        effect(300, 117),
    ];
    assert_eq!(check(&run), []);
    // A person may be needed then.
    run.ends.insert("b".to_owned(), End::NeedsDecision);
    run.ledger.pop();
    run.last.insert(MEMBER.to_owned(), 300);
    assert_eq!(check(&run), []);
    // But no second addition.
    run.ledger.push(effect(300, 310));
    run.last.insert(MEMBER.to_owned(), 310);
    assert!(check(&run).contains(&Violation::Doubled("a".to_owned(), 2)));
}
