//! The bounded form of the simulation, and the proof that it can fail.

use std::sync::Mutex;

use super::*;

const SEEDS: u64 = 500;

#[test]
fn the_promise_holds_whatever_happens() {
    let mut counts = Counts::default();
    for seed in 0..SEEDS {
        let run = simulate(seed, Options::default()).unwrap();
        assert!(
            run.violations.is_empty(),
            "seed {seed}: {}\ncargo run --release -p kabao-chaos -- simulate --seed {seed} --trace",
            run.violations[0]
        );
        counts.add(&run.counts);
    }
    // Something has happened, and of every kind.
    let Counts {
        calls,
        ok,
        effects,
        lost,
        crashes,
        pauses,
        store_faults,
        decisions,
    } = counts;
    assert!(ok > SEEDS * 10 && effects > SEEDS * 5, "{counts:?}");
    assert!(
        calls > ok && lost > SEEDS && crashes > SEEDS / 2,
        "{counts:?}"
    );
    assert!(pauses > SEEDS / 2 && store_faults > SEEDS / 2, "{counts:?}");
    assert!(decisions > 0, "{counts:?}");
}

/// Each of them in a run of the same seeds, all of which the code without it passes.
#[test]
fn every_planted_bug_is_found() {
    let is_missed = |bug: &Bug| {
        let options = Options {
            bug: Some(*bug),
            trace: false,
        };
        (0..SEEDS).all(|seed| simulate(seed, options).unwrap().violations.is_empty())
    };
    let missed = Mutex::new(Vec::new());
    let bugs = Mutex::new(Bug::ALL.iter());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let next = || bugs.lock().unwrap().next();
                while let Some(bug) = next() {
                    if is_missed(bug) {
                        missed.lock().unwrap().push(*bug);
                    }
                }
            });
        }
    });
    assert_eq!(missed.into_inner().unwrap(), []);
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    let options = Options {
        bug: None,
        trace: true,
    };
    for seed in 0..20 {
        let run = || simulate(seed, options).unwrap();
        let (one, other) = (run(), run());
        assert_eq!(one.trace, other.trace, "seed {seed}");
        assert_eq!(one.counts, other.counts, "seed {seed}");
    }
}
