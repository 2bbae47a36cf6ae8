//! From options to a listening server, and its orderly end.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsConfig;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use viewer_core::decode::Limits;

use crate::app::app;
use crate::assets::Assets;
use crate::audit::Audit;
use crate::audit::event::{Event, Kind, Outcome};
use crate::audit::file::AuditError;
use crate::auth::accounts::{self, AccountError};
use crate::auth::asker::now_s;
use crate::auth::database::{Database, DatabaseError};
use crate::auth::launch::{Client, Clients};
use crate::auth::oidc::Provider;
use crate::auth::parents::Parents;
use crate::auth::passkeys::Passkeys;
use crate::auth::policy::{Policies, PolicyError, Role};
use crate::auth::secret::SecretHash;
use crate::auth::{Login, Ways, launch, sessions, waiting};
use crate::command::ServeOptions;
use crate::config::{
    Config, ConfigError, LaunchClient, QualityRejected, SecondFactor, read_secret,
    read_typed_secret,
};
use crate::places::Places;
use crate::requests::address::Proxies;
use crate::requests::limits::{Limits as Senders, USUAL_PER_MINUTE};
use crate::requests::log::Log;
use crate::requests::metrics::Metrics;
use crate::routes::operators;
use crate::source::folder::{FolderOptions, FolderStore, OpenError};
use crate::source::upstream::Upstream;
use crate::state::State;

