//! Links by which users reach a card: QR codes and permission tokens.

use jiff::Timestamp;
use kabao_models::merchant::card_qrcodes::{CreateCardQrcode, CreateCardQrcodeResponse};
use kabao_models::merchant::permission_tokens::{
    CreatePermissionToken, CreatePermissionTokenResponse,
};
use kabao_models::merchant::user_cards::UserCard;
use kabao_models::merchant::{ActivateType, CodeMode};
use serde::Serialize;

use super::activation::is_over;
use super::claim::Claim;
use super::member::Pass;
use super::template_rules::is_empty;
use super::{Context, Core, Refused, Rule};
use crate::bounded::Bounded;
use crate::ledger::Effect;
use crate::random;

/// How many links are remembered; the oldest go first.
const CAPACITY: usize = 100_000;

/// A scene in which users can open a card.
#[derive(Clone)]
pub(crate) struct Link {
    kind: Kind,
    card_id: String,
    jump: Option<Jump>,
    outer_str: Option<String>,
    made: Timestamp,
    used: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Qrcode,
    Token,
}

/// Where the user is sent for `JUMP_ACTIVATE`. With both given, the mini program wins.
#[derive(Clone)]
enum Jump {
    Page { url: String },
    MiniProgram { appid: String, path: String },
}

/// All links, by URL or token.
pub(crate) type Links = Bounded<String, Link, CAPACITY>;

/// What happens when a user opens a link.
#[derive(Serialize)]
pub(crate) struct Opened {
    pub(crate) card: UserCard,
    /// None if the card is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jump: Option<Destination>,
}

/// Where the user arrives, and with what.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Destination {
    /// A web page with openid, `encrypt_code` and `activate_ticket` appended, unescaped as in the
    /// official sample.
    Page { url: String, pass: Pass },
    /// A mini program that gets the code in clear in `extraData`.
    MiniProgram {
        appid: String,
        path: String,
        code: String,
        pass: Pass,
    },
}

/// How a scene activates cards, as both operations say it.
struct Activation<'a> {
    card_id: &'a str,
    kind: Option<&'a ActivateType>,
    url: Option<&'a String>,
    appid: Option<&'a String>,
    path: Option<&'a String>,
    outer_str: Option<&'a String>,
}

impl Activation<'_> {
    fn jump(&self) -> Result<Option<Jump>, Refused> {
        let kind = self.kind.ok_or(Refused::Required("activate_type"))?;
        if *kind != ActivateType::JumpActivate {
            return Ok(None);
        }
        if let Some(appid) = self.appid.filter(|appid| !appid.is_empty()) {
            let path = self.path.filter(|path| !path.is_empty());
            let path = path.ok_or(Refused::Required("activate_path"))?;
            return Ok(Some(Jump::MiniProgram {
                appid: appid.clone(),
                path: path.clone(),
            }));
        }
        if is_empty(self.url) {
            return Err(Refused::Required("activate_url"));
        }
        Ok(self.url.map(|url| Jump::Page { url: url.clone() }))
    }
}

impl Core {
    /// Makes the link behind a QR code.
    pub(super) fn create_qrcode(
        &mut self,
        context: &Context<'_>,
        request: &CreateCardQrcode,
    ) -> Result<CreateCardQrcodeResponse, Refused> {
        let template = self.template(context.merchant, &request.card_id)?;
        if *template.mode() == CodeMode::RealTime {
            return Err(Rule::QrcodeRealTime.into());
        }
        template.check_approved(context)?;
        let activation = Activation {
            card_id: &request.card_id,
            kind: request.activate_type.as_ref(),
            url: request.activate_url.as_ref(),
            appid: request.activate_appid.as_ref(),
            path: request.activate_path.as_ref(),
            outer_str: request.outer_str.as_ref(),
        };
        let jump = activation.jump()?;
        if context.rules.qr_links_fail {
            return Err(Rule::QrLinkFailed.into());
        }
        let url = format!("https://weixin.qq.com/g/{}", random::secret(22));
        self.put_link(context, Kind::Qrcode, &activation, jump, &url);
        Ok(CreateCardQrcodeResponse {
            url: Some(url),
            ..CreateCardQrcodeResponse::default()
        })
    }

