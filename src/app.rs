//! The composition: store, core and doors put together, listeners opened, and all of it stopped in order.

pub mod demo;
pub mod listen;
pub mod open;
mod patience;
mod peers;
mod people;
mod sockets;
mod stream;
mod target;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use futures_util::future::join_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use listen::Listener;
use sockets::{Handed, Sockets};

use crate::admin;
use crate::admin::server::{Execute, Socket};
use crate::cap::{self, relay};
use crate::config::Config;
use crate::core::{self, Core};
use crate::dispatch::Dispatch;
use crate::guard::Guard;
use crate::ldap;
use crate::model::clock::SystemClock;
use crate::observe::{self, Health};
use crate::origin::{Proxies, networks};
use crate::store;
use crate::tls::{self, Tls};
use crate::wcap;
use crate::web;

/// Between two sweeps of what has passed away: sessions and, once a day, old deletions.
const SWEEP: Duration = Duration::from_secs(600);

/// How many sweeps there are in a day.
const SWEEPS_A_DAY: u64 = 86_400 / SWEEP.as_secs();

/// Why a command or the server fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address cannot be listened on.
    #[error("cannot listen on {addr} for {service}: {cause}; choose another address")]
    Listen {
        /// Which listener.
        service: &'static str,
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The Unix socket for HTTP cannot be made.
    #[error("cannot make the socket {} for http: {cause}; choose another path", path.display())]
    HttpSocket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A socket handed over by systemd cannot be used.
    #[error("cannot use the socket '{name}' that was handed over: {cause}")]
    Handed {
        /// Its name.
        name: String,
        /// What is wrong with it.
        cause: io::Error,
    },
    /// A socket that was handed over would serve HTTP without TLS to other machines.
    #[error(
        "HTTP without TLS would be served on {0} to other machines; set tls.cert, or http.plain_remote = true"
    )]
    Plain(SocketAddr),
    /// The administration socket cannot be made.
    #[error("cannot make the administration socket in {}: {cause}", data.display())]
    Socket {
        /// The data folder.
        data: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The system refuses threads, timers or signals.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// The store cannot be opened or used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// There is nothing to administer.
    #[error("there is no store in {}; 'wcapd serve' or 'wcapd user add' make one, --data names another folder", .0.display())]
    NoStore(PathBuf),
    /// The request was refused; the sentence of whoever refused it.
    #[error("{0}")]
    Refused(String),
    /// The running server was not to be had.
    #[error(transparent)]
    Client(#[from] admin::client::Error),
    /// A file with a password cannot be read.
    #[error("cannot read the password in {}: {cause}", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The LDAP directory cannot be used.
    #[error(transparent)]
    Ldap(#[from] ldap::SetupError),
    /// The demo's data cannot be stored.
    #[error("cannot store the demo's data: {0}")]
    Demo(core::Error),
    /// A page template does not compile.
    #[error("cannot make the web pages: {0}")]
    Web(#[from] web::TemplateError),
    /// The certificates are not to be had.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The log or the metrics cannot be set up.
    #[error(transparent)]
    Observe(#[from] observe::SetupError),
}

/// Runs the server until SIGTERM or SIGINT, and lets requests in flight finish.
///
/// With `demo` an empty store is filled first, and commands to try are printed on standard output.
pub fn serve(config: &Config, demo: bool) -> Result<(), Error> {
    let audit = config.log.audit.as_deref();
    observe::install_log(&config.log.filter, config.log.format.parse()?, audit)?;
    let core = open::open(config)?;
    if demo && !demo::fill(&core).map_err(Error::Demo)? {
        tracing::warn!("the store is not empty: no demo data was added to it");
    }
    let handed = Handed::from_env();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(run(config, &core, handed, demo));
    // What still blocks has had its time in `run`; the store closes when `core` goes.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn run(config: &Config, core: &Core, handed: Handed, demo: bool) -> Result<(), Error> {
    // From here on the signals wait to be read, so that one sent during the start is not lost.
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let hangup = signal(SignalKind::hangup())?;
    let tls = certificates(config)?;
    let health = Health::new(["listeners"]);
    let directories = core.clone();
    health.ask("directory", move || directories.directory_problem());
    let metrics = observe::install_metrics()?;
    let socket = Socket::bind(&config.server.data).map_err(|cause| Error::Socket {
        data: config.server.data.clone(),
        cause,
    })?;
    let sockets = Sockets::open(config, handed).await?;
    warn_of_plain(config);

    let (stop, stopped) = watch::channel(false);
    let grace = config.server.stop_time;
    let uncounted = networks(&config.http.uncounted).unwrap_or_default();
    let guard = Guard::new(&config.limits, uncounted);
    let jobs = Dispatch::new(config.limits.blocking_jobs, core.store().reads_inline())
        .guarded(guard, config.limits.request_time);
    let mut router =
        router(config, core, jobs.clone())?.merge(observe::health_routes(health.clone()));
    let own_metrics = match sockets.metrics {
        Some(listener) => Some((listener, observe::metrics_routes(metrics.clone()))),
        None => {
            router = router.merge(observe::metrics_routes(metrics.clone()));
            None
        }
    };
    let options = listen::Options {
        tls: tls.clone(),
        plain_remote: config.http.plain_remote,
        // The configuration was checked; without a list nobody is trusted.
        proxies: Arc::new(Proxies::parse(&config.http.trusted_proxies).unwrap_or_default()),
    };
    let serve = |listener, router, options| {
        let (limits, stopped) = (&config.limits, stopped.clone());
        listen::serve(listener, router, options, limits, stopped, grace)
    };
    let peers = peers::peers(config)?;
    let cap_settings = Arc::new(cap::Settings {
        peers: peers.clone(),
        ..cap_settings(config, tls.clone())
    });
    let host = cap::Host {
        core: core.clone(),
        jobs: jobs.clone(),
    };
    let letters =
        relay::letters::carry(host.clone(), peers, config.limits.clone(), stopped.clone());
    let router_with_net = router.layer(CatchPanicLayer::new());
    let http = sockets.http.into_iter();
    let http = http.map(|listener| serve(listener, router_with_net.clone(), options.clone()));
    let cap = sockets.cap.into_iter().map(|listener| {
        let (settings, host) = (Arc::clone(&cap_settings), host.clone());
        cap::serve(
            listener,
            cap::Begin::Greeting,
            settings,
            host,
            stopped.clone(),
        )
    });
    let cap_inside_tls = async {
        if let Some(listener) = sockets.cap_tls {
            let (settings, host) = (Arc::clone(&cap_settings), host.clone());
            cap::serve(listener, cap::Begin::Tls, settings, host, stopped.clone()).await;
        }
    };
    let own_metrics = async {
        if let Some((listener, router)) = own_metrics {
            let listener = Listener::Tcp(listener);
            serve(listener, router, listen::Options::default()).await;
        }
    };
    let told = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        health.down("listeners", "stopping");
        // The listeners hold receivers, and it is no matter if they have ended already.
        let _ = stop.send(true);
    };
    health.up("listeners");
    if demo {
        let commands = demo::commands(
            sockets.http_addr,
            sockets.cap_addr,
            &config.server.data,
            core.now(),
        );
        // Whoever closed standard output does not want to read them.
        let _ = io::stdout().write_all(commands.as_bytes());
    }
    tokio::join!(
        told,
        join_all(http),
        renew(tls, hangup, stopped.clone()),
        join_all(cap),
        cap_inside_tls,
        letters,
        administration(socket, core, stopped.clone(), grace),
        sweep(core, stopped.clone()),
        recheck(core, stopped.clone()),
        observe::upkeep(metrics, stopped.clone()),
        own_metrics,
    );
    Ok(())
}

/// What the configuration tells the CAP door.
pub fn cap_settings(config: &Config, tls: Option<Arc<Tls>>) -> cap::Settings {
    cap::Settings {
        limits: config.limits.clone(),
        csid: config.csid(),
        anonymous: config.auth.anonymous,
        plain_on_loopback: config.cap.plain_on_loopback,
        digest_md5: config.cap.digest_md5,
        auth_attempts: config.cap.auth_attempts as usize,
        stop_grace: config.server.stop_time,
        tls,
        ..cap::Settings::default()
    }
}

/// The certificates that the configuration names, if any.
fn certificates(config: &Config) -> Result<Option<Arc<Tls>>, tls::Error> {
    let source = match (&config.tls.cert, &config.tls.key) {
        (Some(cert), Some(key)) => tls::Source::Files {
            cert: cert.clone(),
            key: key.clone(),
        },
        _ if config.tls.self_signed => tls::Source::SelfSigned {
            folder: config.server.data.clone(),
            domain: config.server.domain.clone(),
        },
        _ => return Ok(None),
    };
    let clients = config.tls.client_ca.clone().map(|ca| tls::Clients {
        ca,
        crl: config.tls.client_crl.clone(),
    });
    let time = config.limits.handshake_time;
    Tls::load(source, clients, Arc::new(SystemClock), time).map(|tls| Some(Arc::new(tls)))
}

/// Says in the log which listeners carry passwords or calendars unprotected to other machines.
fn warn_of_plain(config: &Config) {
    let remote = |addr: SocketAddr| !addr.ip().to_canonical().is_loopback();
    if remote(config.http.addr) && config.http.plain_remote {
        tracing::warn!(
            addr = %config.http.addr,
            "HTTP without TLS is served to other machines: passwords can be read on the way"
        );
    }
    if remote(config.cap.addr) && !config.tls.is_on() {
        tracing::warn!(
            addr = %config.cap.addr,
            "CAP without TLS is served to other machines: calendars can be read on the way"
        );
    }
}

/// Reads the certificates again at every SIGHUP.
async fn renew(tls: Option<Arc<Tls>>, mut hangup: Signal, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = hangup.recv() => {}
        }
        let Some(tls) = &tls else {
            tracing::info!("SIGHUP: there are no certificates to read again");
            continue;
        };
        // Small files, and seldom: not worth a trip through the blocking pool.
        match tls.reload() {
            Ok(()) => tracing::info!("SIGHUP: new connections get the certificates read now"),
            Err(error) => tracing::error!(%error, "SIGHUP: the certificates stay as they were"),
        }
    }
}

/// Everything that is answered over HTTP, but for what an operator asks.
fn router(config: &Config, core: &Core, jobs: Dispatch) -> Result<Router, Error> {
    let pages = web::router(core.clone(), jobs.clone())?;
    let options = wcap::http::Options {
        prefixes: config.http.prefixes.clone(),
        public_url: config.http.public_url.clone(),
        compatibility: wcap::context::Compatibility {
            login_page: config.wcap.login_page,
            organizer_by_user: config.wcap.organizer_by_user,
        },
    };
    Ok(wcap::http::router(core.clone(), jobs, &options)
        .merge(pages)
        .route("/", get(|| async { Redirect::to("/app/") })))
}

/// Serves the administration socket; requests that do not end get `grace` when the server stops.
async fn administration(
    socket: Socket,
    core: &Core,
    mut stop: watch::Receiver<bool>,
    grace: Duration,
) {
    let core = core.clone();
    let execute: Arc<Execute> = Arc::new(move |request, peer| admin::execute(&core, request, peer));
    let serving = socket.serve(execute, stop.clone());
    let enough = async {
        let _ = stop.wait_for(|stop| *stop).await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        () = serving => {}
        () = enough => tracing::warn!("administrative requests cut off at shutdown"),
    }
}

/// Looks now and then whether people of outside directories who are logged in still may be.
async fn recheck(core: &Core, mut stop: watch::Receiver<bool>) {
    let pause = core.settings().limits.directory_recheck;
    // Zero would ask without end.
    let pause = pause.max(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
        let core = core.clone();
        let looked = tokio::task::spawn_blocking(move || core.recheck_outside());
        match looked.await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(?error, "cannot look who may still be logged in"),
            Err(error) => tracing::error!(%error, "looking who may still be logged in broke off"),
        }
    }
}

/// Drops what has passed away, now and then.
async fn sweep(core: &Core, mut stop: watch::Receiver<bool>) {
    for round in 0_u64.. {
        let core = core.clone();
        let swept = tokio::task::spawn_blocking(move || {
            let sessions = core.sweep_sessions()?;
            // Looking for old deletions reads all that is older: once a day is enough.
            let deletions = match round % SWEEPS_A_DAY {
                0 => core.forget_deletions()?,
                _ => 0,
            };
            Ok::<_, core::Error>((sessions, deletions))
        });
        match swept.await {
            Ok(Ok((0, 0))) => {}
            Ok(Ok((sessions, deletions))) => tracing::debug!(sessions, deletions, "swept"),
            Ok(Err(error)) => tracing::warn!(?error, "cannot sweep"),
            Err(error) => tracing::error!(%error, "the sweep broke off"),
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}
