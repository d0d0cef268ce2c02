use super::*;

fn claim(caller: &str, weight: u32) -> Claim {
    Claim {
        caller: Some(CallerKey::new(caller)),
        weight,
        urgency: Urgency::Interactive,
    }
}

fn bulk(caller: &str) -> Claim {
    Claim {
        urgency: Urgency::Bulk,
        ..claim(caller, 1)
    }
}

/// Gives so many turns to callers that always have so many waiting, and counts them.
fn share(callers: &[(&str, u32, usize)], turns: usize) -> Vec<usize> {
    let mut queue = Turns::new(10_000);
    let mut given = vec![0; callers.len()];
    for (index, (name, weight, waiting)) in callers.iter().enumerate() {
        for _ in 0..*waiting {
            queue.push(claim(name, *weight), index).unwrap();
        }
    }
    for _ in 0..turns {
        let index = queue.pop().unwrap();
        given[index] += 1;
        let (name, weight, _) = callers[index];
        queue.push(claim(name, weight), index).unwrap();
    }
    given
}

#[test]
fn callers_get_turns_by_their_weights_however_many_they_ask_for() {
    // Some always have one waiting, others hundreds.
    let equal = share(
        &[("a", 1, 1), ("b", 1, 500), ("c", 1, 3), ("d", 1, 1)],
        1000,
    );
    assert!(
        equal.iter().all(|given| (249..=251).contains(given)),
        "{equal:?}"
    );
    let weighed = share(&[("a", 1, 500), ("b", 2, 1), ("c", 4, 30)], 700);
    for (given, fair) in weighed.iter().zip([100_i32, 200, 400]) {
        let given = i32::try_from(*given).unwrap();
        assert!((given - fair).abs() <= 2, "{weighed:?}");
    }
}

#[test]
fn whoever_wants_little_gets_all_of_it_and_the_others_share_the_rest() {
    let mut queue = Turns::new(1000);
    for _ in 0..300 {
        queue.push(claim("a", 1), 'a').unwrap();
        queue.push(claim("b", 1), 'b').unwrap();
    }
    let mut given = HashMap::new();
    for turn in 0..200 {
        if turn % 5 == 0 {
            // A fifth is less than a third.
            queue.push(claim("little", 1), 'l').unwrap();
        }
        *given.entry(queue.pop().unwrap()).or_insert(0_u32) += 1;
    }
    assert!(given[&'l'] >= 39, "{given:?}");
    assert!(given[&'a'].abs_diff(given[&'b']) <= 1, "{given:?}");
}

#[test]
fn nobody_saves_turns_up() {
    let mut queue = Turns::new(1000);
    for _ in 0..100 {
        queue.push(claim("busy", 1), 'b').unwrap();
    }
    for _ in 0..50 {
        queue.pop();
    }
    for _ in 0..50 {
        queue.push(claim("late", 1), 'l').unwrap();
    }
    let late = (0..20).filter(|_| queue.pop() == Some('l')).count();
    assert!((9..=11).contains(&late), "{late}");
}

#[test]
fn interactive_calls_go_first_and_calls_in_bulk_have_a_tenth() {
    let mut queue = Turns::new(1000);
    for _ in 0..100 {
        queue.push(bulk("batch"), 'b').unwrap();
        queue.push(claim("person", 1), 'p').unwrap();
    }
    let first: Vec<_> = (0..30).filter_map(|_| queue.pop()).collect();
    assert_eq!(first.iter().filter(|who| **who == 'b').count(), 3);
    assert_eq!(&first[..9], &['p'; 9]);
    for _ in 0..1000 {
        queue.pop();
    }
    for _ in 0..50 {
        queue.push(bulk("batch"), 'b').unwrap();
    }
    for _ in 0..20 {
        assert_eq!(
            queue.pop(),
            Some('b'),
            "all of it while nobody else is there"
        );
    }
    queue.push(claim("person", 1), 'p').unwrap();
    assert_eq!(queue.pop(), Some('p'));
}

#[test]
fn of_a_full_queue_whoever_has_most_waiting_makes_way() {
    let mut queue = Turns::new(10);
    for number in 0..10 {
        queue.push(claim("greedy", 1), number).unwrap();
    }
    assert_eq!(queue.push(claim("greedy", 1), 10).unwrap_err(), 10);
    let (_, displaced) = queue.push(claim("modest", 1), 11).unwrap();
    assert_eq!(displaced, Some(9), "the newest of the longest");
    assert_eq!(queue.len(), 10);

    let mut queue = Turns::new(20);
    for number in 0..20 {
        queue.push(bulk("batch"), number).unwrap();
    }
    for number in 20..38 {
        let (_, displaced) = queue.push(claim("person", 1), number).unwrap();
        assert_eq!(displaced, Some(39 - number), "those in bulk make way first");
    }
    assert_eq!(
        queue.push(claim("person", 1), 38).unwrap_err(),
        38,
        "but some of them stay"
    );
}

#[test]
fn who_leaves_is_not_served() {
    let mut queue = Turns::new(10);
    let (first, _) = queue.push(claim("a", 1), 1).unwrap();
    let (_second, _) = queue.push(claim("a", 1), 2).unwrap();
    assert_eq!(queue.remove(&first), Some(1));
    assert_eq!(queue.remove(&first), None);
    assert_eq!(queue.pop(), Some(2));
    assert!(queue.is_empty() && queue.pop().is_none());
    assert_eq!(
        queue.interactive.callers.len(),
        0,
        "nobody is remembered for ever"
    );
}

#[test]
fn the_place_in_the_queue_is_foretold() {
    let callers = [("a", 1), ("b", 2), ("c", 4), ("d", 1)];
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    for _ in 0..200 {
        let mut queue = Turns::new(1000);
        for step in 0..random(60) {
            let (name, weight) = callers[usize::try_from(random(4)).unwrap()];
            let claim = match random(3) {
                0 => bulk(name),
                _ => claim(name, weight),
            };
            queue.push(claim, false).unwrap();
            if step % 3 == 0 {
                queue.pop();
            }
        }
        let claim = match random(2) {
            0 => bulk("a"),
            _ => claim("c", 4),
        };
        let foretold = queue.ahead(&claim);
        queue.push(claim.clone(), true).unwrap();
        let ahead = (0..).take_while(|_| queue.pop() == Some(false)).count();
        assert!(
            ahead.abs_diff(foretold) <= 1 + ahead / 9,
            "{claim:?}: {ahead}, not {foretold}"
        );
    }
}
