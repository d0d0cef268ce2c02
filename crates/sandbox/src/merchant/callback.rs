//! The one notification URL of a merchant number.

use std::net::IpAddr;

use kabao_models::merchant::callback::{Callback, SetCallback};

use super::{Context, Core, Refused, Rule};
use crate::ledger::{Change, Effect, whole};
use crate::records::Recorded;

const FIELD: &str = "notify_url";

/// Where a merchant number wants its notifications.
#[derive(Clone)]
pub(super) struct CallbackUrl(pub(super) String);

impl Recorded for CallbackUrl {
    /// The merchant number.
    type Key = String;

    fn place(&self, _: &String) -> Effect {
        Effect::default()
    }

    fn changes(_: &String, before: Option<&Self>, after: Option<&Self>) -> Vec<Change> {
        let text = |url: Option<&Self>| url.map(|url| url.0.clone());
        whole(FIELD, &text(before), &text(after))
    }
}

impl Core {
    /// Returns the notification URL of a merchant number.
    pub(crate) fn callback(&self, merchant: &str) -> Option<&str> {
        self.callbacks.get(merchant).map(|url| url.0.as_str())
    }

    /// Returns the notification URLs by merchant number.
    pub(crate) fn callbacks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.callbacks
            .iter()
            .map(|(merchant, url)| (merchant.as_str(), url.0.as_str()))
    }

    /// Sets the URL; the newest one counts.
    pub(super) fn set_callback(
        &mut self,
        context: &Context<'_>,
        request: &SetCallback,
    ) -> Result<Callback, Refused> {
        let url = request
            .notify_url
            .as_deref()
            .ok_or(Refused::Required(FIELD))?;
        check_url(context, url)?;
        let after = CallbackUrl(url.to_owned());
        self.callbacks
            .put(&mut self.effects, None, context.merchant.to_owned(), after);
        Ok(shown(context, url))
    }

    /// Returns the URL.
    pub(super) fn get_callback(&self, context: &Context<'_>) -> Result<Callback, Refused> {
        match self.callback(context.merchant) {
            Some(url) => Ok(shown(context, url)),
            None if context.rules.unset_callback_is_not_found => {
                Err(Refused::NotFound(Rule::CallbackUnset))
            }
            None => Err(Rule::CallbackUnset.into()),
        }
    }
}

fn shown(context: &Context<'_>, url: &str) -> Callback {
    Callback {
        notify_url: Some(url.to_owned()),
        mchid: Some(context.merchant.to_owned()),
        ..Callback::default()
    }
}

fn check_url(context: &Context<'_>, url: &str) -> Result<(), Refused> {
    let refused = |issue| Err(Refused::value(FIELD, issue, url));
    let Some(rest) = url.strip_prefix("https://") else {
        return refused("must begin with https://");
    };
    if url.contains(['?', '#']) {
        return refused("must have no query parameters");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    if host.is_empty() {
        return refused("has no host");
    }
    if context.rules.notify_url_needs_public_host && !is_public(host) {
        return refused("must be reachable from outside");
    }
    Ok(())
}

fn is_public(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            !(address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified())
        }
        Ok(IpAddr::V6(address)) => {
            !(address.is_loopback() || address.is_unspecified() || address.is_unique_local())
        }
        Err(_) => host.contains('.') && !host.ends_with(".local") && !host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use kabao_models::Answer as _;

    use super::super::testing::{MERCHANT, context, core, rules};
    use super::*;
    use crate::settings;

    #[test]
    fn the_newest_url_counts_for_its_merchant_number() {
        let mut core = core();
        let rules = rules();
        let context = context(&rules);
        assert_eq!(core.get_callback(&context), Err(Rule::CallbackUnset.into()));
        for url in [
            "https://127.0.0.1:8080/a",
            "https://example.com/b",
            "https://example.com/b",
        ] {
            let answer = core.set_callback(&context, &SetCallback::new(url)).unwrap();
            assert!(answer.strict_violations().is_empty());
        }
        let callback = core.get_callback(&context).unwrap();
        assert_eq!(
            callback.notify_url.as_deref(),
            Some("https://example.com/b")
        );
        assert_eq!(callback.mchid.as_deref(), Some(MERCHANT));
        assert_eq!(core.effects.len(), 2);
        let other = settings::Merchant {
            unset_callback_is_not_found: true,
            ..rules.clone()
        };
        let other = Context {
            merchant: "1900000999",
            rules: &other,
            ..context
        };
        let missing = Refused::NotFound(Rule::CallbackUnset);
        assert_eq!(core.get_callback(&other), Err(missing));
    }

    #[test]
    fn urls_have_the_documented_form() {
        let lenient = rules();
        let strict = settings::Merchant {
            notify_url_needs_public_host: true,
            ..rules()
        };
        for (rules, url, good) in [
            (&lenient, "https://localhost:8080/notify", true),
            (&lenient, "http://example.com/notify", false),
            (&lenient, "https://example.com/notify?x=1", false),
            (&lenient, "https:///notify", false),
            (&strict, "https://example.com/notify", true),
            (&strict, "https://localhost/notify", false),
            (&strict, "https://192.168.0.7/notify", false),
            (&strict, "https://[::1]:443/notify", false),
            (&strict, "https://8.8.8.8/notify", true),
        ] {
            let result = core().set_callback(&context(rules), &SetCallback::new(url));
            assert_eq!(result.is_ok(), good, "{url}");
        }
    }
}
