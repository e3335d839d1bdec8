//! The composition: store, core and doors put together, listeners opened, and all of it stopped in order.

pub mod listen;
pub mod log;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use crate::cap;
use crate::config::Config;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data folder cannot be made or used.
    #[error("cannot use the data folder {}: {cause}; name another with --data", path.display())]
    Data {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {addr} for {service}: {cause}; choose another address with --{service}"
    )]
    Listen {
        /// Which listener.
        service: &'static str,
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The system refuses threads, timers or signals.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Makes the data folder if it is missing, for its owner alone.
pub fn make_data_folder(path: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|cause| Error::Data {
        path: path.to_owned(),
        cause,
    })
}

/// Runs the server until SIGTERM or SIGINT, and lets requests in flight finish.
pub fn serve(config: &Config) -> Result<(), Error> {
    make_data_folder(&config.server.data)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(run(config));
    // What still blocks here has had its time in `run`.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn run(config: &Config) -> Result<(), Error> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let http = bind("http", config.http.addr).await?;
    let cap = bind("cap", config.cap.addr).await?;
    let (stop, stopped) = watch::channel(false);
    let grace = config.server.stop_time;
    let cap_settings = cap::Settings {
        limits: config.limits.clone(),
        stop_grace: grace,
        ..cap::Settings::default()
    };
    let cap = cap::serve(cap, Arc::new(cap_settings), stopped.clone());
    let http = listen::serve(http, router(), &config.limits, stopped, grace);
    let told = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        // The listeners below hold receivers, and it is no matter if they have ended already.
        let _ = stop.send(true);
    };
    tokio::join!(told, http, cap);
    Ok(())
}

/// Opens a listener and tells its address, which port 0 leaves to the system.
async fn bind(service: &'static str, addr: SocketAddr) -> Result<TcpListener, Error> {
    let failed = |cause| Error::Listen {
        service,
        addr,
        cause,
    };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    eprintln!(
        "{service} listening on {}",
        listener.local_addr().map_err(failed)?
    );
    Ok(listener)
}

/// Everything that is answered over HTTP.
fn router() -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/app/") }))
        .layer(CatchPanicLayer::new())
}
