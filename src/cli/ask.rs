//! Turns commands into requests, asking for passwords where one is needed.

use std::io::{self, BufRead, IsTerminal};
use std::path::absolute;

use super::Failure;
use super::args::{
    Calendar, Command, Group, Member, Outbox, Password, Rights, Role, Session, User,
};
use crate::admin::{Request, Secret};

/// The request that `command` makes; nothing for the commands that are no requests.
///
/// Reads the password from the terminal or from standard input where the command needs one.
pub(super) fn request(command: &Command) -> Result<Option<Request>, Failure> {
    Ok(Some(match command {
        Command::Serve(_) | Command::Config | Command::Restore { .. } | Command::Cap(_) => {
            return Ok(None);
        }
        Command::User(user) => of_user(user)?,
        Command::Group(group) => of_group(group),
        Command::Calendar(calendar) => of_calendar(calendar),
        Command::Session(Session::List { user }) => Request::SessionList(user.clone()),
        Command::Session(Session::End(which)) => match (&which.name, &which.id) {
            (Some(name), _) => Request::SessionEnd(name.clone()),
            (None, Some(id)) => Request::SessionEndOne(id.clone()),
            (None, None) => Request::SessionEndAll,
        },
        Command::Outbox(Outbox::List) => Request::OutboxList,
        Command::Outbox(Outbox::Show { id }) => Request::OutboxShow(id.clone()),
        // Without an id it is all of them: clap sees to it.
        Command::Outbox(Outbox::Retry(letters)) => Request::OutboxRetry(letters.id.clone()),
        Command::Outbox(Outbox::Drop(letters)) => Request::OutboxDrop(letters.id.clone()),
        Command::Rights(rights) => of_rights(rights),
        Command::Import(import) => Request::Import(import.calid.clone()),
        Command::Export(export) => Request::Export(export.calid.clone()),
        Command::Check(check) => Request::Check(check.repair),
        Command::Backup { file } => Request::Backup(absolute(file)?),
    }))
}

fn of_rights(rights: &Rights) -> Request {
    match rights {
        Rights::List => Request::RightsList,
        Rights::Show { name } => Request::RightsShow(name.clone()),
        Rights::Set(set) => Request::RightsSet {
            name: set.name.clone(),
            grant: set.grant.clone(),
            deny: set.deny.clone(),
            decreed: set.decree,
        },
        Rights::Remove { name } => Request::RightsRemove(name.clone()),
    }
}

fn of_user(user: &User) -> Result<Request, Failure> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Ok(match user {
        User::Add(add) => Request::UserAdd {
            name: add.name.clone(),
            mail: add.mail.clone(),
            full_name: text(&add.full_name),
            given_name: text(&add.given),
            surname: text(&add.surname),
            administrator: add.admin,
            password: new_password(add.password, &add.name)?,
        },
        User::List => Request::UserList,
        User::Show(user) => Request::UserShow(user.name.clone()),
        User::Passwd {
            user,
            password: source,
        } => Request::UserPassword(user.name.clone(), password(*source, &user.name)?),
        User::Disable(user) => Request::UserEnable(user.name.clone(), false),
        User::Enable(user) => Request::UserEnable(user.name.clone(), true),
        User::Grant { user, role } => match role.model() {
            Some(role) => Request::UserGrant(user.name.clone(), role),
            None => Request::UserRevoke(user.name.clone(), None),
        },
        User::Revoke { user, role } => {
            let role = role.and_then(Role::model);
            Request::UserRevoke(user.name.clone(), role)
        }
        User::Remove(user) => Request::UserRemove(user.name.clone()),
    })
}

fn of_group(group: &Group) -> Request {
    match group {
        Group::Add {
            name,
            mail,
            members,
        } => Request::GroupAdd {
            name: name.clone(),
            mail: mail.clone(),
            members: members.clone(),
        },
        Group::List => Request::GroupList,
        Group::Show(group) => Request::GroupShow(group.name.clone()),
        Group::Remove(group) => Request::GroupRemove(group.name.clone()),
        Group::Member(Member::Add(m)) => {
            Request::GroupMember(m.group.clone(), m.name.clone(), true)
        }
        Group::Member(Member::Remove(m)) => {
            Request::GroupMember(m.group.clone(), m.name.clone(), false)
        }
    }
}

