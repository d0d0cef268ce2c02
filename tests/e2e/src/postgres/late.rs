//! Gateways that start before the database that they share.

use super::*;

async fn until_taken(
    replicas: &Replicas,
    index: usize,
    demo: &Demo,
    request_id: &str,
) -> AdjustPointsResponse {
    let taken = timeout(PATIENCE, async {
        loop {
            match replicas.add(index, demo, 5, request_id).await {
                Ok(taken) => break taken.into_inner(),
                Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    taken.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn gateways_that_start_without_their_database_share_it_once_it_is_there() {
    let server = PostgresServer::start().unwrap();
    let mut replicas = Replicas::start(&server).await;
    let before = replicas.add(0, &MERCHANT, 5, "before").await.unwrap();
    let effects = replicas.effects();
    server.kill().unwrap();
    replicas.gateways.clear();
    for _ in 0..2 {
        replicas.join().await;
    }
    for index in 0..2 {
        for demo in [&OFFICIAL_ACCOUNT, &MERCHANT] {
            replicas.points(index, demo).await;
            for request_id in ["", "before", "meanwhile"] {
                let change = replicas.add(index, demo, 5, request_id).await;
                refused(Code::Unavailable, "STORE").check(change);
            }
        }
    }
    assert_eq!(replicas.effects(), effects, "nothing was sent");

    server.restart().unwrap();
    for demo in [&OFFICIAL_ACCOUNT, &MERCHANT] {
        // One id, through whichever gateway it comes.
        let first = until_taken(&replicas, 0, demo, "after").await;
        assert_eq!(until_taken(&replicas, 1, demo, "after").await, first);
    }
    assert_eq!(replicas.effects(), effects + 2);
    let repeat = replicas.add(1, &MERCHANT, 5, "before").await.unwrap();
    assert_eq!(repeat.get_ref(), before.get_ref());
}
