//! The directories of accounts besides the store, as the configuration names them.

use std::io::BufRead as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Error;
use crate::config::Config;
use crate::core::directory::Directory;
use crate::host::{self, Host};
use crate::ldap::{self, Ldap};

/// The directories, in the order in which they are asked.
///
/// Errors: a file that is named cannot be read. Whether a directory answers shows later.
pub(super) fn directories(config: &Config) -> Result<Vec<Box<dyn Directory>>, Error> {
    let mut directories: Vec<Box<dyn Directory>> = Vec::new();
    let keys = &config.ldap;
    if let Some(url) = &keys.url {
        let password = keys.bind_password_file.as_deref().map(secret).transpose()?;
        let login = keys.bind_dn.clone().zip(password);
        if !keys.starttls() && url.starts_with("ldap://") && keys.tls.is_some() {
            tracing::warn!(%url, "passwords go to the directory unprotected: ldap.tls is none");
        }
        let limits = &config.limits;
        directories.push(Box::new(Ldap::new(ldap::Options {
            url: url.clone(),
            starttls: keys.starttls(),
            authorities: keys.ca.clone(),
            login,
            base: keys.base.clone().unwrap_or_default(),
            schema: keys.schema(),
            proof: keys.proof(),
            domain: config.server.domain.clone(),
            time: limits.directory_time,
            connections: limits.directory_connections,
            group_members: limits.directory_group,
            group_depth: limits.directory_group_depth,
        })?));
    }
    if config.auth.pam {
        directories.push(Box::new(Host::new(host::Options {
            socket: config.auth.pam_socket.clone(),
            service: config.auth.pam_service.clone(),
            least_uid: config.auth.pam_least_uid,
            domain: config.server.domain.clone(),
            time: config.limits.directory_time,
            group_members: config.limits.directory_group,
        })));
    }
    Ok(directories)
}

/// The first line of a file that holds a secret.
fn secret(path: &Path) -> Result<String, Error> {
    let failed = |cause| Error::Secret {
        path: path.to_owned(),
        cause,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "a password lies in a file that others may read: chmod 600");
    }
    let mut line = String::new();
    std::io::BufReader::new(file)
        .read_line(&mut line)
        .map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
