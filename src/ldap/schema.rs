//! What entries of the directory mean: which are people and groups, and which attributes say what.
//!
//! Whatever comes from a client is escaped before it stands in a filter (RFC 4515 section 3).

use ldap3::{SearchEntry, ldap_escape};

use crate::core::directory::Person;
use crate::model::id::{QualifiedName, mail_address};

/// A schema that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Sun's calendar and messaging servers: `icsCalendarUser`, `icsStatus`, `inetUserStatus`.
    Sun,
    /// `inetOrgPerson` (RFC 2798), as OpenLDAP and others have it.
    InetOrgPerson,
    /// Active Directory.
    ActiveDirectory,
}

impl Preset {
    /// The preset called `name` in the configuration.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "sun" => Some(Self::Sun),
            "inetorgperson" => Some(Self::InetOrgPerson),
            "ad" => Some(Self::ActiveDirectory),
            _ => None,
        }
    }
}

/// Filters and attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Filter that people pass.
    pub user_filter: String,
    /// Filter that groups pass.
    pub group_filter: String,
    /// Attribute of the login name.
    pub name: String,
    /// Attributes of mail addresses; the first address is the one shown.
    pub mail: Vec<String>,
    /// Attributes of the full name, the first that is there counts.
    pub full_name: Vec<String>,
    /// Attributes whose value must be `active` where they are there.
    pub status: Vec<String>,
    /// Attribute of a group's name.
    pub group_name: String,
}

/// Given name and family name are called so everywhere (RFC 4519).
const GIVEN_NAME: &str = "givenName";
const SURNAME: &str = "sn";

/// Active Directory's account flags, and the one that shuts an account (MS-ADTS section 2.2.16).
const ACCOUNT_CONTROL: &str = "userAccountControl";
const ACCOUNT_DISABLED: i64 = 2;

/// Attributes of a group that hold the DN of a member.
const MEMBER_DNS: [&str; 2] = ["member", "uniqueMember"];
/// That hold the login name of a member (RFC 2307).
const MEMBER_NAMES: [&str; 1] = ["memberUid"];
/// That hold a search for members.
const MEMBER_URLS: [&str; 2] = ["memberURL", "mgrpDeliverTo"];
/// That hold the address of a member.
const MEMBER_MAIL: [&str; 2] = ["mgrpRFC822MailMember", "rfc822MailMember"];

/// Sun's preferences of a user that are kept as preferences here.
const PREFERENCES: [&str; 2] = ["icsSubscribed", "icsSet"];
const TIME_ZONE: &str = "icsTimezone";

/// What a group's entry says of its members.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// DNs of people and groups.
    pub dns: Vec<String>,
    /// Login names.
    pub names: Vec<String>,
    /// Searches.
    pub urls: Vec<String>,
    /// Addresses.
    pub mail: Vec<String>,
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

impl From<Preset> for Schema {
    fn from(preset: Preset) -> Self {
        let plain = Self {
            user_filter: "(objectClass=inetOrgPerson)".to_owned(),
            group_filter: "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)\
                (objectClass=groupOfURLs)(objectClass=posixGroup))"
                .to_owned(),
            name: "uid".to_owned(),
            mail: owned(&["mail"]),
            full_name: owned(&["displayName", "cn"]),
            status: Vec::new(),
            group_name: "cn".to_owned(),
        };
        match preset {
            Preset::InetOrgPerson => plain,
            Preset::Sun => Self {
                user_filter: "(objectClass=icsCalendarUser)".to_owned(),
                group_filter: "(|(objectClass=groupOfUniqueNames)(objectClass=groupOfURLs)\
                    (objectClass=inetMailGroup))"
                    .to_owned(),
                mail: owned(&["mail", "mailAlternateAddress", "mailEquivalentAddress"]),
                full_name: owned(&["cn"]),
                status: owned(&["icsStatus", "inetUserStatus"]),
                ..plain
            },
            Preset::ActiveDirectory => Self {
                user_filter: "(&(objectCategory=person)(objectClass=user))".to_owned(),
                group_filter: "(objectClass=group)".to_owned(),
                name: "sAMAccountName".to_owned(),
                mail: owned(&["mail", "userPrincipalName", "proxyAddresses"]),
                group_name: "sAMAccountName".to_owned(),
                ..plain
            },
        }
    }
}

