//! The operations on membership activities. Their pages list no error for a brand without the
//! feature.

use kabao_models::brand::membership_activities::{
    CreateMembershipActivity, GetMembershipActivity, ListMembershipActivities,
    ListMembershipActivitiesResponse, MembershipActivity, TerminateMembershipActivity,
    UpdateMembershipActivity,
};

use super::{Context, Core, Refused};
use crate::serve::{Call, Serve};

impl Serve for CreateMembershipActivity {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<MembershipActivity, Refused> {
        core.create_activity(&Context::of(call, self.brand_id.as_deref())?, &self)
    }
}

impl Serve for ListMembershipActivities {
    type Core = Core;

    fn serve(
        self,
        core: &mut Core,
        call: &Call,
    ) -> Result<ListMembershipActivitiesResponse, Refused> {
        core.list_activities(&Context::of(call, self.brand_id.as_deref())?, &self)
    }
}

impl Serve for GetMembershipActivity {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<MembershipActivity, Refused> {
        core.get_activity(
            &Context::of(call, self.brand_id.as_deref())?,
            self.activity_id,
        )
    }
}

impl Serve for UpdateMembershipActivity {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<MembershipActivity, Refused> {
        core.update_activity(&Context::of(call, self.brand_id.as_deref())?, &self)
    }
}

impl Serve for TerminateMembershipActivity {
    type Core = Core;

    fn serve(self, core: &mut Core, call: &Call) -> Result<MembershipActivity, Refused> {
        core.terminate_activity(
            &Context::of(call, self.brand_id.as_deref())?,
            self.activity_id,
        )
    }
}
