use super::*;

/// A breaker with the usual settings, and the beginning of its time.
struct Bench {
    breaker: Breaker,
    start: Instant,
}

impl Bench {
    fn new() -> Self {
        Self {
            breaker: Breaker::new(BreakerSettings::default()),
            start: Instant::now(),
        }
    }

    fn at(&self, milliseconds: u64) -> Instant {
        self.start + Duration::from_millis(milliseconds)
    }

    fn ask(&mut self, at: u64) -> Result<Pass, u128> {
        let now = self.at(at);
        self.breaker
            .ask(now, Probe::May)
            .map_err(|pause| pause.as_millis())
    }

    fn report(&mut self, at: u64, pass: &Pass, outcome: Outcome) -> Option<Change> {
        let now = self.at(at);
        self.breaker.report(pass, outcome, now, 0)
    }

    /// One attempt that begins and ends at once.
    fn attempt(&mut self, at: u64, outcome: Outcome) -> Option<Change> {
        let pass = self.ask(at).expect("it is let pass");
        self.report(at, &pass, outcome)
    }

    fn opened(&mut self) {
        for _ in 0..5 {
            self.attempt(0, Bad);
        }
        assert!(self.ask(0).is_err());
    }
}

use Outcome::{Bad, Good, Nothing};

/// Attempts of one kind, one every so many milliseconds.
type Row = (usize, Outcome, u64);

#[test]
fn the_table_of_what_opens_it() {
    // What happens, and after how many attempts it is open.
    let rows: [(&[Row], Option<usize>); 12] = [
        (&[(4, Bad, 1)], None),
        (&[(5, Bad, 1)], Some(5)),
        // However far apart.
        (&[(5, Bad, 60_000)], Some(5)),
        (&[(4, Bad, 1), (1, Good, 1), (4, Bad, 1)], None),
        (&[(4, Bad, 1), (3, Nothing, 1), (1, Bad, 1)], Some(8)),
        (&[(100, Good, 1), (5, Bad, 1)], Some(105)),
        (&[(1000, Good, 1)], None),
        (&[(100, Nothing, 1)], None),
        // Every other one fails: after twenty within ten seconds.
        (&PAIRS[..], Some(20)),
        (&PAIRS[..18], None),
        // Every third one fails.
        (&THIRDS[..], None),
        // Every other one, but too few of them at a time.
        (&SLOW_PAIRS[..], None),
    ];
    for (number, (row, opens)) in rows.into_iter().enumerate() {
        let mut bench = Bench::new();
        let (mut at, mut attempts, mut opened) = (0, 0, None);
        for (times, outcome, every) in row {
            for _ in 0..*times {
                if opened.is_some() {
                    break;
                }
                at += every;
                attempts += 1;
                if bench.attempt(at, *outcome) == Some(Change::Opened) {
                    opened = Some(attempts);
                }
            }
        }
        assert_eq!(opened, opens, "row {number}");
    }
}

const PAIRS: [Row; 40] = alternating(2, 400);
const THIRDS: [Row; 40] = alternating(3, 10);
const SLOW_PAIRS: [Row; 40] = alternating(2, 600);

const fn alternating(one_in: usize, every: u64) -> [Row; 40] {
    let mut rows = [(1, Good, every); 40];
    let mut index = one_in - 1;
    while index < rows.len() {
        rows[index].1 = Bad;
        index += one_in;
    }
    rows
}

#[test]
fn while_it_is_open_nothing_passes_and_it_says_for_how_long() {
    let mut bench = Bench::new();
    bench.opened();
    for (at, left) in [(0, 1000), (1, 999), (999, 1)] {
        assert_eq!(bench.ask(at).unwrap_err(), left);
    }
    assert!(bench.ask(1000).unwrap().is_probe);
}

#[test]
fn one_probe_at_a_time_and_a_good_one_closes_it() {
    let mut bench = Bench::new();
    bench.opened();
    let probe = bench.ask(1000).unwrap();
    assert_eq!(bench.ask(1000).unwrap_err(), 1000);
    assert!(bench.ask(60_000).is_err(), "however long it takes");
    assert_eq!(bench.report(60_000, &probe, Good), Some(Change::Closed));
    assert!(!bench.ask(60_000).unwrap().is_probe);
    // It starts anew: four failures are none too many.
    for _ in 0..4 {
        assert_eq!(bench.attempt(60_000, Bad), None);
    }
    assert_eq!(bench.attempt(60_000, Bad), Some(Change::Opened));
    assert_eq!(
        bench.ask(60_000).unwrap_err(),
        1000,
        "the first pause of a row"
    );
}

#[test]
fn pauses_grow_with_every_bad_probe() {
    let mut bench = Bench::new();
    bench.opened();
    let mut at = 1000;
    for pause in [2000, 4000, 8000, 16_000, 30_000, 30_000] {
        assert_eq!(bench.attempt(at, Bad), Some(Change::Opened));
        assert_eq!(u64::try_from(bench.ask(at).unwrap_err()).unwrap(), pause);
        at += pause;
    }
}

#[test]
fn a_probe_that_shows_nothing_lets_the_next_one_try() {
    let mut bench = Bench::new();
    bench.opened();
    assert_eq!(bench.attempt(1000, Nothing), None);
    assert!(bench.ask(1000).unwrap().is_probe);
}

#[test]
fn what_passed_before_a_change_says_nothing_after_it() {
    let mut bench = Bench::new();
    let early = bench.ask(0).unwrap();
    bench.opened();
    assert_eq!(bench.report(1, &early, Good), None);
    assert!(bench.ask(1).is_err());
    let probe = bench.ask(1000).unwrap();
    assert_eq!(bench.report(1000, &early, Good), None);
    assert!(bench.ask(1000).is_err(), "the probe is still under way");
    bench.report(1001, &probe, Good);
    for _ in 0..9 {
        assert_eq!(bench.report(1002, &early, Bad), None);
        assert_eq!(bench.report(1002, &probe, Bad), None);
    }
    assert!(bench.ask(1002).is_ok());
}

#[test]
fn jitter_makes_a_pause_longer_by_a_quarter_at_most() {
    for (jitter, until) in [(0, 1000), (500, 1125), (1000, 1250), (5000, 1250)] {
        let mut bench = Bench::new();
        let now = bench.at(0);
        assert_eq!(bench.breaker.trip(now, jitter), Some(Change::Opened));
        assert_eq!(bench.breaker.trip(now, jitter), None, "once");
        assert_eq!(bench.ask(0).unwrap_err(), until);
    }
}

#[test]
fn who_may_not_probe_leaves_the_probe_to_others() {
    let mut bench = Bench::new();
    bench.opened();
    let now = bench.at(1000);
    assert!(bench.breaker.ask(now, Probe::MayNot).is_err());
    assert!(bench.breaker.refusal(now).is_none());
    assert!(bench.ask(1000).unwrap().is_probe);
    assert!(bench.breaker.refusal(now).is_some());
}