/// The values of an attribute, letter case aside.
pub(super) fn values<'e>(entry: &'e SearchEntry, attribute: &str) -> &'e [String] {
    let mut attributes = entry.attrs.iter();
    let found = attributes.find(|(name, _)| name.eq_ignore_ascii_case(attribute));
    found.map_or(&[], |(_, values)| values)
}

fn first(entry: &SearchEntry, attribute: &str) -> String {
    values(entry, attribute)
        .first()
        .cloned()
        .unwrap_or_default()
}

/// A mail address as attributes hold it: Active Directory puts `smtp:` in front.
fn address(value: &str) -> Option<String> {
    let bare = match value.get(..5) {
        Some(scheme) if scheme.eq_ignore_ascii_case("smtp:") => &value[5..],
        _ => value,
    };
    mail_address(bare)
}

impl Schema {
    /// Whether both filters can be read, and none is empty.
    pub fn is_sound(&self) -> bool {
        [&self.user_filter, &self.group_filter]
            .iter()
            .all(|filter| ldap3::parse_filter(filter).is_ok())
    }

    /// The attributes that are asked for.
    pub(super) fn attributes(&self) -> Vec<&str> {
        let of_people = [self.name.as_str(), GIVEN_NAME, SURNAME, ACCOUNT_CONTROL];
        let of_groups = [self.group_name.as_str(), "objectClass", TIME_ZONE];
        let lists = [&self.mail, &self.full_name, &self.status];
        let mut all: Vec<&str> = of_people.into_iter().chain(of_groups).collect();
        all.extend(lists.into_iter().flatten().map(String::as_str));
        all.extend(PREFERENCES);
        all.extend(MEMBER_DNS.iter().chain(&MEMBER_NAMES));
        all.extend(MEMBER_URLS.iter().chain(&MEMBER_MAIL));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The filter for whoever is called `login`: a name, a UPN or a mail address.
    pub(super) fn login_filter(&self, login: &str, domain: &str) -> String {
        let mut either = String::new();
        if let Ok(name) = QualifiedName::parse(login, domain)
            && name.domain == domain
        {
            either.push_str(&equals(&self.name, &name.local));
        }
        if mail_address(login).is_some() {
            either.push_str(&self.mail_filter(login));
        }
        match either.is_empty() {
            // Names nobody here can have.
            true => "(!(objectClass=*))".to_owned(),
            false => format!("(&{}(|{either}))", self.user_filter),
        }
    }

    fn mail_filter(&self, mail: &str) -> String {
        let mut either = String::new();
        for attribute in &self.mail {
            either.push_str(&equals(attribute, mail));
            if attribute.eq_ignore_ascii_case("proxyAddresses") {
                either.push_str(&equals(attribute, &format!("smtp:{mail}")));
            }
        }
        either
    }

    /// The filter for people whose login names are given.
    pub(super) fn name_filter(&self, name: &str) -> String {
        format!("(&{}{})", self.user_filter, equals(&self.name, name))
    }

    /// The filter for groups called `name`: a name or a mail address.
    pub(super) fn group_called(&self, name: &str, domain: &str) -> String {
        let mut either = String::new();
        if let Ok(name) = QualifiedName::parse(name, domain)
            && name.domain == domain
        {
            either.push_str(&equals(&self.group_name, &name.local));
        }
        if mail_address(name).is_some() {
            either.push_str(&self.mail_filter(name));
        }
        match either.is_empty() {
            true => "(!(objectClass=*))".to_owned(),
            false => format!("(&{}(|{either}))", self.group_filter),
        }
    }

    /// The filter for people who pass another filter too.
    pub(super) fn people_among(&self, filter: &str) -> String {
        format!("(&{}{filter})", self.user_filter)
    }

    /// The filter for people in whose names or addresses `text` stands.
    pub(super) fn search_filter(&self, text: &str) -> String {
        let text = ldap_escape(text);
        let attributes = [&self.name, &SURNAME.to_owned(), &GIVEN_NAME.to_owned()];
        let attributes = attributes
            .into_iter()
            .chain(&self.mail)
            .chain(&self.full_name);
        let either: String = attributes
            .map(|name| format!("({name}=*{text}*)"))
            .collect();
        format!("(&{}(|{either}))", self.user_filter)
    }

    /// The person an entry describes; none when its name can be nobody's here.
    ///
    /// `asked` chooses among several login names.
    pub(super) fn person(
        &self,
        entry: &SearchEntry,
        asked: Option<&str>,
        domain: &str,
    ) -> Option<Person> {
        let parse = |value: &String| QualifiedName::parse(value, domain).ok();
        let names: Vec<QualifiedName> =
            values(entry, &self.name).iter().filter_map(parse).collect();
        let asked = asked.and_then(|asked| QualifiedName::parse(asked, domain).ok());
        let chosen = names.iter().find(|name| Some(*name) == asked.as_ref());
        let name = chosen
            .or(names.first())
            .filter(|name| name.domain == domain)?;
        let mail = self
            .mail
            .iter()
            .flat_map(|attribute| values(entry, attribute));
        let full_name = self
            .full_name
            .iter()
            .map(|attribute| first(entry, attribute));
        let preferences = PREFERENCES.iter().flat_map(|&name| {
            let values = values(entry, name).iter();
            values.map(move |value| (name.to_owned(), value.clone()))
        });
        Some(Person {
            name: name.clone(),
            mail: mail.filter_map(|value| address(value)).collect(),
            full_name: full_name
                .into_iter()
                .find(|n| !n.is_empty())
                .unwrap_or_default(),
            given_name: first(entry, GIVEN_NAME),
            surname: first(entry, SURNAME),
            enabled: self.is_active(entry),
            preferences: preferences.collect(),
            tzid: values(entry, TIME_ZONE).first().cloned(),
        })
    }

    fn is_active(&self, entry: &SearchEntry) -> bool {
        let active = self.status.iter().all(|attribute| {
            let mut values = values(entry, attribute).iter();
            values.all(|value| value.trim().eq_ignore_ascii_case("active"))
        });
        let flags = first(entry, ACCOUNT_CONTROL);
        let shut = flags
            .parse()
            .is_ok_and(|flags: i64| flags & ACCOUNT_DISABLED != 0);
        active && !shut
    }

    /// The name of a group's entry: its own, or the first part of its address, if that can be a name.
    pub(super) fn group_name(&self, entry: &SearchEntry, domain: &str) -> Option<QualifiedName> {
        let own = values(entry, &self.group_name).iter().cloned();
        let mail = self.group_mail(entry).into_iter();
        let of_mail = mail.filter_map(|mail| Some(mail.split_once('@')?.0.to_owned()));
        own.chain(of_mail)
            .find_map(|name| QualifiedName::parse(&name, domain).ok())
            .filter(|name| name.domain == domain)
    }

    /// The mail addresses of a group's entry.
    pub(super) fn group_mail(&self, entry: &SearchEntry) -> Vec<String> {
        let values = self
            .mail
            .iter()
            .flat_map(|attribute| values(entry, attribute));
        values.filter_map(|value| address(value)).collect()
    }
}

/// What a group's entry says of its members.
pub(super) fn members(entry: &SearchEntry) -> Members {
    let all = |attributes: &[&str]| -> Vec<String> {
        let values = attributes
            .iter()
            .flat_map(|attribute| values(entry, attribute));
        values.cloned().collect()
    };
    Members {
        dns: all(&MEMBER_DNS),
        names: all(&MEMBER_NAMES),
        urls: all(&MEMBER_URLS),
        mail: all(&MEMBER_MAIL),
    }
}

/// The filter `(attribute=value)`, with everything escaped that would mean something else.
fn equals(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", ldap_escape(value))
}
