//! Shares of limits.

use kabao_gateway::config::Summary;

use crate::{NOW, OFFICIAL, with_official};

#[test]
fn what_one_may_have_follows_from_the_whole_and_does_not_exceed_it() {
    let folder = with_official("shares");
    let settings = folder.parse(&format!(
        "[grpc.limits]\nmax_connections = 10\nmax_concurrent_requests = 100\n{OFFICIAL}"
    ));
    let settings = settings.unwrap();
    let printed = Summary::new(&settings, NOW).to_string();
    assert!(printed.contains("50 of one connection, 75 of one address"));
    let limits = settings.grpc.limits;
    assert_eq!(limits.max_connections_per_address, 8);
    assert_eq!(limits.max_requests_per_connection, 50);
    assert_eq!(limits.max_requests_per_address, 75);
    let settings = folder.parse(&format!(
        "[grpc.limits]\nmax_requests_per_address = 100\n{OFFICIAL}"
    ));
    let limits = settings.unwrap().grpc.limits;
    assert_eq!(limits.max_requests_per_connection, 100);

    let text = "
[grpc.limits]
max_concurrent_requests = 100
max_requests_per_address = 200
max_connections_per_address = 1025
[admin]
overloaded_after = \"0s\"
hosts = [\"metrics.acme.example:9464\"]
";
    folder.check_faults(
        &format!("{text}{OFFICIAL}"),
        &[
            "kabao.toml:5:1: grpc.limits.max_connections_per_address: must not exceed max_connections, which is 1024",
            "kabao.toml:4:1: grpc.limits.max_requests_per_address: must not exceed max_concurrent_requests, which is 100",
            "kabao.toml:7:1: admin.overloaded_after: must be between 100ms and 1h",
            "kabao.toml:8:10: admin.hosts[0]: must be a host name without port, such as `kabao.acme.example`",
        ],
    );
    let text = "
[grpc.limits]
max_requests_per_address = 100
max_requests_per_connection = 101
[grpc.timeouts]
stall = \"11m\"
";
    folder.check_faults(
        &format!("{text}{OFFICIAL}"),
        &[
            "kabao.toml:4:1: grpc.limits.max_requests_per_connection: must not exceed max_requests_per_address, which is 100",
            "kabao.toml:6:1: grpc.timeouts.stall: must be between 100ms and 10m",
        ],
    );
}
