use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;

/// The defaults of a gateway.
const BOUNDS: Bounds = Bounds {
    total: 1024,
    per_connection: 512,
    per_caller: 768,
};

fn peer(address: u8, connection: u64) -> Peer {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, address));
    Peer {
        connection,
        caller: address.into(),
    }
}

/// Takes until nothing is given any more.
fn drain(pool: &Pool, peer: Peer) -> (Vec<Place>, Bound) {
    let mut places = Vec::new();
    loop {
        match pool.take(Some(peer)) {
            Ok(place) => places.push(place),
            Err(bound) => return (places, bound),
        }
    }
}

#[test]
fn one_connection_gets_its_share_and_no_more() {
    let pool = Pool::new(BOUNDS);
    let (places, bound) = drain(&pool, peer(1, 1));
    assert_eq!((places.len(), bound), (512, Bound::Connection));
    drop(places);
    assert_eq!(pool.taken(), 0);
}

#[test]
fn one_caller_leaves_a_quarter_for_the_others_however_many_connections_it_has() {
    let pool = Pool::new(BOUNDS);
    let mut all = Vec::new();
    let mut last = None;
    for connection in 0..100 {
        let (places, bound) = drain(&pool, peer(1, connection));
        all.extend(places);
        last = Some(bound);
    }
    assert_eq!((all.len(), last), (768, Some(Bound::Caller)));
    let (others, _) = drain(&pool, peer(2, 1000));
    assert!(others.len() >= 64, "{}", others.len());
}

#[test]
fn beside_four_greedy_connections_of_one_caller_a_fifth_one_finds_room() {
    let pool = Pool::new(BOUNDS);
    let greedy: Vec<_> = (0..4).map(|it| drain(&pool, peer(1, it)).0).collect();
    let sizes: Vec<_> = greedy.iter().map(Vec::len).collect();
    assert_eq!(sizes, [512, 170, 57, 19]);
    let (fifth, _) = drain(&pool, peer(1, 4));
    assert_eq!(fifth.len(), 6);
}

#[test]
fn beside_four_greedy_callers_a_fifth_one_finds_room() {
    let pool = Pool::new(BOUNDS);
    let mut held = Vec::new();
    for address in 1..=4 {
        for connection in 0..256 {
            let connection = u64::from(address) * 1000 + connection;
            held.push(drain(&pool, peer(address, connection)).0);
        }
    }
    let (places, bound) = drain(&pool, peer(5, 5000));
    assert!(!places.is_empty());
    // It has not used up its own bounds: there is no more.
    assert_eq!(bound, Bound::Total);
}

#[test]
fn whoever_may_have_everything_gets_everything() {
    let bounds = Bounds {
        total: 10,
        per_connection: 10,
        per_caller: 10,
    };
    let (places, bound) = drain(&Pool::new(bounds), peer(1, 1));
    assert_eq!((places.len(), bound), (10, Bound::Total));
}

#[test]
fn small_pools_have_a_place_for_everybody_who_has_none() {
    for total in 1..20 {
        let pool = Pool::new(Bounds {
            total,
            per_connection: 1,
            per_caller: 1,
        });
        let places: Vec<_> = (1..=20)
            .filter_map(|address| pool.take(Some(peer(address, address.into()))).ok())
            .collect();
        assert_eq!(places.len(), total, "{total}");
    }
}

#[test]
fn whoever_is_unknown_is_bound_by_the_total_alone() {
    let pool = Pool::new(BOUNDS);
    let places: Vec<_> = (0..2000).map_while(|_| pool.take(None).ok()).collect();
    assert_eq!(places.len(), 1024);
    assert_eq!(pool.take(None).unwrap_err(), Bound::Total);
}

#[test]
fn nobody_is_remembered_who_has_nothing() {
    let pool = Pool::new(BOUNDS);
    for connection in 0..1000 {
        drop(pool.take(Some(peer(1, connection))).unwrap());
    }
    let taken = pool.0.taken();
    assert!(taken.connections.is_empty() && taken.callers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pool_is_full_from_the_last_sixteenth_on_and_without_interruption() {
    let pool = Pool::new(Bounds {
        total: 32,
        per_connection: 32,
        per_caller: 32,
    });
    let start = Instant::now();
    let mut places: Vec<_> = (0..30).map(|_| pool.take(None).unwrap()).collect();
    assert_eq!(pool.full_since(), None);
    places.push(pool.take(None).unwrap());
    assert_eq!(pool.full_since(), Some(start));
    tokio::time::advance(Duration::from_secs(5)).await;
    // One more or less makes no difference.
    drop(pool.take(None).unwrap());
    assert_eq!(pool.full_since(), Some(start));
    places.pop();
    assert_eq!(pool.full_since(), None);
    places.push(pool.take(None).unwrap());
    assert_eq!(pool.full_since(), Some(start + Duration::from_secs(5)));
}

#[test]
fn one_caller_alone_does_not_fill_the_pool() {
    let pool = Pool::new(BOUNDS);
    let _held: Vec<_> = (0..100).map(|it| drain(&pool, peer(1, it)).0).collect();
    assert_eq!(pool.full_since(), None);
}

#[test]
fn a_network_of_ipv6_is_one_caller_and_a_mapped_address_is_that_of_ipv4() {
    let caller = |text: &str| Caller::from(text.parse::<IpAddr>().unwrap());
    assert_eq!(caller("2001:db8:1:2::1"), caller("2001:db8:1:2:ffff::9"));
    assert_ne!(caller("2001:db8:1:2::1"), caller("2001:db8:1:3::1"));
    assert_eq!(caller("::ffff:127.0.0.1"), caller("127.0.0.1"));
    assert_ne!(caller("127.0.0.1"), caller("127.0.0.2"));
}
