#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn local(text: &str) -> LocalSeconds {
    text.parse::<civil::DateTime>().unwrap().into()
}

#[test]
fn smoke() {
    let rule = Rule::parse("FREQ=DAILY;COUNT=3").unwrap();
    let mut work = Work::default();
    let start = local("2007-05-21T13:00");
    let plan = Plan::new(&rule, start, None, &mut work).unwrap();
    let mut o = plan.occurrences(LocalSeconds::MIN, LocalSeconds::MAX);
    let mut n = 0;
    while let Some(at) = o.next(&mut work).unwrap() {
        assert_eq!(at, start.plus(n * 86_400));
        n += 1;
    }
    assert_eq!(n, 3);
}
