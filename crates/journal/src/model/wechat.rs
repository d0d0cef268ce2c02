//! A WeChat of two families, as far as points and titles go: it applies, and its answers may be lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kabao_api::{CallContext, Error, Reason, Upstream, UpstreamError};
use kabao_models::merchant::user_card_rights::UpdateUserCardRights;
use kabao_models::merchant::user_cards::{GetUserCard, UserCard};
use kabao_models::official_account::card::{UpdateCard, UpdateCardResponse};
use kabao_models::official_account::member::{
    GetUserInfo, GetUserInfoResponse, UpdateUser, UpdateUserResponse,
};
use kabao_models::{AnyAnswer, AnyEndpoint, Effect, NoContent};
use tokio::task::yield_now;
use tokio::time::sleep;

/// What happens to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It is applied and answered.
    #[default]
    Answered,
    /// It does not leave.
    NotSent,
    /// It is lost on its way.
    LostBefore,
    /// It is applied, and the answer is lost.
    LostAfter,
    /// It is refused for a business rule, and the answer says so.
    Refused,
    /// It is applied, and answered after so long.
    Late(Duration),
}

/// An effect, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Whose points.
    pub code: String,
    /// The request number, where there was one.
    pub number: Option<String>,
    /// The points before.
    pub before: i64,
    /// The points after.
    pub after: i64,
}

/// What all processes talk to. Clones are the same.
#[derive(Clone, Default)]
pub struct ModelWeChat(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    points: BTreeMap<String, i64>,
    titles: BTreeMap<String, String>,
    numbers: HashMap<String, String>,
    ledger: Vec<Applied>,
    requests: u64,
    refuses_used: bool,
    is_full: bool,
    /// What happens to the next writes; then everything is answered.
    fates: Vec<Fate>,
    choose: Option<Box<dyn FnMut() -> Fate + Send>>,
}

impl ModelWeChat {
    /// Knows one member of this code, with points.
    pub fn with_member(self, code: &str, points: i64) -> Self {
        self.lock().points.insert(code.to_owned(), points);
        self
    }

    /// Lets these happen to the next writes, in this order.
    pub fn fates(&self, fates: impl IntoIterator<Item = Fate>) {
        let mut fates: Vec<Fate> = fates.into_iter().collect();
        fates.reverse();
        self.lock().fates = fates;
    }

    /// Lets `choose` say what happens to each write from now on.
    pub fn choose(&self, choose: impl FnMut() -> Fate + Send + 'static) {
        self.lock().choose = Some(Box::new(choose));
    }

    /// Changes points behind the back of everybody.
    pub fn set_points(&self, code: &str, points: i64) {
        self.lock().points.insert(code.to_owned(), points);
    }

    /// Refuses a number that was used, also for the same content: both are what WeChat does.
    pub fn refuse_used_numbers(&self) {
        self.lock().refuses_used = true;
    }

    /// Says of each call that there is no room for it, as long as this holds.
    pub fn fill(&self, is_full: bool) {
        self.lock().is_full = is_full;
    }

    /// Serves one request, which may be a write.
    pub fn serve(&self, request: &dyn AnyEndpoint) -> Result<Box<dyn AnyAnswer>, Error> {
        self.lock().answer(request)
    }

    /// Returns the points of a member.
    pub fn points(&self, code: &str) -> i64 {
        self.lock().points.get(code).copied().unwrap_or_default()
    }

    /// Returns the title of a template.
    pub fn title(&self, card_id: &str) -> Option<String> {
        self.lock().titles.get(card_id).cloned()
    }

    /// Returns every effect, the oldest first.
    pub fn ledger(&self) -> Vec<Applied> {
        self.lock().ledger.clone()
    }

    /// Returns how many requests have come in.
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Every request leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn fate(&mut self) -> Fate {
        match self.fates.pop() {
            Some(fate) => fate,
            None => self
                .choose
                .as_mut()
                .map_or(Fate::Answered, |choose| choose()),
        }
    }

