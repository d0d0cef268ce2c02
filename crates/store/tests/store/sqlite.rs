//! The embedded store.

mod conformance {
    use async_trait::async_trait;
    use kabao_journal::Leases;
    use kabao_journal::conformance::{Fixture, Opened};
    use kabao_store::{EmbeddedSettings, Store};

    use crate::directory::Directory;

    struct Embedded(Directory);

    #[async_trait]
    impl Fixture for Embedded {
        async fn open(&self) -> Opened {
            let settings = EmbeddedSettings::new(self.0.path());
            let store = Store::open(&settings.clone().into()).await.unwrap();
            Opened {
                changes: store.changes(),
                leases: store.leases(),
            }
        }

        fn is_shared(&self) -> bool {
            false
        }

        async fn bury(&self, _replica: &str, _witness: &dyn Leases) {}
    }

    kabao_journal::conformance!(Embedded(Directory::new()));
}
