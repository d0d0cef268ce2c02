//! Forms of texts, AppIDs and addresses, and the content review.

use kabao_models::ImageFormat;

use super::{Context, Core, Refused, Rule};

/// Pictures of card faces must be smaller than this.
const FACE_BYTES: usize = 1 << 20;

/// Checks the characters of `card_title`.
pub(super) fn check_title(title: &str) -> Result<(), Refused> {
    if title.chars().count() > 10 {
        return Err(Refused::at(Rule::TitleTooLong, "card_title", title));
    }
    let known = |character: char| {
        character.is_ascii_alphanumeric()
            || character.is_ascii_punctuation()
            || matches!(character,
                '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
                | '·' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}'
                | '\u{3001}'..='\u{303f}' | '\u{ff01}'..='\u{ff65}' | '￥')
    };
    if title.chars().all(known) {
        Ok(())
    } else {
        Err(Refused::at(Rule::TitleCharacters, "card_title", title))
    }
}

/// Checks that an AppID has the form of one and is bound to the brand.
pub(super) fn check_appid(context: &Context<'_>, member: &str, appid: &str) -> Result<(), Refused> {
    let bound = &context.rules.bound_appids;
    let form = appid.starts_with("wx") && appid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if form && (bound.is_empty() || bound.iter().any(|known| known == appid)) {
        Ok(())
    } else {
        Err(Refused::at(Rule::AppidUnbound, member, appid))
    }
}

/// Checks a callback address.
pub(super) fn check_notify_url(context: &Context<'_>, url: &str) -> Result<(), Refused> {
    let refused = || Refused::at(Rule::NotifyUrlInvalid, "notify_url", url);
    let rest = match url.strip_prefix("https://") {
        Some(rest) => rest,
        None if context.rules.notify_url_needs_https => return Err(refused()),
        None => url.strip_prefix("http://").ok_or_else(refused)?,
    };
    let (authority, _) = rest.split_once('/').ok_or_else(refused)?;
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    let private = || {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        let local = match address {
            Ok(std::net::IpAddr::V4(address)) => {
                address.is_loopback() || address.is_private() || address.is_link_local()
            }
            Ok(std::net::IpAddr::V6(address)) => address.is_loopback(),
            Err(_) => !host.contains('.'),
        };
        context.rules.notify_url_needs_public_host && local
    };
    if host.is_empty() || url.contains(['?', '#']) || private() {
        return Err(refused());
    }
    Ok(())
}

/// Reviews a text.
pub(super) fn check_text(
    context: &Context<'_>,
    member: &str,
    text: Option<&String>,
) -> Result<(), Refused> {
    match text {
        Some(text)
            if context
                .rules
                .refused_texts
                .iter()
                .any(|refused| text.contains(refused)) =>
        {
            Err(Refused::at(Rule::ContentRefused, member, text.as_str()))
        }
        _ => Ok(()),
    }
}

impl Core {
    /// Reviews the picture of a card face. Only uploaded ones are known well enough to be judged.
    pub(super) fn check_picture(
        &self,
        context: &Context<'_>,
        url: Option<&String>,
    ) -> Result<(), Refused> {
        const MEMBER: &str = "card_picture_url";
        let Some(url) = url else { return Ok(()) };
        check_text(context, MEMBER, Some(url))?;
        let suits = match self.pictures.get(url) {
            Some(picture) => picture.format != ImageFormat::Bmp && picture.bytes < FACE_BYTES,
            None => !context.rules.pictures_must_be_uploaded,
        };
        if suits {
            Ok(())
        } else {
            Err(Refused::at(Rule::PictureUnsuitable, MEMBER, url.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::context;
    use super::*;
    use crate::settings;

    fn rule(result: Result<(), Refused>) -> Option<Rule> {
        result.err().map(|refused| refused.rule)
    }

    #[test]
    fn titles_have_known_characters() {
        for (title, expected) in [
            ("茶港会员卡", None),
            ("HarborTea", None),
            ("茶·港（A1）！", None),
            ("Harbor Tea", Some(Rule::TitleCharacters)),
            ("茶港♥", Some(Rule::TitleCharacters)),
            ("一二三四五六七八九十一", Some(Rule::TitleTooLong)),
        ] {
            assert_eq!(rule(check_title(title)), expected, "{title}");
        }
    }

    #[test]
    fn notify_urls_are_complete() {
        let lenient = settings::Brand::default();
        let strict = settings::Brand {
            notify_url_needs_https: true,
            notify_url_needs_public_host: true,
            ..lenient.clone()
        };
        for (url, lenient_accepts, strict_accepts) in [
            ("https://notify.example.com/wechatpay", true, true),
            ("https://notify.example.com:8443/", true, true),
            ("http://127.0.0.1:8080/notify/demo", true, false),
            ("https://127.0.0.1:8080/notify/demo", true, false),
            ("https://gateway/notify", true, false),
            ("http://notify.example.com/a", true, false),
            ("https://notify.example.com", false, false),
            ("https://notify.example.com/a?b=c", false, false),
            ("https:///a", false, false),
            ("ftp://notify.example.com/a", false, false),
        ] {
            assert_eq!(
                check_notify_url(&context(&lenient), url).is_ok(),
                lenient_accepts,
                "{url}"
            );
            assert_eq!(
                check_notify_url(&context(&strict), url).is_ok(),
                strict_accepts,
                "{url}"
            );
        }
    }

    #[test]
    fn appids_have_a_form_and_may_have_to_be_bound() {
        let any = settings::Brand::default();
        let one = settings::Brand {
            bound_appids: vec!["wx1".into()],
            ..any.clone()
        };
        for (rules, appid, accepted) in [
            (&any, "wx2", true),
            (&any, "x2", false),
            (&one, "wx1", true),
            (&one, "wx2", false),
        ] {
            assert_eq!(
                check_appid(&context(rules), "appid", appid).is_ok(),
                accepted,
                "{appid}"
            );
        }
    }
}