/// Why the server does not start, each in one sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing to serve.
    #[error("name a folder with DICOM files: sagitta serve --data DIR")]
    NoData,
    /// Not an address.
    #[error("{0} is not an address to listen on, write for example 127.0.0.1:8080")]
    Address(String),
    /// Passwords would go over the network as they are.
    #[error(
        "on {0} passwords would be readable by others: set server.tls_cert and server.tls_key, or an https public_url with trusted_proxies"
    )]
    NoTls(IpAddr),
    /// The certificate.
    #[error("the certificate {0} and its key cannot be used")]
    Certificate(PathBuf),
    /// Others could read the store.
    #[error("login is not configured, so it listens on 127.0.0.1 only and not on {0}")]
    NotLoopback(IpAddr),
    /// Another program is there.
    #[error("port {0} is in use by another program, choose another with --listen 127.0.0.1:PORT")]
    PortBusy(u16),
    /// The system refuses.
    #[error("cannot listen on {address} ({kind})")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        kind: std::io::ErrorKind,
    },
    /// No home.
    #[error("there is no cache folder for the index, name one with --index FILE")]
    NoCache,
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Users and sessions.
    #[error(transparent)]
    Users(#[from] DatabaseError),
    /// Users.
    #[error(transparent)]
    Accounts(#[from] AccountError),
    /// Policies.
    #[error(transparent)]
    Policies(#[from] PolicyError),
    /// The audit record.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The server broke off.
    #[error("the server stopped ({0})")]
    Stopped(std::io::ErrorKind),
}

/// A server that has its port but answers nothing yet.
pub struct Server {
    listener: TcpListener,
    ops: Option<TcpListener>,
    tls: Option<Tls>,
    state: Arc<State>,
}

/// Reads the configuration, takes the port, opens the store.
pub async fn prepare(options: ServeOptions) -> Result<Server, ServeError> {
    let config = options
        .config
        .as_deref()
        .map(Config::read)
        .transpose()?
        .unwrap_or_default();
    let listen = options.listen.clone();
    let listen = listen.or_else(|| config.server.listen.clone());
    let has_login = config.login().is_some();
    let address = address(listen.as_deref().unwrap_or("127.0.0.1:8080"), has_login)?;
    if !address.ip().is_loopback() && config.tls().is_none() && !config.has_tls_proxy() {
        return Err(ServeError::NoTls(address.ip()));
    }
    let tls = match config.tls() {
        Some(files) => Some(Tls::read(files).await?),
        None => None,
    };
    let Places {
        folders,
        store: store_folder,
        index,
    } = Places::of(&options, &config)?;
    let listener = bind(address).await?;
    let ops = match config.server.ops_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let address = listener.local_addr().map_err(|error| ServeError::Listen {
        address,
        kind: error.kind(),
    })?;
    // Beside the index: `index.db` has `index.sources`.
    let learnt = index.with_extension("sources");
    let mut store = FolderOptions::new(folders, index);
    let decoded_max = config.decoded_max_bytes()?;
    store.store = store_folder;
    store.store_limits = config.limits.stow()?;
    store.limits.inflated_bytes = decoded_max;
    store.names_files = !has_login;
    store.shows_quality_rejected = config.store.quality_rejected == QualityRejected::Shown;
    store.limits.depth = config
        .limits
        .sequence_depth
        .unwrap_or(store.limits.depth)
        .min(64);
    let (public_host, base_path) = config.public()?.unzip();
    let upstreams = Upstream::all(&config, &learnt)?;
    let login = login(&config, address)?;
    if let Some(login) = &login {
        let started = Event::new(Kind::Started, Outcome::Success);
        login.audit.add(started).await?;
    }
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let state = State {
        login,
        store: FolderStore::open(store)?,
        upstreams,
        assets: Assets::new(options.app.unwrap_or_else(|| PathBuf::from("dist"))),
        address,
        public_host,
        base_path: base_path.unwrap_or_default(),
        public_url: (config.server.public_url.as_ref())
            .map(|url| url.trim_end_matches('/').to_owned()),
        has_tls: tls.is_some(),
        parents: Parents::of(
            config.embed.allowed_parents.as_deref(),
            address.ip().is_loopback(),
        ),
        limits: Limits {
            frame_bytes: usize::try_from(decoded_max).unwrap_or(usize::MAX),
            ..Limits::default()
        },
        decoding: Semaphore::new(cores),
        reading: Semaphore::new(4 + 2 * cores),
        proxies: Proxies::new(
            &config.server.trusted_proxies,
            config.server.forwarded_header,
        ),
        senders: Senders::new(match config.limits.requests_per_minute {
            None if has_login => Some(USUAL_PER_MINUTE),
            said => said,
        }),
        metrics: Metrics::default(),
        log: match config.log.requests.unwrap_or(has_login) {
            true => Some(Log::start().map_err(|error| ServeError::Stopped(error.kind()))?),
            false => None,
        },
        has_ops: ops.is_some(),
        document: OnceLock::new(),
    };
    Ok(Server {
        listener,
        ops,
        tls,
        state: Arc::new(state),
    })
}

impl Server {
    /// Where it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.state.address
    }

    /// Where operators ask, with the real port.
    pub fn ops_address(&self) -> Option<SocketAddr> {
        self.ops.as_ref()?.local_addr().ok()
    }

    /// Its address for people on this computer.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/", self.state.address)
    }

    /// What its handlers share.
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Answers until `stop` is done, then gives what is under way 5 s to end.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let state = Arc::clone(&self.state);
        let chores = state
            .login
            .is_some()
            .then(|| tokio::spawn(chores(Arc::clone(&state))));
        let ops = self.ops.map(|listener| {
            let app = operators::app(Arc::clone(&state));
            tokio::spawn(async move { axum::serve(listener, app).await })
        });
        let (tell, told) = tokio::sync::oneshot::channel();
        let stopping = async move {
            stop.await;
            // The receiver is gone only where the server has ended by itself.
            let _ = tell.send(());
        };
        let service = app(Arc::clone(&state)).into_make_service_with_connect_info::<SocketAddr>();
        let listener = self.listener;
        let server = async move {
            let handle = axum_server::Handle::new();
            let stopper = handle.clone();
            tokio::spawn(async move {
                stopping.await;
                stopper.graceful_shutdown(Some(PATIENCE));
            });
            let listener = listener.into_std()?;
            let Some(tls) = self.tls else {
                let server = bounded(axum_server::from_tcp(listener)?).http1_only();
                let server = server.acceptor(NoDelayAcceptor::new());
                return server.handle(handle).serve(service).await;
            };
            tls.keep_fresh();
            let server = bounded(axum_server::from_tcp_rustls(listener, tls.config)?);
            let server = server.map(|tls| tls.acceptor(NoDelayAcceptor::new()));
            server.handle(handle).serve(service).await
        };
        let patience = async move {
            if told.await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(PATIENCE).await;
        };
        let result = tokio::select! {
            result = server => result,
            () = patience => Ok(()),
        };
        if let Some(chores) = chores {
            chores.abort();
        }
        if let Some(ops) = ops {
            ops.abort();
        }
        state.store.progress().stop();
        if let Some(log) = &state.log {
            log.flush();
        }
        if let Some(login) = &state.login {
            let stopped = Event::new(Kind::Stopped, Outcome::Success);
            login.audit.add(stopped).await?;
        }
        result.map_err(|error| ServeError::Stopped(error.kind()))
    }
}

