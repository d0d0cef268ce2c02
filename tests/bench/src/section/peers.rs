//! The same read by other people's SDKs, on the same sandbox, in turn with the gateway.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Run;
use super::path::{self, Cost};
use crate::cores::is_installed;
use crate::measure::{Report, Samples, Target, Unit};
use crate::member::Question;
use crate::process::Program;
use crate::stage::Stage;
use crate::variants;
use crate::{Error, Result};

const IN_FLIGHT: [usize; 2] = [1, 64];
/// Until a program that compiles itself is done with it.
const WARM_UP: Duration = Duration::from_secs(4);

/// Somebody else's SDK, in a program of tests/interop.
struct Peer {
    name: &'static str,
    /// What it is.
    sdk: &'static str,
    /// Its folder in tests/interop, and in the output of it.
    folder: &'static str,
    needs: &'static [&'static str],
    command: fn(&Path) -> Vec<PathBuf>,
    /// The gateway takes at most so much of what it takes.
    target: f64,
}

const PEERS: [Peer; 4] = [
    Peer {
        name: "go",
        sdk: "wechatpay-go",
        folder: "go-sdk",
        needs: &["go"],
        command: |built| vec![built.join("interop"), "bench".into()],
        target: 1.0,
    },
    Peer {
        name: "java",
        sdk: "wechatpay-java",
        folder: "java-sdk",
        needs: &["java", "mvn"],
        command: |built| {
            let classes = format!("{0}/classes:{0}/lib/*", built.display());
            let main = "dev.kabao.interop.sdk.Bench";
            ["java", "-cp", &classes, main].map(PathBuf::from).to_vec()
        },
        target: 1.0,
    },
    Peer {
        name: "node",
        sdk: "wechatpay-axios-plugin",
        folder: "node",
        needs: &["node", "npm"],
        command: |built| vec!["node".into(), built.join("bench.js")],
        target: 1.0,
    },
    Peer {
        name: "python",
        sdk: "wechatpayv3",
        folder: "python",
        needs: &["python3"],
        command: |built| vec![built.join("venv/bin/python"), built.join("bench.py")],
        target: 1.0,
    },
];

impl Peer {
    fn name_at(&self, in_flight: usize) -> String {
        format!("peers.{}.c{in_flight}", self.name)
    }

    fn is_wanted(&self, run: &Run) -> bool {
        let names = IN_FLIGHT.map(|in_flight| self.name_at(in_flight));
        run.filter.wants_any(names.iter().map(String::as_str))
    }

    /// Builds the program; says what is missing.
    async fn build(&self, output: &Path) -> std::result::Result<PathBuf, String> {
        if let Some(tool) = self.needs.iter().find(|tool| !is_installed(tool)) {
            return Err(format!("{tool} is not installed"));
        }
        let built = output.join(self.folder);
        let interop = variants::package().with_file_name("interop");
        let build = Command::new(interop.join(self.folder).join("build"))
            .arg(&built)
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| error.to_string())?;
        match build.status.success() {
            true => Ok(built),
            false => {
                let said = String::from_utf8_lossy(&build.stderr);
                let last = said.lines().rfind(|line| !line.trim().is_empty());
                Err(format!(
                    "tests/interop/{}/build failed: {}",
                    self.folder,
                    last.unwrap_or("it does not say why")
                ))
            }
        }
    }
}

/// A peer that runs, and what it has cost.
struct Running {
    peer: &'static Peer,
    program: Program,
    costs: [Vec<f64>; IN_FLIGHT.len()],
    /// Why it is out of the race.
    failed: Option<Error>,
}

async fn start(stage: &Stage, peer: &Peer, built: &Path) -> Result<Program> {
    let mut program = stage.foreign(peer.name, &(peer.command)(built)).await?;
    for in_flight in IN_FLIGHT {
        path::bare(&mut program, "read", in_flight, WARM_UP).await?;
    }
    Ok(program)
}

pub(super) async fn measure(run: &Run, report: &mut Report) -> Result<()> {
    static ALL: [Peer; 4] = PEERS;
    let wanted: Vec<&'static Peer> = ALL.iter().filter(|peer| peer.is_wanted(run)).collect();
    if run.form.short || wanted.is_empty() {
        return Ok(());
    }
    let target = &run.executables.target;
    let folder = target.join("bench").join("peers");
    let stage = Stage::set(&run.executables.own, &run.cores, &folder).await?;
    let _awake = run.cores.keep_awake(&run.executables.own, &folder)?;
    let mut running = Vec::new();
    for peer in wanted {
        let built = match peer.build(&target.join("interop")).await {
            Ok(built) => built,
            Err(why) => {
                report.line(&format!("peers.{}: not measured, {why}", peer.name))?;
                continue;
            }
        };
        match start(&stage, peer, &built).await {
            Ok(program) => running.push(Running {
                peer,
                program,
                costs: IN_FLIGHT.map(|_| Vec::new()),
                failed: None,
            }),
            Err(why) => report.line(&format!("peers.{}: not measured, {why}", peer.name))?,
        }
    }
    let gateway = stage.gateway(1).await?;
    let callers = stage.callers(gateway.address(), 4).await?;
    let mut ours = IN_FLIGHT.map(|_| Vec::new());
    let length = run.form.length;
    for _ in 0..run.form.rounds {
        for (index, in_flight) in IN_FLIGHT.into_iter().enumerate() {
            let question = Question::FamilyRead;
            let Cost { on_core, .. } =
                path::gateway(&gateway, &callers, question, in_flight, length).await?;
            if let Some(ours) = ours.get_mut(index) {
                ours.push(on_core);
            }
            for peer in running.iter_mut().filter(|peer| peer.failed.is_none()) {
                match path::bare(&mut peer.program, "read", in_flight, length).await {
                    Ok(cost) => peer
                        .costs
                        .get_mut(index)
                        .ok_or("no such number in flight")?
                        .push(cost.on_core),
                    Err(why) => peer.failed = Some(why),
                }
            }
        }
    }
    for Running {
        peer,
        costs,
        failed,
        ..
    } in &running
    {
        if let Some(why) = failed {
            report.line(&format!("peers.{}: not measured, {why}", peer.name))?;
            continue;
        }
        for ((costs, ours), in_flight) in costs.iter().zip(&ours).zip(IN_FLIGHT) {
            let samples = Samples {
                name: peer.name_at(in_flight),
                unit: Unit::Microseconds,
                values: ours.clone(),
                against: peer.sdk,
                limits: costs.clone(),
                target: Target::AtMost(peer.target),
            };
            if run.filter.wants(&samples.name) {
                report.add(&samples)?;
            }
        }
    }
    Ok(())
}
