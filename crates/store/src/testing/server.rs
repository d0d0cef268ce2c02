//! A server of PostgreSQL of one's own, out of the package of the system.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_postgres::{Config, NoTls};

/// Where packages put the programs of the server, below a folder per version.
const PACKAGES: &str = "/usr/lib/postgresql";

/// Runs the server until the standard input ends, which it does with the test, however that ends.
///
/// Arguments: what to run, the folder to remove, and those of the server.
const SUPERVISOR: &str = r#"
postgres=$1 folder=$2
shift 2
"$postgres" "$@" &
server=$!
read -r order
case "$order" in
kill)
    # With all its children at once: one that survives keeps the memory that they share.
    kill -STOP "$server"
    for stat in /proc/[0-9]*/stat; do
        read -r child name state parent rest 2>/dev/null <"$stat" || continue
        [ "$parent" != "$server" ] || kill -KILL "$child"
    done
    kill -KILL "$server"
    ;;
stop) kill -INT "$server" ;;
*) kill -QUIT "$server" ;;
esac
wait "$server"
case "$order" in
kill | stop) ;;
*) rm -rf "$folder" ;;
esac
"#;

/// What it begins with; `ALTER SYSTEM` changes it. The system outlives the server, so nothing has to be synced.
const SETTINGS: &str = "\nlisten_addresses = ''\nmax_connections = 200\nfsync = off\n";

/// How often a server is started anew whose predecessor has not let go of its files.
const STARTS: u32 = 200;

/// A server that listens on a socket in a folder of its own, and ends with the process that started it.
pub struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    supervisor: Mutex<Option<Supervisor>>,
    databases: AtomicU32,
    /// Also the name of the socket.
    port: AtomicU16,
}

struct Supervisor {
    child: Child,
    input: Option<ChildStdin>,
}

