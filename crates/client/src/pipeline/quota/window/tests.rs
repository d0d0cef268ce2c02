use super::*;

const TEN: Limit = Limit {
    calls: 10,
    length: Duration::from_secs(1),
};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Calls that leave as soon as they may, one after another while there are always more, until `end`; each is signed for
/// `signing`. Whoever gives turns is woken `late`.
fn saturate(
    window: &mut Window,
    from: Instant,
    end: Instant,
    signing: Duration,
    late: Duration,
) -> Vec<Instant> {
    let (mut now, mut left) = (from, Vec::new());
    let mut signed: VecDeque<Instant> = VecDeque::new();
    while now < end {
        while signed.front().is_some_and(|at| *at <= now) {
            left.extend(signed.pop_front());
            window.leave(now);
        }
        let wake = match window.next_in_turn(now) {
            Next::Now => {
                window.start(now);
                signed.push_back(now + signing);
                continue;
            }
            Next::At(at) => Some(at + late),
            Next::Unknown => None,
        };
        now = [wake, signed.front().copied()]
            .into_iter()
            .flatten()
            .min()
            .unwrap();
    }
    left
}

/// The most that leave within any second.
fn most_in_a_second(left: &[Instant]) -> usize {
    let counts = left.iter().map(|from| {
        let second = *from..*from + ms(1000);
        left.iter().filter(|at| second.contains(at)).count()
    });
    counts.max().unwrap_or_default()
}

#[test]
fn the_documented_limit_is_the_strictest_of_second_and_minute() {
    let second = |calls, seconds| {
        Some(Limit {
            calls,
            length: Duration::from_secs(seconds),
        })
    };
    let rows = [
        ((Some(10), None, None), second(10, 1)),
        ((None, Some(10_000), Some(500_000)), second(166, 1)),
        ((None, Some(30), None), second(30, 60)),
        ((Some(5), Some(60), None), second(1, 1)),
        ((Some(5), Some(6000), None), second(5, 1)),
        ((None, None, Some(2000)), None),
        ((Some(0), None, None), second(1, 1)),
    ];
    for ((per_second, per_minute, per_day), limit) in rows {
        let documented = RateLimit {
            per: "merchant",
            per_second,
            per_minute,
            per_day,
        };
        assert_eq!(Limit::of(&documented), limit, "{documented:?}");
    }
}

#[test]
fn as_many_as_a_second_allows_leave_at_once_after_a_pause() {
    let (mut window, now) = (Window::new(TEN), Instant::now());
    for _ in 0..10 {
        assert_eq!(window.next(now), Next::Now);
        window.start(now);
        window.leave(now);
    }
    assert_eq!(window.next(now), Next::At(now + ms(1005)));
    assert_eq!(window.next(now + ms(1005)), Next::Now);
}

#[test]
fn under_saturation_no_second_has_one_too_many_and_almost_none_is_lost() {
    // How long signing takes, and how late wakings are.
    for (signing, late, least) in [(0, 0, 990), (0, 2, 990), (2, 2, 990), (200, 0, 800)] {
        let (mut window, from) = (Window::new(TEN), Instant::now());
        let left = saturate(&mut window, from, from + ms(100_000), ms(signing), ms(late));
        assert_eq!(most_in_a_second(&left), 10, "{signing} {late}");
        // Of 1,000 that are allowed.
        let used = left.len();
        assert!(used >= least, "{signing} {late}: {used}");
    }
}

#[test]
fn those_that_wait_leave_one_after_another() {
    let (mut window, from) = (Window::new(TEN), Instant::now());
    let left = saturate(&mut window, from, from + ms(10_000), ms(0), ms(0));
    let gaps = left.windows(2).map(|pair| pair[1] - pair[0]);
    let gaps: Vec<_> = gaps.skip(10).collect();
    assert!(gaps.iter().all(|gap| *gap < ms(110)), "{gaps:?}");
}

#[test]
fn one_that_does_not_leave_costs_nothing() {
    let (mut window, now) = (Window::new(TEN), Instant::now());
    for _ in 0..10 {
        window.start(now);
    }
    assert_eq!(window.next(now), Next::Unknown);
    window.stay();
    assert_eq!(window.next(now), Next::Now);
}

#[test]
fn what_came_late_to_wechat_counts_from_then() {
    let (mut window, mut now) = (Window::new(TEN), Instant::now());
    // Connections take 150 ms to open, and answers 30 ms: at first, and again after a while.
    for _ in 0..2 {
        let numbers: Vec<_> = (0..10)
            .map(|_| {
                window.start(now);
                window.leave(now)
            })
            .collect();
        for number in &numbers {
            window.land(*number, now + ms(180), ms(180));
        }
        let Next::At(next) = window.next(now + ms(1005)) else {
            panic!("no more may leave at once");
        };
        assert!(next >= now + ms(1150), "{:?}", next - now);
        assert_eq!(window.next(now + ms(1190)), Next::Now);
        window.start(now + ms(1190));
        let number = window.leave(now + ms(1190));
        window.land(number, now + ms(1220), ms(30));
        now += ms(10_000);
    }
}

#[test]
fn answers_that_take_long_as_usual_delay_nothing() {
    let (mut window, mut now) = (Window::new(TEN), Instant::now());
    for _ in 0..5 {
        for _ in 0..10 {
            window.start(now);
            let number = window.leave(now);
            window.land(number, now + ms(200), ms(200));
        }
        now += ms(1205);
    }
    assert_eq!(window.next(now), Next::Now);
    window.next(now - ms(200));
    assert!(window.left.iter().all(|(left, _)| *left == now - ms(1205)));
}

#[test]
fn a_refusal_lowers_the_rate_once_a_window_and_it_recovers_slowly() {
    let (mut window, now) = (Window::new(TEN), Instant::now());
    assert_eq!(window.rate(now), 1000);
    assert!(window.lower(now));
    assert!(!window.lower(now + ms(900)), "of the same window");
    assert_eq!(window.rate(now), 700);
    assert_eq!(window.pace(now), ms(1005) * 1000 / 700 / 10);
    assert!(window.lower(now + ms(1500)));
    assert_eq!(window.rate(now + ms(1500)), 497);
    assert_eq!(window.rate(now + ms(11_500)), 597);
    assert_eq!(window.rate(now + ms(60_000)), 1000);
    let mut at = now;
    for _ in 0..30 {
        at += ms(11_000);
        window.lower(at);
        window.lower(at + ms(5_500));
    }
    assert!(window.rate(at) >= LOWEST);
}

#[test]
fn a_limit_that_is_documented_nowhere_is_learned_and_forgotten() {
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let mut window = Window::learned(100, start);
    assert_eq!(window.part(start), 70);
    assert!(!window.lower(start), "those of one second have one reason");
    assert!(window.lower(after(2)));
    assert_eq!(window.part(after(2)), 50);
    assert_eq!(window.part(after(22)), 70, "one more a second");
    for second in 30..60 {
        window.lower(after(2 * second));
    }
    assert!((1..=4).contains(&window.part(after(118))));
    assert!(!window.is_forgotten(after(118 + 599)));
    assert!(window.is_forgotten(after(118 + 600)));
    assert!(!Window::new(TEN).is_forgotten(after(10_000)));
}
