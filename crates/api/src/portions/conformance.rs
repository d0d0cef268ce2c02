//! What everything that keeps portions has to pass.

use super::{Ask, Holding, Need, Portions, Shared};

const NEED: Need = Need {
    calls: 7,
    starved: 2,
};

/// Runs two processes against each other. They have held nothing of a limit whose name begins with `conformance`.
///
/// # Panics
/// Says what is not as it should be.
#[expect(clippy::panic, clippy::unwrap_used, reason = "it is a test")]
pub async fn check(one: &dyn Portions, two: &dyn Portions) {
    let held = |answer: Vec<Shared>| match answer.as_slice() {
        [shared] => shared.held,
        other => panic!("one limit was asked for: {other:?}"),
    };
    assert!(one.period() * 2 <= one.kept_for());

    // Whoever comes first gets what it wants, the next one what is left, and each hears of the other.
    assert_eq!(held(one.share(1, &[ask("a", 7)]).await.unwrap()), 7);
    let two_after_one = two.share(1, &[ask("a", 7)]).await.unwrap();
    let of_one = Holding {
        held: 7,
        need: NEED,
    };
    let [shared] = two_after_one.as_slice() else {
        panic!("{two_after_one:?}");
    };
    assert_eq!((shared.held, shared.others.as_slice()), (3, &[of_one][..]));
    let place_of_two = shared.place;
    let again = one.share(2, &[ask("a", 7)]).await.unwrap();
    let [shared] = again.as_slice() else {
        panic!("{again:?}");
    };
    assert_eq!((shared.held, shared.others.len()), (7, 1));
    assert_eq!(shared.place + place_of_two, 1, "one is before the other");

    // Nobody gets more before somebody gives up.
    assert_eq!(held(two.share(2, &[ask("a", 10)]).await.unwrap()), 3);
    assert_eq!(held(one.share(3, &[ask("a", 4)]).await.unwrap()), 4);
    assert_eq!(held(two.share(3, &[ask("a", 10)]).await.unwrap()), 6);
    assert_eq!(held(one.share(4, &[ask("a", 10)]).await.unwrap()), 4);

    // What comes late does nothing and is told nothing.
    assert!(one.share(2, &[ask("a", 1)]).await.unwrap().is_empty());
    assert!(one.share(4, &[ask("a", 1)]).await.unwrap().is_empty());
    assert_eq!(held(two.share(4, &[ask("a", 10)]).await.unwrap()), 6);

    // Many limits in one step, in any order; one does not touch the other.
    let many = ["c", "b", "a"].map(|name| ask(name, 2));
    let mut answer = one.share(5, &many).await.unwrap();
    answer.sort_by(|one, other| one.limit.cmp(&other.limit));
    let names: Vec<_> = answer
        .iter()
        .map(|shared| (shared.limit.as_str(), shared.held, shared.others.len()))
        .collect();
    let name = |limit: &str| format!("conformance/{limit}");
    let (a, b, c) = (name("a"), name("b"), name("c"));
    assert_eq!(
        names,
        [(a.as_str(), 2, 1), (b.as_str(), 2, 0), (c.as_str(), 2, 0)]
    );
    assert!(one.share(6, &[]).await.unwrap().is_empty());

    // A capacity that differs takes nothing away from others and gives nothing that they hold.
    let smaller = Ask {
        capacity: 5,
        ..ask("a", 5)
    };
    assert_eq!(held(one.share(7, &[smaller]).await.unwrap()), 0);
    assert_eq!(held(two.share(5, &[ask("a", 10)]).await.unwrap()), 10);
}

fn ask(limit: &str, wanted: u32) -> Ask {
    Ask {
        limit: format!("conformance/{limit}"),
        capacity: 10,
        wanted,
        need: NEED,
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::*;

    #[tokio::test]
    async fn the_model_passes() {
        let model = Model::default();
        check(&model.replica("one"), &model.replica("two")).await;
    }

    #[tokio::test]
    async fn what_the_dead_held_is_free_and_they_hold_nothing() {
        let model = Model::default();
        let (one, two) = (model.replica("one"), model.replica("two"));
        one.share(1, &[ask("a", 9)]).await.unwrap();
        model.bury("one");
        assert!(one.share(2, &[ask("a", 9)]).await.unwrap().is_empty());
        let answer = two.share(1, &[ask("a", 10)]).await.unwrap();
        assert_eq!(answer.first().unwrap().held, 10);
        assert_eq!(model.held("conformance/a"), 10);
        model.set_down(true);
        assert!(two.share(2, &[ask("a", 10)]).await.is_err());
    }
}
