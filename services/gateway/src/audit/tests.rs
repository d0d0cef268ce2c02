use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use kabao_api::CallId;
use tonic::Code;

use super::*;

const OTHER_KEY: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
const CODE: &str = "478515832665";

/// A folder of its own for each test, which goes with it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("kabao-audit-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn log(&self) -> PathBuf {
        self.0.join("audit.jsonl")
    }

    fn key(&self) -> PathBuf {
        self.0.join("audit.key")
    }

    fn settings(&self) -> AuditSettings {
        AuditSettings::to_file(self.log(), self.key())
    }

    /// Full after a few records.
    fn rotating(&self, keep: Option<usize>) -> AuditSettings {
        AuditSettings {
            output: AuditOutput::File {
                path: self.log(),
                rotate_bytes: 1500,
                rotate_after: None,
                keep,
            },
            sync_interval: Duration::ZERO,
            ..self.settings()
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        files_of(&self.log()).unwrap()
    }

    fn verify(&self) -> Result<Verified, String> {
        self.verify_these(&self.files())
    }

    fn verify_these(&self, files: &[PathBuf]) -> Result<Verified, String> {
        let keys = AuditKeys::read(&self.key()).unwrap();
        verify(files, &keys, None).map_err(|flaw| {
            let file = flaw.file.file_name().unwrap().to_str().unwrap();
            format!("{file}:{} {}", flaw.line, flaw.what)
        })
    }

    fn text(&self) -> String {
        fs::read_to_string(self.log()).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    fn write(&self, lines: &[String]) {
        fs::write(self.log(), lines.join("\n") + "\n").unwrap();
    }

    /// Writes a log of one process with so many changes.
    async fn with_changes(&self, settings: &AuditSettings, changes: u32) {
        let log = AuditLog::open(settings).unwrap();
        for number in 0..changes {
            change(&log, &format!("order-{number}"));
        }
        log.close().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn change(log: &AuditLog, request_id: &str) {
    log.admit().unwrap();
    told(log, AuditKind::Change, request_id);
}

fn told(log: &AuditLog, kind: AuditKind, request_id: &str) {
    let name = format!("accounts/acme/templates/pbLat/members/{CODE}");
    log.record(&AuditRecord {
        kind,
        caller: Some(&"till-7".parse().unwrap()),
        peer: None,
        method: "kabao.v1.MemberService/AdjustPoints",
        account: Some(&"acme".parse().unwrap()),
        subjects: &[name, CODE.to_owned()],
        call_id: &CallId::new("c-1").unwrap(),
        request_id: Some(&request_id.parse().unwrap()),
        item: None,
        code: Code::Ok,
        reason: None,
        upstream_request_id: Some("08F5"),
        change: Some(ChangeState::Applied),
        may_have_executed: false,
    });
}

fn kinds(lines: &[String]) -> Vec<String> {
    let kind = |line: &String| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["kind"].as_str().unwrap().to_owned()
    };
    lines.iter().map(kind).collect()
}

#[tokio::test]
async fn a_log_goes_on_over_restarts_and_shows_no_personal_value() {
    let place = Place::new("restarts");
    for _ in 0..2 {
        place.with_changes(&place.settings(), 2).await;
    }
    let lines = place.lines();
    assert_eq!(
        kinds(&lines),
        [
            "open", "start", "change", "change", "stop", "start", "change", "change", "stop"
        ]
    );
    let verified = place.verify().unwrap();
    assert_eq!(verified.records, Some((1, 9)));
    assert!(lines[8].contains(&verified.hash.to_string()));
    let text = place.text();
    assert!(!text.contains(CODE), "{text}");
    // Who has the key finds the member.
    let keys = AuditKeys::read(&place.key()).unwrap();
    let hash = keys.current().unwrap().name(CODE);
    assert_eq!(text.matches(&hash).count(), 4);
    for file in [place.log(), place.key()] {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn the_chain_goes_on_over_rotated_files_in_whatever_order_they_are_named() {
    let place = Place::new("rotation");
    for _ in 0..3 {
        place.with_changes(&place.rotating(None), 8).await;
    }
    let mut files = place.files();
    assert!(files.len() > 4, "{files:?}");
    let verified = place.verify().unwrap();
    let (first, last) = verified.records.unwrap();
    assert_eq!(first, 1);
    let counted: usize = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap().lines().count())
        .sum();
    assert_eq!(usize::try_from(last).unwrap(), counted);
    files.reverse();
    assert_eq!(place.verify_these(&files), Ok(verified));
    // Without the first files it is whole from where it begins; without one in between it is not.
    let later = place.verify_these(&files[..3]).unwrap();
    assert!(later.records.unwrap().0 > 1);
    let gone = files.remove(2);
    let missing = place.verify_these(&files).unwrap_err();
    assert!(missing.contains("are missing"), "{missing}");
    assert!(gone.exists());
}

#[tokio::test]
async fn so_many_old_files_stay_as_the_settings_say() {
    let place = Place::new("keep");
    place.with_changes(&place.rotating(Some(2)), 30).await;
    assert_eq!(place.files().len(), 3);
    let verified = place.verify().unwrap();
    assert!(verified.records.unwrap().0 > 1);
}

#[tokio::test]
async fn an_old_file_that_cannot_be_removed_takes_nothing_from_the_log() {
    let place = Place::new("stuck");
    place.with_changes(&place.rotating(Some(1)), 1).await;
    // By its name the oldest one, and none that can be removed as a file is.
    let stuck = place.0.join("audit.jsonl.000000000000");
    fs::create_dir(&stuck).unwrap();
    place.with_changes(&place.rotating(Some(1)), 30).await;
    fs::remove_dir(&stuck).unwrap();
    let verified = place.verify().unwrap();
    assert!(verified.records.unwrap().0 > 1);
    assert_eq!(place.files().len(), 2);
}

#[tokio::test]
async fn what_a_crash_has_torn_is_told_and_gone_on_behind() {
    let place = Place::new("torn");
    place.with_changes(&place.settings(), 1).await;
    let whole = place.text();
    // A piece of a line, zeros where one would be, and what a crash in the middle of the mending leaves.
    for torn in [
        "{\"v\":1,\"seq\":5,\"ti",
        "\0\0\0\0",
        "{\"v\"\0\n{\"v\":1,\"se",
    ] {
        fs::write(place.log(), format!("{whole}{torn}")).unwrap();
        let unfinished = place.verify().unwrap();
        assert_eq!(unfinished.unfinished, u64::try_from(torn.len()).unwrap());
        place.with_changes(&place.settings(), 1).await;
        let verified = place.verify().unwrap();
        assert_eq!(verified.unfinished, 0);
        assert_eq!(verified.torn, u64::try_from(torn.len() + 2).unwrap());
        assert_eq!(verified.records, Some((1, 8)), "{torn:?}");
    }
    // What a crash left is no place to hide something in: its length stands in a record.
    let text = place.text().replace("{\"v\"\0\n", "{\"v\"\0x\n");
    fs::write(place.log(), text).unwrap();
    let changed = place.verify().unwrap_err();
    assert_eq!(
        changed,
        "audit.jsonl:5 is no record, and no record tells that a crash has left it"
    );
}

#[tokio::test]
async fn a_file_that_was_only_begun_goes_on_where_the_one_before_ended() {
    let place = Place::new("begun");
    place.with_changes(&place.rotating(None), 8).await;
    for rest in ["", "{\"v\":1,\"seq\":9,"] {
        let last = place.verify().unwrap().records.unwrap().1;
        // As if the process had died while it rotated.
        let first = serde_json::from_str::<serde_json::Value>(&place.lines()[0]).unwrap()["seq"]
            .as_u64()
            .unwrap();
        fs::rename(
            place.log(),
            place.0.join(format!("audit.jsonl.{first:012}")),
        )
        .unwrap();
        fs::write(place.log(), rest).unwrap();
        place.with_changes(&place.rotating(None), 1).await;
        let verified = place.verify().unwrap();
        assert_eq!(verified.records, Some((1, last + 4)), "{rest:?}");
    }
}

#[tokio::test]
async fn whatever_is_changed_without_the_key_is_found_at_its_line() {
    let place = Place::new("changed");
    place.with_changes(&place.settings(), 4).await;
    let lines = place.lines();
    assert_eq!(lines.len(), 7);
    type Forgery = fn(&mut Vec<String>);
    let forgeries: [(Forgery, &str); 6] = [
        (
            |lines| lines[3] = lines[3].replace("till-7", "till-8"),
            "audit.jsonl:4 was changed, or written without the key: its hash is wrong",
        ),
        (
            |lines| drop(lines.remove(3)),
            "audit.jsonl:4 is record 5; 4 to 4 are missing",
        ),
        (
            |lines| lines.swap(3, 4),
            "audit.jsonl:4 is record 5; 4 to 4 are missing",
        ),
        (
            |lines| lines.insert(4, lines[3].clone()),
            "audit.jsonl:5 is record 4 once more; 5 was to follow",
        ),
        (
            |lines| lines.insert(4, "not a record".to_owned()),
            "audit.jsonl:5 is no record, and no record tells that a crash has left it",
        ),
        (
            |lines| drop(lines.remove(0)),
            "audit.jsonl:1 is not the beginning of a file, which a record of the kind `open` is",
        ),
    ];
    for (forge, expected) in forgeries {
        let mut forged = lines.clone();
        forge(&mut forged);
        place.write(&forged);
        assert_eq!(place.verify().unwrap_err(), expected);
    }
    // Cut off at the end is what only an anchor shows.
    place.write(&lines[..5]);
    let keys = AuditKeys::read(&place.key()).unwrap();
    let hash = |line: &str| Hash::parse(&line[line.len() - 66..line.len() - 2]);
    let has = |anchor| {
        let verified = verify(&place.files(), &keys, anchor).unwrap();
        verified.has_anchor
    };
    assert!(has(hash(&lines[4])));
    assert!(!has(hash(&lines[5])));
}

#[tokio::test]
async fn a_log_whose_end_does_not_fit_its_key_is_not_gone_on_with() {
    let place = Place::new("foreign");
    place.with_changes(&place.settings(), 2).await;
    let lines = place.lines();
    let refused = || match AuditLog::open(&place.settings()) {
        Ok(_) => panic!("it went on"),
        Err(error) => error.to_string(),
    };
    let mut forged = lines.clone();
    forged[4] = forged[4].replace("stop", "rest");
    place.write(&forged);
    assert!(refused().contains("does not fit its key"), "{}", refused());
    let mut added = lines.clone();
    added.push("{}".to_owned());
    place.write(&added);
    assert!(refused().contains("does not fit its key"));
    place.write(&lines);
    let key = fs::read(place.key()).unwrap();
    fs::write(place.key(), format!("{OTHER_KEY}\n")).unwrap();
    assert!(refused().contains("does not fit its key"));
    fs::write(place.key(), key).unwrap();
    fs::set_permissions(place.key(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused().contains("chmod 600"));
}

#[tokio::test]
async fn a_new_key_begins_a_new_file_of_the_same_chain() {
    let place = Place::new("new-key");
    place.with_changes(&place.settings(), 1).await;
    let old = fs::read_to_string(place.key()).unwrap();
    fs::write(place.key(), format!("{OTHER_KEY}\n{old}")).unwrap();
    place.with_changes(&place.settings(), 1).await;
    assert_eq!(place.files().len(), 2);
    let keys = AuditKeys::read(&place.key()).unwrap();
    assert!(place.lines()[0].contains(keys.current().unwrap().id()));
    assert_eq!(place.verify().unwrap().records, Some((1, 8)));
    // Without the old key, what it wrote cannot be verified.
    fs::write(place.key(), format!("{OTHER_KEY}\n")).unwrap();
    let unknown = place.verify().unwrap_err();
    assert!(
        unknown.contains("that the key file does not have"),
        "{unknown}"
    );
}

#[tokio::test]
async fn what_a_crash_has_torn_before_the_key_changed_is_told_in_its_own_file() {
    let place = Place::new("torn-key");
    place.with_changes(&place.settings(), 1).await;
    let torn = format!("{}{{\"v\":1,\"se", place.text());
    fs::write(place.log(), torn).unwrap();
    let old = fs::read_to_string(place.key()).unwrap();
    fs::write(place.key(), format!("{OTHER_KEY}\n{old}")).unwrap();
    place.with_changes(&place.settings(), 1).await;
    assert_eq!(place.files().len(), 2);
    let verified = place.verify().unwrap();
    assert_eq!((verified.records, verified.torn), (Some((1, 9)), 10 + 2));
}

#[tokio::test]
async fn two_processes_never_write_one_log() {
    let place = Place::new("two");
    let log = AuditLog::open(&place.settings()).unwrap();
    let second = AuditLog::open(&place.settings()).err().unwrap();
    assert!(second.to_string().contains("another process"), "{second}");
    log.close().await;
}

#[tokio::test]
async fn the_log_tells_itself_what_it_had_no_room_for() {
    let place = Place::new("left-out");
    let mut settings = place.settings();
    settings.refusals_per_second = 1;
    let log = AuditLog::open(&settings).unwrap();
    for _ in 0..500 {
        told(&log, AuditKind::Refusal, "none");
    }
    let [(_, changes), (_, refusals)] = log.tally().left_out();
    assert_eq!(changes, 0);
    assert!(refusals > 400, "{refusals}");
    log.close().await;
    let verified = place.verify().unwrap();
    assert_eq!(verified.left_out, refusals);
    let refused = kinds(&place.lines())
        .iter()
        .filter(|kind| *kind == "refusal")
        .count();
    assert_eq!(u64::try_from(refused).unwrap(), 500 - refusals);
}

#[tokio::test]
async fn a_call_that_is_cut_at_the_end_still_leaves_its_record() {
    let place = Place::new("cut");
    let log = AuditLog::open(&place.settings()).unwrap();
    log.admit().unwrap();
    let closing = {
        let log = log.clone();
        tokio::spawn(async move { log.close().await })
    };
    // Closed for others, and still open for the one that has a place.
    while log.admit().is_ok() {
        told(&log, AuditKind::Change, "order-0");
        tokio::task::yield_now().await;
    }
    told(&log, AuditKind::Change, "order-1");
    closing.await.unwrap();
    assert!(place.text().contains("order-1"));
    let last = place.lines().pop().unwrap();
    assert!(last.contains("\"kind\":\"stop\""), "{last}");
    assert!(place.verify().is_ok());
}

#[tokio::test]
async fn while_the_log_cannot_be_written_changes_are_refused() {
    let place = Place::new("no-disk");
    let log = AuditLog::open(&place.settings()).unwrap();
    log.0.queue.set_failing(true);
    let refused = log.admit().unwrap_err();
    assert_eq!(refused.reason(), Reason::Store);
    assert!(!refused.may_have_executed());
    assert_eq!(log.tally().changes_refused(), 1);
    log.0.queue.set_failing(false);
    change(&log, "order-1");
    log.close().await;
    assert!(place.verify().is_ok());
}

/// Nobody would find what is written to it any more.
#[tokio::test]
async fn while_another_file_has_the_name_of_the_log_changes_are_refused() {
    const PATIENCE: Duration = Duration::from_secs(20);
    let place = Place::new("replaced");
    let mut settings = place.settings();
    settings.sync_interval = Duration::ZERO;
    let log = AuditLog::open(&settings).unwrap();
    let away = place.0.join("away");
    fs::rename(place.log(), &away).unwrap();
    fs::copy(&away, place.log()).unwrap();
    let noticed = async {
        while log.admit().is_ok() {
            told(&log, AuditKind::Change, "order-1");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed).await.unwrap();
    assert!(log.tally().is_failing());
    fs::rename(&away, place.log()).unwrap();
    let is_back = async {
        while log.admit().is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, is_back).await.unwrap();
    told(&log, AuditKind::Change, "order-2");
    log.close().await;
    assert_eq!(place.verify().unwrap().left_out, 0);
    assert!(place.text().contains("order-1") && place.text().contains("order-2"));
}
