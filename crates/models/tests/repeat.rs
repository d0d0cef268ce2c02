//! What a request says of its repetition is what the catalogue says of its operation.

use kabao_models::official_account::member::UpdateUser;
use kabao_models::{Endpoint, Record, Repeat, Value, operations};

#[test]
fn every_operation_knows_its_number_and_whether_it_may_be_repeated() {
    let mut numbered_operations = 0;
    for operation in operations() {
        let id = operation.id;
        let (bare, mut numbered) = (operation.new_request(), operation.new_request());
        if let Some(member) = operation.request_number {
            let record: &mut dyn Record = &mut *numbered;
            let slot = record.named_slot(member);
            assert!(
                slot.is_some_and(|slot| slot.set(Value::Text("n1".into()))),
                "{id}"
            );
        }
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
