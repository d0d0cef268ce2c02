//! 202: WeChat has accepted a request and not finished it.

use kabao_models::merchant::user_cards::ImportUserCardByOpenid;

use super::*;

fn accepted() -> Result<HttpResponse, TransportError> {
    Ok(signed(202, ""))
}

#[tokio::test(start_paused = true)]
async fn the_same_request_is_repeated_until_it_is_finished() {
    let answers = [
        accepted(),
        accepted(),
        accepted(),
        accepted(),
        Ok(signed(204, "")),
    ];
    let (transport, sent) = scripted(answers);
    merchant(transport, Settings::default())
        .execute(&context(), numbered())
        .await
        .map(drop)
        .unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 5);
    assert!(sent.iter().all(|request| request.body == sent[0].body));
}

#[tokio::test(start_paused = true)]
async fn what_is_never_finished_has_an_unknown_outcome_that_says_so() {
    let import: fn() -> Box<dyn AnyEndpoint> =
        || Box::new(ImportUserCardByOpenid::new("p1", "o1", "n1"));
    for request in [write, numbered, import] {
        let (transport, sent) = answering(|_| accepted());
        let error = merchant(transport, Settings::default())
            .execute(&context(), request())
            .await
            .err()
            .unwrap();
        assert_eq!(error.reason(), Reason::OutcomeUnknown);
        assert!(error.message().contains("has not finished it"), "{error}");
        assert!(error.is_retryable());
        assert!(count(&sent) > 3, "{} attempts", count(&sent));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_may_act_twice_is_not_repeated_and_a_read_never_succeeds() {
    let (transport, sent) = answering(|_| accepted());
    let pipeline = merchant(transport, Settings::default());
    let error = pipeline.execute(&context(), harmful()).await.err().unwrap();
    assert_eq!((error.reason(), count(&sent)), (Reason::OutcomeUnknown, 1));
    let error = pipeline.execute(&context(), read()).await.err().unwrap();
    assert_eq!(error.reason(), Reason::UpstreamUnavailable);
}