impl PostgresServer {
    /// Starts a server. It refuses to run as root, so it runs as another user then.
    ///
    /// # Errors
    /// If there is no server on this machine, or it does not start.
    pub fn start() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let programs = programs()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kabao-postgres-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // What an earlier process with this number has left behind.
        let _ = fs::remove_dir_all(&folder);
        fs::DirBuilder::new().mode(0o755).create(&folder)?;
        let user = match fs::metadata(&folder)?.uid() {
            0 => Some(unprivileged()?),
            _ => None,
        };
        if let Some((user, group)) = user {
            std::os::unix::fs::chown(&folder, Some(user), Some(group))?;
        }
        let server = Self {
            programs,
            folder,
            user,
            supervisor: Mutex::default(),
            databases: AtomicU32::new(0),
            port: AtomicU16::new(5432),
        };
        let made = server
            .command(&server.programs.join("initdb"))
            .args(["--auth=trust", "--username=kabao", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--pgdata"])
            .arg(server.data())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other(
                String::from_utf8_lossy(&made.stderr).into_owned(),
            ));
        }
        let mut settings = fs::OpenOptions::new()
            .append(true)
            .open(server.data().join("postgresql.conf"))?;
        settings.write_all(SETTINGS.as_bytes())?;
        server.run()?;
        Ok(server)
    }

    /// Makes an empty database, and returns its URL.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn database(&self) -> io::Result<String> {
        let name = format!("d{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}"))
            .await?;
        Ok(self.url(&name))
    }

    /// Runs statements in a database, named or by its URL.
    ///
    /// # Errors
    /// If the server does not answer, or refuses them.
    pub async fn execute(&self, database: &str, statements: &str) -> io::Result<()> {
        let url = match database.contains("://") {
            true => database.to_owned(),
            false => self.url(database),
        };
        let config: Config = url.parse().map_err(io::Error::other)?;
        let (client, connection) = config.connect(NoTls).await.map_err(io::Error::other)?;
        let connection = tokio::spawn(connection);
        let executed = client.batch_execute(statements).await;
        drop(client);
        let _ = connection.await;
        executed.map_err(io::Error::other)
    }

    /// Returns the folder of its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file that only the server may read into the folder of its data.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, name: &str, content: &str) -> io::Result<()> {
        let path = self.data().join(name);
        // One that exists keeps its owner and its mode.
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(content.as_bytes())?;
        if let Some((user, group)) = self.user {
            std::os::unix::fs::chown(&path, Some(user), Some(group))?;
        }
        Ok(())
    }

    /// Lets it listen on the loopback interface as well, with the files that were written by then, and returns its
    /// port. It is started anew for that.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn listen(&self) -> io::Result<u16> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let listen = "ALTER SYSTEM SET listen_addresses = '127.0.0.1'";
        self.execute("postgres", listen).await?;
        let move_to = format!("ALTER SYSTEM SET port = {port}");
        self.execute("postgres", &move_to).await?;
        self.end("stop\n")?;
        self.port.store(port, Ordering::Relaxed);
        self.restart()?;
        Ok(port)
    }

    /// Ends it and all its processes without a word: SIGKILL.
    ///
    /// # Errors
    /// If there is no server.
    pub fn kill(&self) -> io::Result<()> {
        self.end("kill\n")
    }

    /// Starts it again, over the same files.
    ///
    /// # Errors
    /// If it does not start.
    pub fn restart(&self) -> io::Result<()> {
        self.run()
    }

    fn end(&self, order: &str) -> io::Result<()> {
        match self.lock().take() {
            Some(supervisor) => supervisor.end(order),
            None => Err(io::Error::other("the server does not run")),
        }
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgres:///{database}?user=kabao&host={}&port={}",
            self.folder.display(),
            self.port.load(Ordering::Relaxed)
        )
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn run(&self) -> io::Result<()> {
        let mut last = None;
        for _ in 0..STARTS {
            match self.run_once() {
                Ok(supervisor) => {
                    *self.lock() = Some(supervisor);
                    return Ok(());
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("the server does not start")))
    }

    fn run_once(&self) -> io::Result<Supervisor> {
        let mut child = self
            .command(Path::new("/bin/sh"))
            .args(["-c", SUPERVISOR, "sh"])
            .arg(self.programs.join("postgres"))
            .arg(&self.folder)
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let missing = || io::Error::other("the server has no standard error");
        let mut lines = BufReader::new(child.stderr.take().ok_or_else(missing)?).lines();
        let supervisor = Supervisor { child, input };
        let mut said = String::new();
        for line in lines.by_ref() {
            let line = line?;
            if line.contains("ready to accept connections") {
                // Whoever reads no more lets it block.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(supervisor);
            }
            said.push_str(&line);
            said.push('\n');
            // What it tells others who are too early.
            let is_starting = line.contains("FATAL:  the database system is ");
            if line.contains("PANIC") || line.contains("FATAL") && !is_starting {
                break;
            }
        }
        // Removes nothing: another start may come.
        supervisor.end("kill\n")?;
        Err(io::Error::other(said))
    }

    /// A program that runs as the user of the server.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Every step leaves the value whole.
    fn lock(&self) -> MutexGuard<'_, Option<Supervisor>> {
        self.supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(supervisor) = self.lock().take() {
            let _ = supervisor.end("quit\n");
        }
        // One that was killed has left it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Supervisor {
    /// Gives an order and waits until it is done.
    fn end(mut self, order: &str) -> io::Result<()> {
        if let Some(mut input) = self.input.take() {
            // One that is gone needs none.
            let _ = input.write_all(order.as_bytes());
        }
        self.child.wait()?;
        Ok(())
    }
}

/// The folder of `initdb` and `postgres`: of the newest package, or in the search path.
fn programs() -> io::Result<PathBuf> {
    let mut packages: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir(PACKAGES).into_iter().flatten().flatten() {
        let version = entry.file_name().to_string_lossy().parse();
        packages.push((version.unwrap_or_default(), entry.path().join("bin")));
    }
    packages.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::split_paths(&path).collect::<Vec<_>>();
    let packages = packages.into_iter().rev().map(|(_, path)| path);
    let has_programs = |folder: &PathBuf| {
        ["initdb", "postgres"]
            .iter()
            .all(|name| folder.join(name).exists())
    };
    packages.chain(paths).find(has_programs).ok_or_else(|| {
        io::Error::other(
            "there is no PostgreSQL on this machine; .ci/postgres installs it (Debian: apt-get install postgresql)",
        )
    })
}

/// The numbers of a user who may do little.
fn unprivileged() -> io::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let find = |wanted: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_it = fields.next() == Some(wanted);
            let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            is_it.then_some((user, group))
        })
    };
    find("postgres").or_else(|| find("nobody")).ok_or_else(|| {
        io::Error::other("neither `postgres` nor `nobody` is a user of this machine")
    })
}