fn of_calendar(calendar: &Calendar) -> Request {
    match calendar {
        Calendar::List { owner } => Request::CalendarList(owner.clone()),
        Calendar::Show { calid } => Request::CalendarShow(calid.clone()),
        Calendar::Create {
            calid,
            owner,
            name,
            resource,
            mail,
        } => Request::CalendarCreate {
            calid: calid.clone(),
            owner: owner.clone(),
            name: name.clone(),
            resource: *resource,
            mail: mail.clone(),
        },
        Calendar::Remove { calid } => Request::CalendarRemove(calid.clone()),
        Calendar::Disable { calid } => Request::CalendarEnable(calid.clone(), false),
        Calendar::Enable { calid } => Request::CalendarEnable(calid.clone(), true),
        Calendar::Acl { calid, set: None } => Request::CalendarAcl(calid.clone()),
        Calendar::Acl {
            calid,
            set: Some(entries),
        } => Request::CalendarSetAcl(calid.clone(), entries.clone()),
    }
}

/// The password for a new account. A script that gives none gets an account that nobody can log in with yet.
fn new_password(source: Password, name: &str) -> Result<Option<Secret>, Failure> {
    if source.password_stdin || io::stdin().is_terminal() {
        return password(source, name).map(Some);
    }
    eprintln!(
        "wcapd: '{name}' has no password, so nobody can log in with it; 'wcapd user passwd {name}' sets one"
    );
    Ok(None)
}

/// The password for `name`: the first line of standard input, or what is typed twice, unseen, at the terminal.
fn password(source: Password, name: &str) -> Result<Secret, Failure> {
    if source.password_stdin {
        return first_line(io::stdin().lock());
    }
    if !io::stdin().is_terminal() {
        let sentence = "there is no terminal to ask for the password on; use --password-stdin";
        return Err(Failure::new(sentence));
    }
    let first = rpassword::prompt_password(format!("Password for {name}: "))?;
    let second = rpassword::prompt_password("The same again: ")?;
    if first != second {
        return Err(Failure::new(
            "the two passwords differ; type the same twice",
        ));
    }
    Ok(Secret(first))
}

fn first_line(mut input: impl BufRead) -> Result<Secret, Failure> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(|error| {
        Failure::new(format!(
            "cannot read the password from standard input: {error}"
        ))
    })?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        let sentence = "the first line of standard input is empty; write the password there";
        return Err(Failure::new(sentence));
    }
    Ok(Secret(password.to_owned()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::cli::args::Arguments;
    use clap::Parser;

    fn of(line: &str) -> Option<Request> {
        request(&Arguments::try_parse_from(line.split(' ')).unwrap().command).unwrap()
    }

    #[test]
    fn commands_become_requests() {
        assert!(of("wcapd config").is_none());
        let grant = of("wcapd user grant tom none");
        assert!(matches!(grant, Some(Request::UserRevoke(name, None)) if name == "tom"));
        for line in ["grant tom domainadmin", "revoke tom domain-administrator"] {
            let role = match of(&format!("wcapd user {line}")).unwrap() {
                Request::UserGrant(_, role) | Request::UserRevoke(_, Some(role)) => role,
                other => panic!("{other:?}"),
            };
            assert_eq!(role, crate::model::user::Role::DomainAdministrator);
        }
        let member = of("wcapd group member remove team tom");
        assert!(
            matches!(member, Some(Request::GroupMember(team, tom, false))
            if (team.as_str(), tom.as_str()) == ("team", "tom"))
        );
        let acl = of("wcapd calendar acl tom --set @^a^r^g");
        assert!(matches!(acl, Some(Request::CalendarSetAcl(_, acl)) if acl == "@^a^r^g"));
        let backup = of("wcapd backup x");
        assert!(matches!(backup, Some(Request::Backup(path)) if path.is_absolute()));
    }

    #[test]
    fn a_password_is_the_first_line() {
        for (input, password) in [("a b\nrest", "a b"), ("x\r\n", "x"), ("\u{e4}", "\u{e4}")] {
            assert_eq!(first_line(input.as_bytes()).unwrap().0, password);
        }
        assert!(first_line(&b"\nx"[..]).is_err());
        assert!(first_line(&b""[..]).is_err());
        assert!(first_line(&b"\xff\n"[..]).is_err());
    }
}
