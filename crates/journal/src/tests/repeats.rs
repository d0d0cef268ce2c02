//! The same id again: the same answer, one effect.

use super::*;

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_nothing_is_sent() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateway = world.gateway();
        let first = gateway.add("a", 10).await.unwrap();
        assert_eq!(first, Adjustment::new(Some(100), 110));
        let requests = world.wechat.requests();
        // Something else happens meanwhile, and the process dies.
        world.wechat.set_points(CODE, 500);
        let gateway = world.crash(gateway);
        assert_eq!(gateway.add("a", 10).await.unwrap(), first);
        assert_eq!((world.wechat.requests(), world.effects()), (requests, 1));
        assert_eq!(gateway.change("a").await.state, ChangeState::Applied);
    }
}

#[tokio::test]
async fn an_id_means_one_content() {
    let world = World::new(Family::Merchant);
    let gateway = world.gateway();
    gateway.add("a", 10).await.unwrap();
    let requests = world.wechat.requests();
    for change in [Change::Add(11), Change::SetTo(10)] {
        let error = gateway.adjust("a", change).await.unwrap_err();
        assert_eq!(error.reason(), Reason::RequestIdReused);
        assert_eq!(error.violations()[0].field, "request_id");
    }
    assert_eq!(world.wechat.requests(), requests);
}

#[tokio::test]
async fn many_callers_with_one_id_make_one_effect() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateway = Arc::new(world.gateway());
        let calls = (0..200).map(|_| {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move { gateway.add("a", 10).await })
        });
        for call in calls.collect::<Vec<_>>() {
            let answer = call.await.unwrap().unwrap();
            assert_eq!(answer, Adjustment::new(Some(100), 110));
        }
        assert_eq!((world.points(), world.effects()), (110, 1));
    }
}

#[tokio::test]
async fn a_change_that_finds_no_room_is_not_written_down_and_a_repeat_needs_none() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateway = world.gateway();
        let first = gateway.add("done", 10).await.unwrap();
        let operation = || -> Box<dyn kabao_models::AnyEndpoint> {
            match family {
                Family::OfficialAccount => Box::new(UpdateUser {
                    code: Some(CODE.into()),
                    bonus: Some(300),
                    ..UpdateUser::default()
                }),
                _ => {
                    let mut update = UpdateUserCardRights::new("t1", CODE, "family");
                    update.bonus_value = Some(300);
                    Box::new(update)
                }
            }
        };
        let by_family = context().with_request_id("family".parse().unwrap());
        world.wechat.fill(true);
        // If anything were written, the store would say that it fails.
        world.store.fail(u32::MAX, Failing::Refused);
        let portable = gateway.add("new", 10).await.unwrap_err();
        let family_call = gateway.upstream.execute(&by_family, operation()).await;
        for error in [portable, family_call.map(drop).unwrap_err()] {
            assert_eq!(error.reason(), Reason::Overloaded);
            assert!(error.is_retryable() && !error.may_have_executed());
            assert!(error.retry_after().is_some());
        }
        assert_eq!(gateway.add("done", 10).await.unwrap(), first);
        world.store.fail(0, Failing::Refused);
        for id in ["new", "family"] {
            let unknown = gateway.changes.get_change(&change_name(id)).await;
            assert_eq!(unknown.unwrap_err().reason(), Reason::ChangeNotFound);
        }
        // The ids are free, also for a corrected call.
        world.wechat.fill(false);
        gateway.add("new", 11).await.unwrap();
        let done = gateway.upstream.execute(&by_family, operation()).await;
        done.map(drop).unwrap();
        assert_eq!((world.points(), world.effects()), (300, 3));
    }
}

