//! The configuration: which keys there are, where their values come from, how they are shown.
//!
//! TOML file, then environment (`WCAPD__SECTION__KEY`), then flags. Every key is one row of [`table`]; the bounds
//! of `[limits]` are the rows of [`crate::limits`]. Acting on the values is the work of whoever gets them.

pub mod domains;
mod ldap;
pub mod load;
mod named;
pub mod peers;
pub mod print;
pub mod table;
pub mod value;

#[cfg(test)]
mod tests;

pub use load::{Error, Loaded, Source, Sources};
pub use table::Config;

use crate::model::id::QualifiedName;

/// Who may act as whom (`cap.may_act_as`): UPNs in lower case, `@` for nobody in particular. Nothing if an entry cannot
/// be read.
pub fn acting(config: &Config) -> Option<Vec<(String, String)>> {
    let domain = &config.server.domain;
    let upn = |text: &str| match text.strip_prefix('@') {
        Some(realm) => Some(format!("@{}", realm.to_lowercase())),
        None => Some(QualifiedName::parse(text, domain).ok()?.to_string()),
    };
    let entries = config.cap.may_act_as.iter();
    let pairs = entries.map(|entry| {
        let (who, whom) = entry.split_once(':')?;
        Some((upn(who.trim())?, upn(whom.trim())?))
    });
    pairs.collect()
}

impl table::Tls {
    /// Whether the listeners speak TLS.
    pub fn is_on(&self) -> bool {
        self.cert.is_some() || self.self_signed
    }
}

impl Config {
    /// The name of this calendar store in addresses, lower case.
    pub fn csid(&self) -> String {
        let csid = self.cap.csid.as_ref().unwrap_or(&self.server.domain);
        csid.to_lowercase()
    }

    /// The defaults with both listeners on free ports, data in `data` and passwords hashed as cheaply as allowed.
    pub fn for_tests(data: &std::path::Path) -> Self {
        let mut config = Self::default();
        config.server.data = data.to_owned();
        config.http.addr.set_port(0);
        config.cap.addr.set_port(0);
        config.auth.argon2_memory_kib = 8;
        config.auth.argon2_passes = 1;
        config.auth.scram_iterations = 4_096;
        config
    }
}
