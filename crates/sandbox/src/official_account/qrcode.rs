//! QR codes that hand out cards.

use super::code::check_form;
use super::template::CodeMode;
use super::{Context, Core};
use crate::ledger::Effect;
use crate::official_account::Refused;
use crate::random;

/// How long a QR code lives unless it says otherwise.
const DEFAULT_SECONDS: i64 = 365 * 86_400;

/// What one QR code hands out for one card.
#[derive(Clone, Default)]
pub(crate) struct Scene {
    pub(crate) card_id: String,
    pub(crate) code: Option<String>,
    /// The only user who may claim.
    pub(crate) openid: Option<String>,
    pub(crate) is_unique_code: bool,
    pub(crate) outer_id: Option<i64>,
    pub(crate) outer_str: Option<String>,
}

/// A QR code to make.
pub(crate) struct NewQrCode {
    pub(crate) scenes: Vec<Scene>,
    pub(crate) expire_seconds: Option<i64>,
}

/// A QR code.
pub(super) struct QrCode {
    scenes: Vec<Scene>,
    expires: i64,
    used: bool,
}

impl QrCode {
    /// Tells whether one claim uses it up.
    fn is_single(&self) -> bool {
        self.scenes
            .iter()
            .any(|scene| scene.is_unique_code || scene.code.is_some() || scene.openid.is_some())
    }
}

/// A QR code that was made.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct MadeQrCode {
    pub(crate) ticket: String,
    pub(crate) expire_seconds: i64,
    pub(crate) url: String,
    pub(crate) show_qrcode_url: String,
}

impl Core {
    /// Makes a QR code for one or several cards.
    pub(crate) fn create_qrcode(
        &mut self,
        context: &Context<'_>,
        new: NewQrCode,
    ) -> Result<MadeQrCode, Refused> {
        let too_many = context
            .rules
            .qrcode_max_cards
            .is_some_and(|most| new.scenes.len() > most);
        if new.scenes.is_empty() || too_many {
            return Err(Refused::ActionInfo);
        }
        for scene in &new.scenes {
            self.check_scene(context, scene)?;
        }
        let expire_seconds = new.expire_seconds.unwrap_or(DEFAULT_SECONDS);
        if new
            .expire_seconds
            .is_some_and(|seconds| !(60..=1_800).contains(&seconds))
        {
            return Err(Refused::ActionInfo);
        }
        let ticket = format!("gQ{}==", random::secret(94));
        let mut show_qrcode_url = "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=".to_owned();
        kabao_models::encode_component(&ticket, &mut show_qrcode_url);
        for scene in &new.scenes {
            self.give(Effect::on(&scene.card_id).gives("qrcode", ticket.as_str()));
        }
        let expires = context.now.saturating_add(expire_seconds);
        self.qrcodes.insert(
            ticket.clone(),
            QrCode {
                scenes: new.scenes,
                expires,
                used: false,
            },
        );
        let url = format!("http://weixin.qq.com/q/{}", random::secret(22));
        Ok(MadeQrCode {
            ticket,
            expire_seconds,
            url,
            show_qrcode_url,
        })
    }

    fn check_scene(&self, context: &Context<'_>, scene: &Scene) -> Result<(), Refused> {
        let template = self.template(context, &scene.card_id)?;
        if template.is_deleted() || (scene.is_unique_code && !template.is_approved()) {
            return Err(Refused::CardStatus);
        }
        if scene.is_unique_code && template.stock() == 0 {
            return Err(Refused::SoldOut);
        }
        match (template.code_mode(), &scene.code) {
            (CodeMode::Custom, None) => return Err(Refused::Missing("code".into())),
            (CodeMode::Custom, Some(code)) => {
                check_form(code)?;
                if self
                    .members
                    .contains_key(&(scene.card_id.clone(), code.clone()))
                {
                    return Err(Refused::Code);
                }
            }
            (_, Some(_)) => return Err(Refused::CodeForm),
            (_, None) => {}
        }
        if template.base.bind_openid == Some(true) && scene.openid.is_none() {
            return Err(Refused::Missing("openid".into()));
        }
        Ok(())
    }

