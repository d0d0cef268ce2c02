//! What is told of a proxy that made no tunnel. Nothing of the call has left then.

use kabao_api::Reason;

use super::Repeat;
use crate::breaker::Outcome;
use crate::route::Verdict;
use crate::transport::ProxyFault;

/// The reason, the message, and whether a further attempt makes sense: not with the same password.
pub(super) fn told(fault: ProxyFault) -> (Reason, &'static str, Repeat) {
    let (message, repeat) = match fault {
        ProxyFault::Unreachable => (
            "the proxy of the account cannot be reached",
            Repeat::Transient,
        ),
        ProxyFault::Credentials => (
            "the proxy of the account does not accept its user and password",
            Repeat::Never,
        ),
        ProxyFault::Refused(_) => (
            "the proxy of the account makes no tunnel to WeChat",
            Repeat::Transient,
        ),
        ProxyFault::Broken => (
            "the proxy of the account closed the connection",
            Repeat::Transient,
        ),
        ProxyFault::Unreadable => (
            "the proxy of the account does not answer as an HTTP proxy does",
            Repeat::Transient,
        ),
        ProxyFault::TimedOut => (
            "WeChat cannot be reached through the proxy of the account in time",
            Repeat::Transient,
        ),
    };
    (Reason::UpstreamUnavailable, message, repeat)
}

/// What it shows. A proxy that answers as gateways do whose other side is away (502 to 504) has tried; one that says
/// nothing may be waiting for the host, and only another host can tell.
pub(super) fn verdict(fault: ProxyFault) -> Verdict {
    match fault {
        ProxyFault::Refused(502..=504) => Verdict::of_host(Outcome::Bad),
        ProxyFault::TimedOut => Verdict {
            host: Outcome::Bad,
            proxy: Outcome::Nothing,
        },
        ProxyFault::Unreachable
        | ProxyFault::Credentials
        | ProxyFault::Refused(_)
        | ProxyFault::Broken
        | ProxyFault::Unreadable => Verdict {
            host: Outcome::Nothing,
            proxy: Outcome::Bad,
        },
    }
}

/// What helps, by the names of the settings.
pub(super) fn remedy(fault: ProxyFault) -> String {
    match fault {
        ProxyFault::Credentials => {
            "the operator checks the user in proxy_url and its proxy_password".to_owned()
        }
        ProxyFault::Refused(status) => format!(
            "the operator checks what the proxy of proxy_url allows: it answered CONNECT with {status}"
        ),
        _ => "the operator checks proxy_url, and whether the proxy works".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Certainty, Failure};
    use super::*;
    use crate::testing::WRITE;
    use crate::transport::TransportError;

    #[test]
    fn a_proxy_that_makes_no_tunnel_is_a_clean_failure_whose_remedy_names_the_setting() {
        let rows = [
            (ProxyFault::Unreachable, Repeat::Transient, "proxy_url"),
            (ProxyFault::Credentials, Repeat::Never, "proxy_password"),
            (ProxyFault::Refused(403), Repeat::Transient, "403"),
            (ProxyFault::Broken, Repeat::Transient, "proxy_url"),
            (ProxyFault::Unreadable, Repeat::Transient, "proxy_url"),
            (ProxyFault::TimedOut, Repeat::Transient, "proxy_url"),
        ];
        for (fault, repeat, named) in rows {
            let failure = Failure::transport(TransportError::Proxy(fault, "x".into()));
            assert_eq!(failure.repeat, repeat, "{fault:?}");
            let error = failure.conclude(WRITE, Certainty::NotExecuted);
            assert_eq!(error.reason(), Reason::UpstreamUnavailable);
            assert!(!error.may_have_executed(), "{fault:?}");
            assert!(error.message().contains("proxy"), "{error}");
            let remedy = error.remedy().unwrap_or_default();
            assert!(remedy.contains(named), "{remedy}");
        }
    }
}
