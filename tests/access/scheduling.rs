//! Who may put an invitation into somebody's calendar: whom its list grants `a^s`. The organizer's store succeeds either
//! way, and says of whom it did not reach.

use crate::callers::{Login, kinds};
use crate::needs::Need;
use crate::world::{Ask, Server};

#[test]
fn an_invitation_needs_a_right_where_it_arrives() {
    let mut complaints = Vec::new();
    let mut arrived = 0;
    let kinds: Vec<_> = kinds()
        .into_iter()
        .filter(|kind| kind.login == Login::User("kim"))
        .collect();
    for kind in &kinds {
        let server = Server::new(kind.settings, &["user tom", "user kim"]);
        server.set_acl("tom", &kind.acl);
        let ask = |name: &'static str, target: &str| {
            let login = Login::User(name);
            let token = server.token(login, &server.caller(login).unwrap()).unwrap();
            server.ask(&Ask {
                target: format!("{target}&id={token}"),
                body: None,
            })
        };
        let stored = ask(
            "kim",
            "storeevents.wcap?calid=kim&uid=u&dtstart=20260301T100000Z&method=2&attendees=tom",
        );
        let lost = ask("kim", "fetchcomponents_by_attendee_error.wcap?calid=kim");
        let seen = ask("tom", "fetchevents_by_id.wcap?calid=tom&uid=u");
        let may = kind.holds.meets(Need::Schedule);
        arrived += usize::from(may);
        let (errno, reported) = (stored.errno(), lost.text().contains("UID:u"));
        if errno != 0 || (seen.errno() == 0) != may || reported == may {
            complaints.push(format!(
                "{}: expected it to arrive: {may}; stored {errno}, at tom's {}, reported {reported}",
                kind.name,
                seen.errno()
            ));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(arrived > 0 && arrived < kinds.len());
}