    /// Makes the token that opens the card-opening component from a web page.
    pub(super) fn create_permission_token(
        &mut self,
        context: &Context<'_>,
        request: &CreatePermissionToken,
    ) -> Result<CreatePermissionTokenResponse, Refused> {
        let template = self.template(context.merchant, &request.card_id)?;
        if *template.mode() == CodeMode::RealTime && context.rules.refuse_real_time_tokens {
            return Err(Rule::TokenRealTime.into());
        }
        template.check_approved(context)?;
        let activation = Activation {
            card_id: &request.card_id,
            kind: request.activate_type.as_ref(),
            url: request.activate_url.as_ref(),
            appid: request.activate_appid.as_ref(),
            path: request.activate_path.as_ref(),
            outer_str: request.outer_str.as_ref(),
        };
        let jump = activation.jump()?;
        let token = random::secret(64);
        self.put_link(context, Kind::Token, &activation, jump, &token);
        Ok(CreatePermissionTokenResponse {
            permission_token: Some(token.as_str().into()),
            ..CreatePermissionTokenResponse::default()
        })
    }

    fn put_link(
        &mut self,
        context: &Context<'_>,
        kind: Kind,
        activation: &Activation<'_>,
        jump: Option<Jump>,
        text: &str,
    ) {
        let name = if kind == Kind::Qrcode {
            "qrcode_url"
        } else {
            "permission_token"
        };
        self.give(Effect::on(activation.card_id).gives(name, text));
        let link = Link {
            kind,
            card_id: activation.card_id.to_owned(),
            jump,
            outer_str: activation.outer_str.cloned(),
            made: context.now,
            used: false,
        };
        self.links.insert(text.to_owned(), link);
    }

    /// A user scans a QR code or follows a token. The scene decides how the card is activated.
    pub(crate) fn open_link(
        &mut self,
        context: &Context<'_>,
        link: &str,
        claim: &Claim,
    ) -> Result<Opened, Refused> {
        let found = self.links.get(link).ok_or(Rule::LinkInvalid)?.clone();
        let over = match found.kind {
            Kind::Qrcode => context
                .rules
                .qr_link_seconds
                .is_some_and(|life| is_over(context, found.made, life)),
            Kind::Token => {
                is_over(context, found.made, context.rules.permission_token_seconds)
                    || (found.used && context.rules.permission_token_single_use)
            }
        };
        if over {
            return Err(Rule::LinkInvalid.into());
        }
        let claim = Claim {
            card_id: found.card_id,
            outer_str: found.outer_str,
            activated: true,
            ..claim.clone()
        };
        let opened = match found.jump {
            None => Opened {
                card: self.claim(context, &claim)?,
                jump: None,
            },
            Some(jump) => {
                let (card, pass) = self.start_activation(context, &claim)?;
                let jump = pass.map(|pass| jump.arrive(&claim.user.openid, &card, pass));
                Opened { card, jump }
            }
        };
        if let Some(found) = self.links.get_mut(link) {
            found.used = true;
        }
        Ok(opened)
    }
}

impl Jump {
    fn arrive(self, openid: &str, card: &UserCard, pass: Pass) -> Destination {
        match self {
            Self::Page { url } => {
                let separator = if url.contains('?') { '&' } else { '?' };
                let url = format!(
                    "{url}{separator}openid={openid}&encrypt_code={}&activate_ticket={}",
                    pass.encrypt_code, pass.activate_ticket
                );
                Destination::Page { url, pass }
            }
            Self::MiniProgram { appid, path } => {
                let code = card
                    .code
                    .clone()
                    .map(kabao_models::Personal::into_exposed)
                    .unwrap_or_default();
                Destination::MiniProgram {
                    appid,
                    path,
                    code,
                    pass,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