/// Bounds what a connection may hold and how long its heads may take: a thousand clients that neither send nor read cost little.
fn bounded<A: axum_server::Address, Acceptor>(
    mut server: axum_server::Server<A, Acceptor>,
) -> axum_server::Server<A, Acceptor> {
    (server.http_builder().http1())
        .max_buf_size(CONNECTION_BYTES)
        .header_read_timeout(HEAD_TIME);
    (server.http_builder().http2())
        .max_send_buf_size(CONNECTION_BYTES)
        .max_concurrent_streams(MOST_STREAMS);
    server.first_request_timeout(HEAD_TIME)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => ServeError::PortBusy(address.port()),
        kind => ServeError::Listen { address, kind },
    })
}

/// How often events of commands are looked for, and ended sessions forgotten.
const CHORES_EVERY: Duration = Duration::from_secs(1);

async fn chores(state: Arc<State>) {
    loop {
        tokio::time::sleep(CHORES_EVERY).await;
        let state = Arc::clone(&state);
        let done = tokio::task::spawn_blocking(move || {
            let Some(login) = &state.login else {
                return;
            };
            if let Err(error) = waiting::write_down(login) {
                eprintln!("sagitta: {error}");
            }
            let forgotten = [
                sessions::forget_ended(&login.database, now_s()),
                launch::forget_ended(&login.database, now_s()),
            ];
            for error in forgotten.into_iter().filter_map(Result::err) {
                eprintln!("sagitta: {error}");
            }
        });
        if done.await.is_err() {
            return;
        }
    }
}

/// Bytes that a connection holds of a request's head, and of an answer that its client does not read.
const CONNECTION_BYTES: usize = 64 << 10;
/// Requests of one connection that are answered at once, over HTTP/2.
const MOST_STREAMS: u32 = 64;
/// How long the head of a request may take, and how long a connection waits for the next.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// How long what is under way may take when the server ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often certificate and key are looked at.
const TLS_EVERY: Duration = Duration::from_secs(30);

/// A certificate and its key, read anew when they are renewed.
struct Tls {
    files: [PathBuf; 2],
    config: RustlsConfig,
}

impl Tls {
    async fn read(files: [PathBuf; 2]) -> Result<Self, ServeError> {
        // Another one may have been installed by a test before.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let [certificate, key] = &files;
        let config = RustlsConfig::from_pem_file(certificate, key).await;
        let config = config.map_err(|_| ServeError::Certificate(certificate.clone()))?;
        Ok(Self { files, config })
    }

    /// A renewal that cannot be read leaves the old certificate in place, and says so.
    fn keep_fresh(&self) {
        let (files, config) = (self.files.clone(), self.config.clone());
        tokio::spawn(async move {
            let mut known = stamps(&files);
            loop {
                tokio::time::sleep(TLS_EVERY).await;
                let now = stamps(&files);
                if now == known {
                    continue;
                }
                let [certificate, key] = &files;
                match config.reload_from_pem_file(certificate, key).await {
                    Ok(()) => known = now,
                    Err(_) => eprintln!(
                        "sagitta: the renewed certificate {} and its key cannot be used yet",
                        certificate.display()
                    ),
                }
            }
        });
    }
}

fn stamps(files: &[PathBuf; 2]) -> [Option<std::time::SystemTime>; 2] {
    files
        .each_ref()
        .map(|file| std::fs::metadata(file).and_then(|it| it.modified()).ok())
}

/// Done when the user or the system asks for the end.
#[cfg(unix)]
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    })
}

