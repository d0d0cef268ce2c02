//! Members of the domain, in words of `kabao.v1`.

use kabao_api::{Adjustment, Member, MemberState, Personal, UpstreamMember};
use kabao_proto::kabao::v1 as proto;

use crate::portable::{inner, text};

pub(super) fn answer(member: Member) -> proto::Member {
    proto::Member {
        name: member.name.resource_name(),
        state: state(member.state).into(),
        upstream_state: text(member.upstream_state),
        openid: text(member.openid.map(Personal::into_exposed)),
        membership_number: text(member.membership_number.map(Personal::into_exposed)),
        level: text(member.level),
        balance: member.balance,
        points: member.points,
        background_picture_url: text(member.background_picture_url),
        nickname: text(member.nickname.map(Personal::into_exposed)),
        partial: member.partial,
        change_in_progress: false,
        upstream: member.upstream.and_then(upstream),
    }
}

pub(super) fn adjusted(done: Adjustment) -> proto::AdjustPointsResponse {
    proto::AdjustPointsResponse {
        before: done.before,
        after: done.after,
    }
}

fn upstream(upstream: UpstreamMember) -> Option<proto::member::Upstream> {
    use proto::member::Upstream;
    Some(match upstream {
        UpstreamMember::Merchant(card) => Upstream::Merchant(inner(&*card)),
        UpstreamMember::Brand(card) => Upstream::Brand(inner(&*card)),
        UpstreamMember::OfficialAccount(answer) => Upstream::OfficialAccount(inner(&*answer)),
        _ => return None,
    })
}

fn state(state: MemberState) -> proto::member::State {
    use proto::member::State;
    match state {
        MemberState::PendingActivation => State::PendingActivation,
        MemberState::Active => State::Active,
        MemberState::Expired => State::Expired,
        MemberState::Invalid => State::Invalid,
        MemberState::Deleted => State::Deleted,
        MemberState::Unspecified | MemberState::Other | _ => State::Unspecified,
    }
}
