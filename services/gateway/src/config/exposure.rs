//! Who may see the tokens of an account that says `expose_tokens = true`.

use super::grpc::GrpcSettings;

/// What lies between callers and tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exposure {
    /// Whether other machines cannot reach the port.
    pub(crate) is_loopback: bool,
    /// Whether callers have names.
    pub(crate) has_names: bool,
    /// Whether a policy says what callers may do.
    pub(crate) has_policy: bool,
}

impl Exposure {
    /// What there is with these settings; `has_callers` tells whether any caller has a token.
    pub(crate) fn of(grpc: &GrpcSettings, has_callers: bool) -> Self {
        Self {
            is_loopback: grpc.listen.ip().is_loopback(),
            has_names: has_callers || grpc.asks_for_certificates() || grpc.jwt.is_some(),
            has_policy: grpc.policy.is_some(),
        }
    }

    /// Says why no account may show its tokens; `None` if one may. Somebody has to have said who sees them: a policy, or,
    /// where callers have no names, that only this machine reaches the port.
    pub(crate) fn fault(self) -> Option<&'static str> {
        match self {
            Self {
                has_policy: true,
                has_names: true,
                ..
            } => None,
            Self {
                has_names: false,
                is_loopback: true,
                ..
            } => None,
            Self {
                has_names: true, ..
            } => Some(
                "hands live tokens to callers, and nothing says to whom; name a `grpc.policy_file` that grants `secrets` to those who may see them",
            ),
            Self {
                has_names: false, ..
            } => Some(
                "hands live tokens to every caller, so `grpc.listen` must be a loopback address such as `127.0.0.1:50051`; or name callers, and a `grpc.policy_file` that grants some of them `secrets`",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_shown_to_this_machine_or_to_whom_a_policy_names() {
        // Loopback, names, policy.
        for (row, good) in [
            ((true, false, false), true),
            ((true, true, false), false),
            ((true, true, true), true),
            ((false, true, true), true),
            ((false, true, false), false),
            ((false, false, false), false),
            // A policy about callers that have no names.
            ((false, false, true), false),
        ] {
            let (is_loopback, has_names, has_policy) = row;
            let exposure = Exposure {
                is_loopback,
                has_names,
                has_policy,
            };
            assert_eq!(exposure.fault().is_none(), good, "{row:?}");
        }
    }
}
