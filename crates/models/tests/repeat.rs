//! What a request says of its repetition is what the catalogue says of its operation.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use kabao_models::official_account::member::UpdateUser;
use kabao_models::{AnyEndpoint, Endpoint, OperationVisitor, Repeat, operations, visit_operation};
use serde_json::json;

/// A request without any member, and one with a request number where the operation has one.
struct Requests;

impl OperationVisitor for Requests {
    type Output = [Box<dyn AnyEndpoint>; 2];

    fn visit<E: Endpoint>(self) -> Self::Output {
        let numbered: E = match E::OPERATION.request_number {
            Some(member) => serde_json::from_value(json!({ member: "n1" })).unwrap(),
            None => E::default(),
        };
        [Box::new(E::default()), Box::new(numbered)]
    }
}

#[test]
fn every_operation_knows_its_number_and_whether_it_may_be_repeated() {
    let mut numbered_operations = 0;
    for operation in operations() {
        let id = operation.id;
        let [bare, numbered] = visit_operation(id, Requests).unwrap();
        assert_eq!(bare.request_number(), None, "{id}");
        let expected = operation.request_number.map(|_| "n1");
        assert_eq!(numbered.request_number(), expected, "{id}");
        numbered_operations += usize::from(expected.is_some());

        let safe = (bare.is_safe_to_repeat(), numbered.is_safe_to_repeat());
        let expected = match operation.repeat {
            Repeat::Harmless => (true, true),
            Repeat::Numbered => (false, true),
            Repeat::Harmful => (false, false),
        };
        assert_eq!(safe, expected, "{id}");
    }
    assert!(numbered_operations > 10, "{numbered_operations}");
}

#[test]
fn a_difference_makes_an_absolute_change_one_that_acts_twice() {
    let user = UpdateUser::new("916679873278", "ph_gmt7cUVrlRk8swPwx7aDyF-pg");
    assert!(Endpoint::is_safe_to_repeat(&user));
    let adds = UpdateUser {
        add_bonus: Some(1),
        ..user
    };
    assert!(!Endpoint::is_safe_to_repeat(&adds));
}