    fn answer(&mut self, request: &dyn AnyEndpoint) -> Result<Box<dyn AnyAnswer>, Error> {
        self.requests += 1;
        let request = request.as_any();
        if let Some(get) = request.downcast_ref::<GetUserCard>() {
            return Ok(Box::new(UserCard {
                code: Some(get.code.clone()),
                bonus_value: self.points.get(get.code.expose()).copied(),
                ..UserCard::default()
            }));
        }
        if let Some(get) = request.downcast_ref::<GetUserInfo>() {
            let code = get.code.as_ref().map(|code| code.expose().to_owned());
            return Ok(Box::new(GetUserInfoResponse {
                errcode: Some(0),
                bonus: self.points.get(&code.unwrap_or_default()).copied(),
                ..GetUserInfoResponse::default()
            }));
        }
        if let Some(update) = request.downcast_ref::<UpdateUser>() {
            let code = update.code.as_ref().map(|code| code.expose().to_owned());
            let after = update.bonus.unwrap_or_default();
            self.apply(&code.unwrap_or_default(), None, after);
            return Ok(Box::new(UpdateUserResponse {
                errcode: Some(0),
                result_bonus: Some(after),
                ..UpdateUserResponse::default()
            }));
        }
        if let Some(update) = request.downcast_ref::<UpdateUserCardRights>() {
            let number = update.out_request_no.clone().unwrap_or_default();
            let content = format!("{:?} {:?}", update.code.expose(), update.bonus_value);
            match self.numbers.get(&number) {
                Some(known) if *known == content && !self.refuses_used => {
                    return Ok(Box::new(NoContent::default()));
                }
                Some(_) => {
                    return Err(refused(Reason::RequestNumberUsed, "the number was used"));
                }
                None => {}
            }
            self.numbers.insert(number.clone(), content);
            let after = update.bonus_value.unwrap_or_default();
            self.apply(update.code.expose(), Some(number), after);
            return Ok(Box::new(NoContent::default()));
        }
        if let Some(update) = request.downcast_ref::<UpdateCard>() {
            let card = update.member_card.as_ref();
            let base = card.and_then(|card| card.base_info.as_ref());
            let title = base.and_then(|base| base.title.clone());
            let card_id = update.card_id.clone().unwrap_or_default();
            self.titles.insert(card_id, title.unwrap_or_default());
            return Ok(Box::new(UpdateCardResponse {
                errcode: Some(0),
                ..UpdateCardResponse::default()
            }));
        }
        Err(Error::new(
            Reason::NotSupportedByFamily,
            "the model does not know this",
        ))
    }

    fn apply(&mut self, code: &str, number: Option<String>, after: i64) {
        let before = self
            .points
            .insert(code.to_owned(), after)
            .unwrap_or_default();
        self.ledger.push(Applied {
            code: code.to_owned(),
            number,
            before,
            after,
        });
    }
}

/// The pipeline of one process: it asks before each write whether it may leave, and tells how the
/// write ended, as that of the client does.
#[derive(Clone)]
pub struct Pipeline(pub ModelWeChat);

#[async_trait]
impl Upstream for Pipeline {
    async fn execute(
        &self,
        context: &CallContext,
        request: Box<dyn AnyEndpoint>,
    ) -> Result<Box<dyn AnyAnswer>, Error> {
        let Self(wechat) = self;
        yield_now().await;
        if request.operation().effect == Effect::Read {
            return wechat.lock().answer(request.as_ref());
        }
        let progress = context.progress();
        if !progress.begin() {
            return Err(Error::new(Reason::Cancelled, "the caller left"));
        }
        if context.entry().is_some_and(|entry| !entry.may_send()) {
            progress.settle();
            return Err(Error::new(
                Reason::Store,
                "another replica may run the change",
            ));
        }
        let fate = wechat.lock().fate();
        yield_now().await;
        let lost = || Error::new(Reason::OutcomeUnknown, "no answer came");
        match fate {
            Fate::NotSent => {
                progress.settle();
                Err(Error::new(Reason::UpstreamUnavailable, "nobody is there"))
            }
            Fate::LostBefore => Err(lost()),
            Fate::LostAfter => {
                let _ = wechat.lock().answer(request.as_ref());
                yield_now().await;
                Err(lost())
            }
            Fate::Refused => {
                progress.settle();
                Err(refused(
                    Reason::MemberStateInvalid,
                    "the member cannot do this",
                ))
            }
            Fate::Answered | Fate::Late(_) => {
                let answer = wechat.lock().answer(request.as_ref());
                match fate {
                    Fate::Late(duration) => sleep(duration).await,
                    _ => yield_now().await,
                }
                match &answer {
                    Ok(_) => progress.confirm(),
                    Err(_) => progress.settle(),
                }
                answer
            }
        }
    }

    fn refusal(&self, context: &CallContext, _: &dyn AnyEndpoint) -> Option<Error> {
        let is_refused = self.0.lock().is_full && !context.is_expected();
        is_refused.then(|| {
            Error::new(Reason::Overloaded, "there is no room")
                .with_retry_after(Duration::from_millis(100))
        })
    }
}

fn refused(reason: Reason, message: &str) -> Error {
    Error::new(reason, message).with_upstream(UpstreamError {
        http_status: 400,
        code: "MODEL".to_owned(),
        ..UpstreamError::default()
    })
}
