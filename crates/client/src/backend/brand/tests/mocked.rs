//! The backend over an upstream that is none: which of two ways it goes.

use kabao_api::{AdjustMember, Change, MockUpstream};
use kabao_models::brand::UserPoints;
use kabao_models::brand::direct_user_points::SyncDirectUserPoints;
use kabao_models::brand::user_points::SyncUserPoints;

use super::super::*;
use super::{MemberApi, OPENID, Reason, context, name};
use crate::testing::mocked;

fn adjust(change: Change) -> AdjustMember {
    AdjustMember::new(name(), change).with_openid(OPENID)
}

#[tokio::test]
async fn a_brand_speaks_through_its_provider_or_for_itself() {
    for route in [Route::Provider, Route::Direct] {
        let mut upstream = MockUpstream::new();
        upstream
            .expect_execute()
            .once()
            .returning(move |context, request| {
                let asked = request.as_any();
                let points = match route {
                    Route::Provider => {
                        let sync: &SyncUserPoints = asked.downcast_ref().unwrap();
                        assert_eq!(sync.brand_id.as_deref(), Some("1004"));
                        sync.point_balance
                    }
                    Route::Direct => {
                        let sync: &SyncDirectUserPoints = asked.downcast_ref().unwrap();
                        sync.point_balance
                    }
                };
                assert_eq!(points, Some(70));
                assert!(request.request_number().is_some() && !context.is_repeatable());
                Ok(Box::new(UserPoints {
                    point_balance: Some(71),
                    ..UserPoints::default()
                }))
            });
        let backend = Brand {
            ground: mocked(upstream),
            brand_id: "1004".to_owned(),
            route,
        };
        let done = backend
            .adjust_points(&context(), adjust(Change::SetTo(70)))
            .await
            .unwrap();
        assert_eq!((done.before, done.after), (None, 71));
        // Nothing tells the present value, so nothing is asked for.
        let error = backend
            .adjust_points(&context(), adjust(Change::Add(1)))
            .await
            .unwrap_err();
        assert_eq!(error.reason(), Reason::NotSupportedByFamily);
    }
}
