//! The effective configuration for people, without a secret in it.

use std::fmt;

use kabao_store::StoreSettings;

use super::settings::Settings;
use super::unit;
use crate::audit::AuditOutput;
use crate::telemetry::LogFormat;

/// Prints [`Settings`]; also says what is allowed but deserves a second look.
#[derive(Debug)]
pub struct Summary<'a> {
    settings: &'a Settings,
    now: i64,
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// From when on the end of a certificate is pointed out.
const SOON: i64 = 30 * DAY;

impl<'a> Summary<'a> {
    /// A summary as seen at `now`, in seconds since 1970.
    pub fn new(settings: &'a Settings, now: i64) -> Self {
        Self { settings, now }
    }

    /// Things that are valid, and yet may not be meant.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.doubts();
        for account in &self.settings.accounts {
            if let Some(expires) = account.certificate_expires
                && expires - self.now < SOON
            {
                warnings.push(format!(
                    "accounts[{}].certificate_file expires in {} days",
                    account.client.account(),
                    (expires - self.now) / DAY
                ));
            }
        }
        warnings
    }

    /// The same without the ends of certificates, of which a running gateway tells by itself.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let grpc = &self.settings.grpc;
        let mut warnings = Vec::new();
        if !grpc.listen.ip().is_loopback() {
            if self.settings.callers.is_empty()
                && grpc.jwt.is_none()
                && !grpc.asks_for_certificates()
            {
                warnings.push(format!(
                    "grpc.listen {} with open = true: whoever reaches this address can use every account",
                    grpc.listen
                ));
            } else if grpc.policy.is_none() {
                warnings.push(format!(
                    "grpc.listen {} with open = true and without grpc.policy_file: every caller that is known can use every account",
                    grpc.listen
                ));
            }
        }
        let others = !self.settings.callers.is_empty() || grpc.takes_certificates();
        if let Some(jwt) = grpc
            .jwt
            .as_ref()
            .filter(|jwt| jwt.prefix.is_empty() && others)
        {
            warnings.push(format!(
                "grpc.jwt without a prefix: {} can name any caller that [[callers]] or a certificate stands for, too",
                jwt.rules.issuer
            ));
        }
        let admin = self.settings.admin.listen;
        if !admin.ip().is_loopback() {
            warnings.push(format!(
                "admin.listen {admin}: whoever reaches this address sees the metrics, and can have the configuration \
                 read again; it should be loopback, or a network of operators alone"
            ));
        }
        if self.settings.keys.allow_loose_files {
            warnings.push(
                "keys.allow_loose_files = true: private keys are taken that others on this machine may read".to_owned(),
            );
        }
        warnings.extend(self.settings.writable.clone());
        if let Some(memory) = &self.settings.store
            && let StoreSettings::Postgres(settings) = &memory.store
            && settings.url.is_exposed()
        {
            warnings.push(
                "store.url with sslmode=disable: whoever is on the way to the database sees and changes what is kept"
                    .to_owned(),
            );
        }
        if let Some(tls) = &grpc.tls {
            let snapshot = &tls.snapshot;
            let lists = snapshot.lists.iter().map(|list| list.ends).min();
            for (key, expires, soon) in [
                ("certificate_file", snapshot.certificate_ends, SOON),
                ("crl_files", lists, DAY),
            ] {
                let left = expires.map(|expires| expires - self.now);
                match left.filter(|left| *left < soon) {
                    Some(left) if left < 0 => {
                        warnings.push(format!("grpc.tls.{key} has expired"));
                    }
                    Some(left) => {
                        warnings.push(format!("grpc.tls.{key} expires in {} hours", left / HOUR));
                    }
                    None => {}
                }
            }
        }
        if self.settings.process.core_dumps {
            warnings.push(
                "process.core_dumps = true: a core dump holds keys, tokens and personal data"
                    .to_owned(),
            );
        }
        warnings
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
            grpc,
            admin,
            log,
            telemetry,
            process: _,
            shutdown,
            reload,
            cache,
            store,
            audit,
            callers,
            keys: _,
            writable: _,
            accounts,
        } = self.settings;
        let tls = match &grpc.tls {
            None => "plain text",
            Some(_) if grpc.asks_for_certificates() => "TLS, client certificates required",
            Some(_) if grpc.takes_certificates_or_tokens() => "TLS, client certificates or tokens",
            Some(_) => "TLS",
        };
        let format = match log.format {
            LogFormat::Json => "json",
            LogFormat::Text => "text",
        };
        let traces = telemetry.otlp_endpoint.as_deref().unwrap_or("off");
        writeln!(f, "grpc       {} ({tls})", grpc.listen)?;
        if !callers.is_empty() {
            writeln!(f, "tokens     of {} callers", callers.len())?;
        }
        if let Some(jwt) = &grpc.jwt {
            writeln!(
                f,
                "tokens     of {} for {}",
                jwt.rules.issuer, jwt.rules.audience
            )?;
        }
        if let Some(policy) = &grpc.policy {
            let rules = policy.policy.rules().len();
            writeln!(f, "policy     {}, {rules} rules", policy.file.display())?;
        }
        writeln!(f, "admin      {}", admin.listen)?;
        writeln!(f, "log        {format}, {}", log.level)?;
        writeln!(f, "traces     {traces}")?;
        writeln!(
            f,
            "deadlines  {} by default, {} at most",
            unit::duration(grpc.timeouts.default_deadline),
            unit::duration(grpc.timeouts.max_deadline)
        )?;
        let limits = &grpc.limits;
        writeln!(
            f,
            "calls      {} at a time, {} of one connection, {} of one address",
            limits.max_concurrent_requests,
            limits.max_requests_per_connection,
            limits.max_requests_per_address
        )?;
        writeln!(
            f,
            "callers    {} connections, {} of one address",
            limits.max_connections, limits.max_connections_per_address
        )?;
        writeln!(
            f,
            "shutdown   {} pre-drain, {} drain",
            unit::duration(shutdown.pre_drain),
            unit::duration(shutdown.drain_deadline)
        )?;
        match reload.poll.is_zero() {
            true => writeln!(f, "reload     on request")?,
            false => writeln!(
                f,
                "reload     on request, and {} after a file has changed at the latest",
                unit::duration(reload.poll)
            )?,
        }
        if !cache.lifetimes.is_empty() {
            let (operations, answers) = (cache.lifetimes.len(), cache.max_answers);
            writeln!(
                f,
                "cache      {operations} operations, {answers} answers at most"
            )?;
        }
        if let Some(memory) = store {
            let retention = unit::duration(memory.journal.retention);
            match &memory.store {
                StoreSettings::Embedded(settings) => {
                    write!(f, "store      {}", settings.file.display())?
                }
                StoreSettings::Postgres(settings) => {
                    write!(f, "store      PostgreSQL at {}", settings.url)?
                }
            }
            writeln!(f, ", changes remembered for {retention}")?;
        }
        match audit.as_ref().map(|audit| &audit.output) {
            None => writeln!(f, "audit      off")?,
            Some(AuditOutput::Stdout) => writeln!(f, "audit      standard output")?,
            Some(AuditOutput::File { path, .. }) => writeln!(f, "audit      {}", path.display())?,
        }
        writeln!(f, "accounts   {}", accounts.len())?;
        for account in accounts {
            let (id, family) = (account.client.account(), account.client.family().as_str());
            writeln!(f, "  {id}  {family}, {}", account.about)?;
        }
        Ok(())
    }
}