#[tokio::test]
async fn a_repeat_is_answered_though_no_more_changes_may_run() {
    let world = World::new(Family::Merchant);
    let settings = Settings {
        max_running: 1,
        ..Settings::default()
    };
    let gateway = Arc::new(world.gateway_of(Arc::new(TestClock), settings));
    let first = gateway.add("done", 10).await.unwrap();
    world.wechat.fates([Fate::LostAfter]);
    let unknown = gateway.add("unknown", 10).await.unwrap_err();
    assert_eq!(unknown.reason(), Reason::OutcomeUnknown);
    let other: MemberName = "accounts/acme/templates/t1/members/2".parse().unwrap();
    world.wechat.fates([Fate::Late(Duration::from_secs(1))]);
    let running = tokio::spawn({
        let gateway = Arc::clone(&gateway);
        let request = AdjustMember::new(other, Change::SetTo(1));
        async move { gateway.members.adjust_points(&context(), request).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(gateway.add("done", 10).await.unwrap(), first);
    let error = gateway.add("done", 11).await.unwrap_err();
    assert_eq!(error.reason(), Reason::RequestIdReused);
    for (id, may_have_executed) in [("new", false), ("unknown", true)] {
        let error = gateway.add(id, 10).await.unwrap_err();
        assert_eq!(error.reason(), Reason::Overloaded, "{id}");
        assert_eq!(error.may_have_executed(), may_have_executed, "{id}");
    }
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn only_of_a_change_that_is_certainly_new_it_is_said_beforehand_that_there_is_no_room() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateway = Arc::new(world.gateway());
        gateway.add("done", 10).await.unwrap();
        world.wechat.fates([Fate::Late(Duration::from_secs(1))]);
        let running = tokio::spawn({
            let gateway = Arc::clone(&gateway);
            async move { gateway.add("running", 10).await }
        });
        // The change runs before anything of it is in the store.
        tokio::task::yield_now().await;
        world.wechat.fill(true);
        let portable = |id: Option<&str>| {
            let mut request = AdjustMember::new(member(), Change::Add(10));
            request.request_id = id.map(|id| id.parse().unwrap());
            let request = MemberRequest::AdjustPoints(request);
            gateway.members.refusal(&context(), &request)
        };
        let by_family = |id: Option<&str>| {
            let mut context = context();
            context.request_id = id.map(|id| id.parse().unwrap());
            gateway.upstream.refusal(&context, &UpdateUser::default())
        };
        for (id, is_new) in [
            (None, true),
            (Some("new"), true),
            (Some("done"), false),
            (Some("running"), false),
        ] {
            let refusals = [portable(id), by_family(id)];
            for refusal in refusals {
                let reason = refusal.map(|error| error.reason());
                assert_eq!(reason, is_new.then_some(Reason::Overloaded), "{id:?}");
            }
        }
        let read = MemberRequest::Get(kabao_api::GetMember::new(member()));
        assert!(gateway.members.refusal(&context(), &read).is_some());
        world.wechat.fill(false);
        running.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_refusal_of_wechat_is_remembered_and_one_of_the_moment_is_not() {
    let world = World::new(Family::OfficialAccount);
    let gateway = world.gateway();
    world.wechat.fates([Fate::Refused]);
    for _ in 0..2 {
        let error = gateway.add("refused", 10).await.unwrap_err();
        assert_eq!(error.reason(), Reason::MemberStateInvalid);
        assert_eq!(error.upstream().unwrap().code, "MODEL");
    }
    assert_eq!(gateway.change("refused").await.state, ChangeState::Rejected);
    assert_eq!(world.effects(), 0);

    world.wechat.fates([Fate::NotSent]);
    let error = gateway.add("later", 10).await.unwrap_err();
    assert!(error.reason() == Reason::UpstreamUnavailable && !error.may_have_executed());
    let unknown = gateway
        .changes
        .get_change(&change_name("later"))
        .await
        .unwrap_err();
    assert_eq!(unknown.reason(), Reason::ChangeNotFound);
    // The id is free, also for a corrected call.
    gateway.add("later", 11).await.unwrap();
    assert_eq!(world.points(), 111);
}

#[tokio::test]
async fn a_refusal_before_anything_was_sent_leaves_the_id_free() {
    let world = World::new(Family::Merchant);
    let gateway = world.gateway();
    let error = gateway.add("a", -200).await.unwrap_err();
    assert_eq!(error.reason(), Reason::PreconditionFailed);
    assert!(world.store.changes().is_empty());
    gateway.add("a", -20).await.unwrap();
    assert_eq!(world.points(), 80);
}

#[tokio::test]
async fn nothing_is_sent_that_could_not_be_remembered() {
    let world = World::new(Family::OfficialAccount);
    let gateway = world.gateway();
    world.store.fail(1, Failing::Refused);
    let error = gateway.add("a", 10).await.unwrap_err();
    assert!(error.reason() == Reason::Store && !error.may_have_executed() && error.is_retryable());
    assert_eq!(world.effects(), 0);
    assert_eq!(gateway.add("a", 10).await.unwrap().after, 110);
}

/// A store may have done what it says it failed to do. Nobody may have it sent later who heard that nothing was.
#[tokio::test]
async fn a_plan_that_a_failing_store_kept_is_taken_back() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateway = world.gateway();
        world.store.fail(1, Failing::Done);
        let error = gateway.add("a", 10).await.unwrap_err();
        assert!(
            error.reason() == Reason::Store && !error.may_have_executed(),
            "{error:?}"
        );
        assert!(world.store.changes().is_empty());
        gateway.reconcile().await;
        assert_eq!(world.effects(), 0, "{family}");

        // Where nobody can tell whether it was taken back, the error says so.
        world.store.fail(2, Failing::Done);
        let error = gateway.add("b", 10).await.unwrap_err();
        assert!(
            error.reason() == Reason::OutcomeUnknown && error.is_retryable(),
            "{error:?}"
        );
    }
}

/// What a failed sync leaves behind may become durable later, so that it is not to be found proves nothing.
#[tokio::test]
async fn a_plan_that_shows_only_later_was_not_called_unsent() {
    for family in FAMILIES {
        let world = World::new(family);
        let gateway = world.gateway();
        world.store.fail(1, Failing::Hidden);
        let error = gateway.add("a", 10).await.unwrap_err();
        assert!(
            error.reason() == Reason::OutcomeUnknown && error.is_retryable(),
            "{error:?}"
        );
        assert_eq!(world.effects(), 0);
        world.store.reopen();
        gateway.reconcile().await;
        let expected = Adjustment::new(Some(100), 110);
        assert_eq!(gateway.add("a", 10).await.unwrap(), expected);
        assert_eq!((world.points(), world.effects()), (110, 1), "{family}");
    }
}

#[tokio::test]
async fn an_end_that_cannot_be_written_is_not_told() {
    for (failing, family) in [
        (Failing::Refused, Family::Merchant),
        (Failing::Refused, Family::OfficialAccount),
        (Failing::Done, Family::Merchant),
    ] {
        let world = World::new(family);
        let gateway = world.gateway();
        let wechat = world.wechat.clone();
        let store = world.store.clone();
        // The second write fails: the one of the outcome.
        wechat.choose(move || {
            store.fail(1, failing);
            Fate::Answered
        });
        let error = gateway.add("a", 10).await.unwrap_err();
        assert!(
            error.reason() == Reason::OutcomeUnknown && error.is_retryable(),
            "{error:?}"
        );
        wechat.choose(|| Fate::Answered);
        let answer = gateway.add("a", 10).await.unwrap();
        assert_eq!(answer, Adjustment::new(Some(100), 110));
        assert_eq!(
            (world.points(), world.effects()),
            (110, 1),
            "{failing:?} {family}"
        );
    }
}

#[tokio::test]
async fn operations_of_a_family_have_their_memory_too() {
    let world = World::new(Family::OfficialAccount);
    let gateway = world.gateway();
    let update = |points: i64| {
        let mut update = UpdateUser::new(CODE, "t1");
        update.bonus = Some(points);
        update
    };
    let context = context().with_request_id("a".parse().unwrap());
    let call = |points| kabao_api::call(gateway.upstream.as_ref(), &context, update(points));
    let first = call(7).await.unwrap();
    assert_eq!(first.result_bonus, Some(7));
    world.wechat.set_points(CODE, 9);
    assert_eq!(call(7).await.unwrap(), first);
    assert_eq!(world.points(), 9, "nothing was sent");
    assert_eq!(call(8).await.unwrap_err().reason(), Reason::RequestIdReused);
    let record = gateway.change("a").await;
    assert_eq!(record.method, "official_account.member.update_user");
    assert_eq!(record.member, Some(member()));
}
