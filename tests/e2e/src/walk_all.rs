//! All families: every operation of the catalogue succeeds on one of the walks.

use std::collections::BTreeSet;

use crate::{walk_brand, walk_merchant, walk_official_account};

#[tokio::test]
async fn every_operation_of_the_catalogue_is_covered() {
    let walks = [
        walk_merchant::covered().await,
        walk_brand::covered().await,
        walk_official_account::covered().await,
    ];
    let covered: BTreeSet<&str> = walks.into_iter().flatten().map(String::as_str).collect();
    let all: Vec<&str> = kabao_models::operations()
        .map(|operation| operation.id)
        .collect();
    let missing: Vec<_> = all.iter().filter(|id| !covered.contains(*id)).collect();
    assert!(missing.is_empty(), "not covered: {missing:?}");
    assert_eq!(covered.len(), all.len());
    println!("operations covered: {} of {}", covered.len(), all.len());
}
