use std::sync::Mutex;

use async_trait::async_trait;
use kabao_api::{
    ActivateMember, AdjustMember, Change, CreateTemplate, DeleteTemplate, Family, GetMember,
    GetTemplate, ImportMember, ImportedUser, InvalidateMember, ListMembers, ListTemplates,
    MemberName, MemberUpdate, Method, NewTemplate, TemplateName, TemplateUpdate, UpdateMember,
    UpdateTemplate,
};
use kabao_models::{AnyAnswer, archive};

use super::*;
use crate::backend::brand::Brand;
use crate::backend::merchant::{ListOffset, Merchant};
use crate::backend::official_account::OfficialAccount;
use crate::client::Client;
use crate::decorator::Decorator;
use crate::settings::Settings;
use crate::testing::{self, context, scripted};

/// Has room for nothing, or for everything, and keeps what it was asked.
#[derive(Clone, Default)]
struct Wary(Arc<Asked>);

#[derive(Default)]
struct Asked {
    has_room: AtomicBool,
    looked: Mutex<Vec<Request>>,
    executed: Mutex<Vec<Request>>,
}

type Request = (&'static str, Vec<u8>);

fn written(request: &dyn AnyEndpoint) -> Request {
    (request.operation().id, archive::write(request))
}

impl Decorator for Wary {
    fn upstream(&self, _: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl Upstream for Wary {
    async fn execute(
        &self,
        _: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let Self(asked) = self;
        asked.executed.lock().unwrap().push(written(&*request));
        Err(Error::new(Reason::UpstreamUnavailable, "nobody is there"))
    }

    fn refusal(&self, context: &CallContext, request: &dyn AnyEndpoint) -> Option<Error> {
        assert!(context.entry().is_none(), "it is the context of the call");
        let Self(asked) = self;
        asked.looked.lock().unwrap().push(written(request));
        let has_room = asked.has_room.load(Ordering::Relaxed);
        (!has_room).then(|| Error::new(Reason::Overloaded, "there is no room"))
    }
}

fn clients(wary: &Wary) -> [(Family, Client); 3] {
    let transport = || scripted([]).0;
    let offset = ListOffset::default();
    let pipeline = testing::merchant(transport(), Settings::default());
    let merchant = Client::compose(pipeline, wary, move |ground| Merchant::new(ground, offset));
    let pipeline = testing::brand(transport());
    let brand = Client::compose(pipeline, wary, |ground| {
        Brand::new(ground, "1004".to_owned())
    });
    let pipeline = testing::official_account(transport());
    let official = Client::compose(pipeline, wary, |ground| {
        OfficialAccount::new(ground, "wx1".to_owned(), false)
    });
    [
        (Family::Merchant, merchant),
        (Family::Brand, brand),
        (Family::OfficialAccount, official),
    ]
}

fn template() -> TemplateName {
    "accounts/demo/templates/t1".parse().unwrap()
}

fn member() -> MemberName {
    "accounts/demo/templates/t1/members/1".parse().unwrap()
}

fn members() -> Vec<(Method, MemberRequest)> {
    use MemberRequest as Of;
    let update = MemberUpdate {
        background_picture_url: Some("https://mmbiz.qpic.cn/1".to_owned()),
        ..MemberUpdate::default()
    };
    let adjust = || AdjustMember::new(member(), Change::SetTo(5)).with_openid("o-1");
    vec![
        (
            Method::GetMember,
            Of::Get(GetMember::new(member()).with_openid("o-1")),
        ),
        (
            Method::ListMembers,
            Of::List(ListMembers::new(context().account, "o-1")),
        ),
        (
            Method::UpdateMember,
            Of::Update(UpdateMember::new(member(), update).with_openid("o-1")),
        ),
        (Method::AdjustBalance, Of::AdjustBalance(adjust())),
        (Method::AdjustPoints, Of::AdjustPoints(adjust())),
        (
            Method::ActivateMember,
            Of::Activate(ActivateMember::new(member()).with_openid("o-1")),
        ),
        (
            Method::InvalidateMember,
            Of::Invalidate(InvalidateMember::new(member()).with_openid("o-1")),
        ),
        (
            Method::ImportMember,
            Of::Import(ImportMember::new(
                template(),
                ImportedUser::Openid("o-1".into()),
            )),
        ),
    ]
}

fn templates() -> Vec<(Method, TemplateRequest)> {
    use TemplateRequest as Of;
    let update = TemplateUpdate {
        title: Some("card".to_owned()),
        ..TemplateUpdate::default()
    };
    let new = NewTemplate {
        title: Some("card".to_owned()),
        ..NewTemplate::default()
    };
    let account = || context().account;
    vec![
        (Method::GetTemplate, Of::Get(GetTemplate::new(template()))),
        (
            Method::ListTemplates,
            Of::List(ListTemplates::new(account())),
        ),
        (
            Method::CreateTemplate,
            Of::Create(CreateTemplate::new(account(), new)),
        ),
        (
            Method::UpdateTemplate,
            Of::Update(UpdateTemplate::new(template(), update)),
        ),
        (
            Method::DeleteTemplate,
            Of::Delete(DeleteTemplate::new(template())),
        ),
    ]
}

async fn made(client: &Client, request: MemberRequest) {
    use MemberRequest as Of;
    let context = &context();
    let failed = match request {
        Of::Get(request) => client.get_member(context, request).await.is_err(),
        Of::List(request) => client.list_members(context, request).await.is_err(),
        Of::Update(request) => client.update_member(context, request).await.is_err(),
        Of::AdjustBalance(request) => client.adjust_balance(context, request).await.is_err(),
        Of::AdjustPoints(request) => client.adjust_points(context, request).await.is_err(),
        Of::Activate(request) => client.activate_member(context, request).await.is_err(),
        Of::Invalidate(request) => client.invalidate_member(context, request).await.is_err(),
        Of::Import(request) => client.import_member(context, request).await.is_err(),
    };
    assert!(failed);
}

async fn made_of_template(client: &Client, request: TemplateRequest) {
    use TemplateRequest as Of;
    let context = &context();
    let failed = match request {
        Of::Get(request) => client.get_template(context, request).await.is_err(),
        Of::List(request) => client.list_templates(context, request).await.is_err(),
        Of::Create(request) => client.create_template(context, request).await.is_err(),
        Of::Update(request) => client.update_template(context, request).await.is_err(),
        Of::Delete(request) => client.delete_template(context, request).await.is_err(),
    };
    assert!(failed);
}

impl Wary {
    /// Holds what was found without room and with it against the call that is made.
    fn agree(&self, label: &str, full: Option<Error>, free: Option<Error>) {
        let Self(asked) = self;
        let take = |list: &Mutex<Vec<Request>>| std::mem::take(&mut *list.lock().unwrap());
        let (mut looked, executed) = (take(&asked.looked), take(&asked.executed));
        assert!(free.is_none(), "{label}");
        let Some((first, _)) = executed.first().cloned() else {
            // The call does not come so far: it is refused for what it asks.
            assert!(full.is_none() && looked.is_empty(), "{label}");
            return;
        };
        assert_eq!(full.unwrap().reason(), Reason::Overloaded, "{label}");
        assert_eq!(looked.len(), 2, "{label}");
        for (operation, _) in &looked {
            assert_eq!(*operation, first, "{label}");
        }
        // Whether a read can be joined or is kept is seen by what it asks; numbers are new each time.
        if label.contains("Get") || label.contains("List") {
            assert_eq!(looked.pop(), executed.into_iter().next(), "{label}");
        }
    }
}

#[tokio::test]
async fn every_portable_call_is_looked_at_where_it_would_begin_and_nothing_is_sent_for_that() {
    let wary = Wary::default();
    let Wary(asked) = &wary;
    let has_room = |has_room| asked.has_room.store(has_room, Ordering::Relaxed);
    let mut counts = [0; 3];
    for (count, (family, client)) in counts.iter_mut().zip(clients(&wary)) {
        for (method, request) in members() {
            has_room(false);
            let full = MemberApi::refusal(&client, &context(), &request);
            *count += usize::from(full.is_some());
            has_room(true);
            let free = MemberApi::refusal(&client, &context(), &request);
            assert!(
                asked.executed.lock().unwrap().is_empty(),
                "{family} {method}"
            );
            made(&client, request).await;
            wary.agree(&format!("{family} {method}"), full, free);
        }
        for (method, request) in templates() {
            has_room(false);
            let full = TemplateApi::refusal(&client, &context(), &request);
            *count += usize::from(full.is_some());
            has_room(true);
            let free = TemplateApi::refusal(&client, &context(), &request);
            assert!(
                asked.executed.lock().unwrap().is_empty(),
                "{family} {method}"
            );
            made_of_template(&client, request).await;
            wary.agree(&format!("{family} {method}"), full, free);
        }
    }
    // All but what a family does not have, or not with so little said.
    assert_eq!(counts, [13, 11, 12]);
}
