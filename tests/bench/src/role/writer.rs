//! A program with the client in it that writes members, with or without a memory of its changes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use kabao_api::{MemberApi, RequestId, TemplateApi, Upstream};
use kabao_client::merchant::user_cards::UpdateUserCard;
use kabao_client::{Client, Decorator, PayCredential, WeChatPayKey};
use kabao_journal::{AccountJournal, Clock, Journal, Settings};
use kabao_store::{Store, StoreSettings};

use super::{Arguments, questions, say};
use crate::clock::now;
use crate::load::Times;
use crate::{Error, Result, member, pay};

/// Answers `run IN_FLIGHT MILLISECONDS` with what came of it.
pub(super) async fn run() -> Result<()> {
    let arguments = Arguments::of_process();
    let folder = arguments.path(0)?;
    let shop = shop(&folder, arguments.text(1)?, arguments.text(2)?)?;
    let writer = Arc::new(Writer {
        shop: match arguments.text(3)? {
            "-" => shop,
            memory => remembering(&shop, Path::new(memory)).await?,
        },
        next: AtomicU64::new(0),
        series: u64::from(std::process::id()),
    });
    say("ready")?;
    let mut questions = questions();
    while let Some(question) = questions.recv().await {
        let words: Vec<&str> = question.split(' ').collect();
        let ["run", in_flight, milliseconds] = words.as_slice() else {
            return Err(format!("not a question: {question}").into());
        };
        let length = Duration::from_millis(milliseconds.parse()?);
        say(&writer.run(in_flight.parse()?, length).await?)?;
    }
    Ok(())
}

fn shop(folder: &Path, account: &str, address: &str) -> Result<Client> {
    let merchant = pay::Merchant::read(&folder.join(account))?;
    let files = folder.join(account);
    let key = WeChatPayKey::from_file(merchant.public_key_id, files.join("pub_key.pem"))?;
    let credential = PayCredential::from_files(
        merchant.mchid,
        files.join("apiclient_key.pem"),
        files.join("apiclient_cert.pem"),
    )?;
    let builder = Client::merchant(account)
        .credential(credential.with_wechat_pay_key(key))
        .base_url(format!("https://{address}"))
        .root_certificates(fs::read_to_string(folder.join("ca.pem"))?);
    Ok(builder.build()?)
}

/// The same with the journal around it that the gateway has, over a store of its own.
async fn remembering(shop: &Client, folder: &Path) -> Result<Client> {
    fs::create_dir_all(folder)?;
    let store = Store::open(&StoreSettings::embedded(folder)).await?;
    let journal = Journal::new(
        store.changes(),
        store.leases(),
        Arc::new(SystemClock),
        Settings::default(),
    );
    Ok(shop.decorated(&Around(journal.account(shop.account().clone()))))
}

struct Around(Arc<AccountJournal>);

impl Decorator for Around {
    fn members(&self, inner: Arc<dyn MemberApi>) -> Arc<dyn MemberApi> {
        self.0.members(inner)
    }

    fn templates(&self, inner: Arc<dyn TemplateApi>) -> Arc<dyn TemplateApi> {
        self.0.templates(inner)
    }

    fn upstream(&self, inner: Arc<dyn Upstream>) -> Arc<dyn Upstream> {
        self.0.upstream(inner)
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        crate::clock::system()
    }

    fn request_id(&self) -> Option<RequestId> {
        RequestId::new(kabao_auth::random_nonce().ok()?).ok()
    }
}

struct Writer {
    shop: Client,
    next: AtomicU64,
    series: u64,
}

impl Writer {
    async fn run(self: &Arc<Self>, in_flight: usize, length: Duration) -> Result<String> {
        let started = now();
        let ends = started + length;
        let mut running = Vec::new();
        for _ in 0..in_flight {
            let writer = Arc::clone(self);
            running.push(tokio::spawn(async move {
                let mut times = Times::default();
                loop {
                    let started = now();
                    if started >= ends {
                        return Ok::<_, Error>(times);
                    }
                    writer.write().await?;
                    times.add(started.elapsed());
                }
            }));
        }
        let mut times = Times::default();
        for running in running {
            times.extend(running.await??);
        }
        Ok(times.finish(started.elapsed()).to_string())
    }

    async fn write(&self) -> Result<()> {
        let call = self.next.fetch_add(1, Ordering::Relaxed);
        let number = member::request_number(self.series, call);
        let id = RequestId::new(number.clone())?;
        let update = UpdateUserCard {
            level: Some(member::LEVEL.to_owned()),
            ..UpdateUserCard::new(member::CARD, member::code(call), number)
        };
        let context = self.shop.context().with_request_id(id);
        self.shop.call(&context, update).await?;
        Ok(())
    }
}
