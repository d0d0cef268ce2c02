//! The optional arguments of a request, each set by a method of its own.

/// Gives a request its setters: the method, the field with what the method takes, and what is kept.
macro_rules! setters {
    ($request:ident: $($setter:ident($field:ident: $taken:ty) = $kept:expr;)*) => {
        impl $request {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, $field: $taken) -> Self {
                    self.$field = $kept;
                    self
                }
            )*
        }
    };
}

pub(crate) use setters;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use kabao_models::official_account::CardType;

    use crate::{
        AddCard, AdjustMember, Change, ChooseCard, ImportMember, ImportedUser, MemberUpdate,
        PageRequest, PageToken, TemplateUpdate, Validity, View,
    };

    #[test]
    fn each_setter_sets_its_own_field() {
        let card = AddCard {
            card_id: "c".to_owned(),
            code: Some("1".into()),
            openid: Some("o".into()),
            fixed_begintimestamp: Some(3),
            outer_str: Some("s".to_owned()),
            outer_id: Some(4),
        };
        let made = AddCard::new("c").with_code("1").with_openid("o");
        let made = made.with_fixed_begintimestamp(3).with_outer_str("s");
        assert!(made.with_outer_id(4) == card);

        let choice = ChooseCard {
            shop_id: Some("s".to_owned()),
            card_type: Some(CardType::MemberCard),
            card_id: Some("c".to_owned()),
        };
        let made = ChooseCard::new().with_shop_id("s").with_card_id("c");
        assert_eq!(made.with_card_type(CardType::MemberCard), choice);

        let name: crate::MemberName = "accounts/a/templates/t/members/1".parse().unwrap();
        let adjust = AdjustMember {
            name: name.clone(),
            openid: Some("o".into()),
            change: Change::Add(5),
            minimum: Some(6),
            remark: Some("r".into()),
            notify: Some(true),
            request_id: Some("n-1".parse().unwrap()),
        };
        let made = AdjustMember::new(name.clone(), Change::Add(5)).with_openid("o");
        let made = made.with_minimum(6).with_remark("r").with_notify(true);
        assert_eq!(made.with_request_id("n-1".parse().unwrap()), adjust);

        let user = ImportedUser::Openid("o".into());
        let import = ImportMember {
            template: name.template().clone(),
            user: user.clone(),
            code: Some("1".into()),
            initial: MemberUpdate {
                level: Some("l".to_owned()),
                membership_number: Some("m".into()),
                background_picture_url: Some("b".to_owned()),
                points: Some(1),
                balance: Some(2),
            },
            pickup_time: Some(SystemTime::UNIX_EPOCH),
            validity: Some(Validity::Permanent),
            request_id: Some("n-1".parse().unwrap()),
            view: View::Full,
        };
        let initial = MemberUpdate::new().with_level("l").with_points(1);
        let initial = initial.with_membership_number("m").with_balance(2);
        let made = ImportMember::new(name.template().clone(), user)
            .with_code("1")
            .with_initial(initial.with_background_picture_url("b"))
            .with_pickup_time(SystemTime::UNIX_EPOCH)
            .with_validity(Validity::Permanent)
            .with_request_id("n-1".parse().unwrap())
            .with_view(View::Full);
        assert_eq!(made, import);

        let update = TemplateUpdate {
            title: Some("t".to_owned()),
            description: Some("d".to_owned()),
            service_phone: Some("s".to_owned()),
            logo_url: Some("l".to_owned()),
            background_picture_url: Some("b".to_owned()),
        };
        let made = TemplateUpdate::new().with_title("t").with_description("d");
        let made = made.with_service_phone("s").with_logo_url("l");
        assert_eq!(made.with_background_picture_url("b"), update);

        let page = PageRequest {
            size: Some(7),
            token: Some(PageToken::new("p")),
        };
        let made = PageRequest::new().with_size(7);
        assert_eq!(made.with_token(PageToken::new("p")), page);
    }
}