/// Done when the user asks for the end.
#[cfg(not(unix))]
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Users, sessions, policies and the audit record, where login is configured.
fn login(config: &Config, address: SocketAddr) -> Result<Option<Login>, ServeError> {
    let Some(local) = config.login() else {
        return Ok(None);
    };
    let key = config.audit.chain_key_file.as_ref();
    let key = read_secret(&config.beside(key.ok_or(ConfigError::NoChainKey)?))?;
    let policies = config.auth.policies.as_ref();
    let policies = policies.map(|path| config.beside(path));
    let mut login = Login::new(
        Database::open(&config.beside(&local.users))?,
        Policies::read(policies.as_deref())?,
        Audit::open_with(
            &config.beside(&config.audit.file),
            &key,
            config.audit.keeping()?,
        )?,
        local.lifetimes()?,
        local.second_factor == SecondFactor::Required,
        ways(config, address)?,
    );
    login.clients = Clients::new(clients(config)?);
    Ok(Some(login))
}

/// Systems that may ask for tickets, with what is kept of their secrets.
fn clients(config: &Config) -> Result<Vec<Client>, ConfigError> {
    let read = |client: &LaunchClient| {
        Ok(Client {
            id: client.id.clone(),
            secret: SecretHash::of(&read_typed_secret(&config.beside(&client.secret_file))?),
        })
    };
    config.launch_client.iter().map(read).collect()
}

/// How people log in.
fn ways(config: &Config, address: SocketAddr) -> Result<Ways, ServeError> {
    let public = config.server.public_url.as_deref();
    let scheme = if config.tls().is_some() {
        "https"
    } else {
        "http"
    };
    let home = match public {
        Some(url) => Some(url.trim_end_matches('/').to_owned()),
        None if address.ip().is_loopback() => Some(format!("{scheme}://{address}")),
        None => None,
    };
    let provider = match &config.auth.oidc {
        Some(oidc) => {
            let home = home.as_deref().ok_or(ConfigError::NoPublicUrl)?;
            Some(Provider::new(config, oidc, home)?)
        }
        None => None,
    };
    // On this computer passkeys are of its name: a number has none.
    let named = match public {
        None if address.ip().is_loopback() => {
            Some(format!("{scheme}://localhost:{}", address.port()))
        }
        _ => home,
    };
    Ok(Ways {
        has_passwords: config.local().is_some(),
        provider,
        passkeys: named.and_then(|home| Passkeys::new(&home, "Sagitta")),
    })
}

/// The code by which the first administrator sets a password, as long as nobody has.
pub fn first_code(login: &Login) -> Result<Option<String>, ServeError> {
    const FIRST: &str = "admin";
    if !login.ways.has_passwords {
        return Ok(None);
    }
    let database = &login.database;
    if accounts::is_empty(database)? {
        let roles = [Role::Admin].into();
        let code = accounts::add(database, FIRST, "Administrator", &roles, now_s())?;
        return Ok(Some(code));
    }
    let users = accounts::list(database)?;
    let is_first = |user: &accounts::User| user.name == FIRST && !user.has_password;
    Ok(match users.as_slice() {
        [only] if is_first(only) => Some(accounts::reset(database, FIRST, now_s())?),
        _ => None,
    })
}

/// Loopback addresses only, as long as there is no login.
fn address(text: &str, has_login: bool) -> Result<SocketAddr, ServeError> {
    let local = text
        .strip_prefix("localhost:")
        .and_then(|port| port.parse().ok());
    let address = match local {
        Some(port) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
        None => text
            .parse()
            .map_err(|_| ServeError::Address(text.to_owned()))?,
    };
    if has_login || address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(ServeError::NotLoopback(address.ip()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_login_it_listens_on_loopback_only() {
        for refused in ["0.0.0.0:8080", "192.0.2.1:80", "[::]:8080"] {
            assert!(
                matches!(address(refused, false), Err(ServeError::NotLoopback(_))),
                "{refused}"
            );
            assert!(address(refused, true).is_ok(), "{refused}");
        }
        for taken in ["127.0.0.1:0", "[::1]:8080", "localhost:8080"] {
            assert!(address(taken, false).is_ok(), "{taken}");
        }
        assert!(matches!(address("8080", true), Err(ServeError::Address(_))));
    }
}