    /// Returns what a scanned QR code says about a card.
    pub(super) fn scan(
        &self,
        context: &Context<'_>,
        ticket: &str,
        card_id: &str,
        openid: &str,
    ) -> Result<Scene, Refused> {
        let known = self
            .qrcodes
            .get(ticket)
            .ok_or(Refused::Action("there is no such QR code"))?;
        if context.now >= known.expires {
            return Err(Refused::Action("the QR code is expired"));
        }
        if known.used && known.is_single() {
            return Err(Refused::Action("the QR code was used"));
        }
        let scene = known
            .scenes
            .iter()
            .find(|scene| scene.card_id == card_id)
            .ok_or(Refused::Action("the QR code is for another card"))?;
        if scene.openid.as_deref().is_some_and(|only| only != openid) {
            return Err(Refused::Openid);
        }
        Ok(scene.clone())
    }

    /// Notes that a QR code was used.
    pub(super) fn use_up(&mut self, ticket: &str) {
        if let Some(known) = self.qrcodes.get_mut(ticket) {
            known.used = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::official_account::Claim;
    use crate::official_account::testing::{CARD, World};

    fn make(world: &mut World, scene: Scene) -> Result<MadeQrCode, Refused> {
        let new = NewQrCode {
            scenes: vec![scene],
            expire_seconds: Some(60),
        };
        world.run(|core, context| core.create_qrcode(context, new))
    }

    fn scan(
        world: &mut World,
        made: &MadeQrCode,
        card_id: &str,
        openid: &str,
    ) -> Result<String, Refused> {
        let claim = Claim {
            card_id: card_id.into(),
            openid: openid.into(),
            qr_ticket: Some(made.ticket.clone()),
            ..Claim::default()
        };
        world
            .run(|core, context| core.claim(context, &claim))
            .map(|claimed| claimed.code)
    }

    #[test]
    fn a_unique_code_serves_one_claim_in_its_time() {
        let mut world = World::new();
        let scene = Scene {
            card_id: CARD.into(),
            is_unique_code: true,
            ..Scene::default()
        };
        let made = make(&mut world, scene.clone()).unwrap();
        assert!(scan(&mut world, &made, CARD, "oOne").is_ok());
        assert!(matches!(
            scan(&mut world, &made, CARD, "oTwo"),
            Err(Refused::Action(_))
        ));
        let made = make(&mut world, scene).unwrap();
        world.now += 60;
        assert!(matches!(
            scan(&mut world, &made, CARD, "oTwo"),
            Err(Refused::Action(_))
        ));
    }

    #[test]
    fn an_ordinary_code_serves_many_and_leaves_its_mark() {
        let mut world = World::new();
        let scene = Scene {
            card_id: CARD.into(),
            outer_str: Some("counter-7".into()),
            ..Scene::default()
        };
        let made = make(&mut world, scene).unwrap();
        for openid in ["oOne", "oTwo"] {
            let code = scan(&mut world, &made, CARD, openid).unwrap();
            let state = world
                .run(|core, context| core.code(context, &code, None, super::super::Check::Consume));
            assert_eq!(state.unwrap().card.outer_str.as_deref(), Some("counter-7"));
        }
    }

    #[test]
    fn own_codes_and_bound_users_must_be_named() {
        let mut world = World::new();
        let card_id = world.approved_base(|base| {
            base.use_custom_code = Some(true);
            base.bind_openid = Some(true);
        });
        let scene = Scene {
            card_id: card_id.clone(),
            ..Scene::default()
        };
        assert!(matches!(
            make(&mut world, scene.clone()),
            Err(Refused::Missing(_))
        ));
        let scene = Scene {
            code: Some("M1".into()),
            ..scene
        };
        assert!(matches!(
            make(&mut world, scene.clone()),
            Err(Refused::Missing(_))
        ));
        let made = make(
            &mut world,
            Scene {
                openid: Some("oOne".into()),
                ..scene.clone()
            },
        )
        .unwrap();
        assert_eq!(
            scan(&mut world, &made, &card_id, "oTwo"),
            Err(Refused::Openid)
        );
        assert_eq!(
            scan(&mut world, &made, &card_id, "oOne").as_deref(),
            Ok("M1")
        );
        assert_eq!(
            make(
                &mut world,
                Scene {
                    openid: Some("oOne".into()),
                    ..scene
                }
            ),
            Err(Refused::Code)
        );
        assert_eq!(
            make(
                &mut world,
                Scene {
                    card_id: CARD.into(),
                    code: Some("M1".into()),
                    ..Scene::default()
                }
            ),
            Err(Refused::CodeForm)
        );
    }
}
