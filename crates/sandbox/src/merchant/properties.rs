//! Properties of the core under random sequences of operations and user actions.

mod deed;
mod promise;
mod step;
mod world;

use proptest::prelude::*;

use self::step::steps;
use self::world::World;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Stock is never negative, codes are unique, final states are final, balances and points are
    /// the sum of what the ledger says, every answer conforms to the catalogue.
    #[test]
    fn the_core_keeps_its_promises(strict in any::<bool>(), steps in steps()) {
        let mut world = World::new(strict);
        for step in &steps {
            world.take(step);
            world.check();
        }
    }
}
