//! The directories of accounts besides the store, as the configuration names them.

use std::io::BufRead as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Error;
use crate::config::{Config, table};
use crate::core::directory::Directory;
use crate::host::{self, Host};
use crate::ldap::{self, Ldap};
use crate::limits::Limits;

/// The directories, in the order in which they are asked.
///
/// Errors: a file that is named cannot be read. Whether a directory answers shows later.
pub(super) fn directories(config: &Config) -> Result<Vec<Box<dyn Directory>>, Error> {
    let mut directories: Vec<Box<dyn Directory>> = Vec::new();
    let own = (config.server.domain.as_str(), &config.ldap);
    let hosted = config.hosted().map(|(name, hosted)| (name, &hosted.ldap));
    for (domain, keys) in [own].into_iter().chain(hosted) {
        if let Some(options) = options(keys, domain, &config.limits)? {
            directories.push(Box::new(Ldap::new(options)?));
        }
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

/// What the keys of a domain's directory say; none if it has no directory.
fn options(
    keys: &table::Ldap,
    domain: &str,
    limits: &Limits,
) -> Result<Option<ldap::Options>, Error> {
    let Some(url) = &keys.url else {
        return Ok(None);
    };
    let password = keys.bind_password_file.as_deref().map(secret).transpose()?;
    let login = keys.bind_dn.clone().zip(password);
    if !keys.starttls() && url.starts_with("ldap://") && keys.tls.is_some() {
        tracing::warn!(%url, domain, "passwords go to the directory unprotected: ldap.tls is none");
    }
    Ok(Some(ldap::Options {
        url: url.clone(),
        starttls: keys.starttls(),
        authorities: keys.ca.clone(),
        login,
        base: keys.base.clone().unwrap_or_default(),
        schema: keys.schema(),
        proof: keys.proof(),
        domain: domain.to_owned(),
        time: limits.directory_time,
        connections: limits.directory_connections,
        group_members: limits.directory_group,
        group_depth: limits.directory_group_depth,
    }))
}

/// The first line of a file that holds a secret.
pub(super) fn secret(path: &Path) -> Result<String, Error> {
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
