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

/// The window before a cut may end among days that the rule passes over.
#[test]
fn instances_before_are_counted_once() {
    for text in [
        "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
        "FREQ=DAILY;BYMONTHDAY=5,6;BYHOUR=0,10",
    ] {
        let rule = Rule::parse(text).unwrap();
        for hour in [0, 10] {
            let start = local(&format!("2026-03-05T{hour:02}:00"));
            let plan = Plan::new(&rule, start, None, &mut Work::default()).unwrap();
            for day in 5..20 {
                let at = local(&format!("2026-03-{day:02}T{hour:02}:00"));
                let mut walk = plan.occurrences(LocalSeconds::MIN, at.plus(-1));
                let mut stepped = 0;
                while walk.next(&mut Work::default()).unwrap().is_some() {
                    stepped += 1;
                }
                let counted = plan.count_before(at, &mut Work::default()).unwrap();
                assert_eq!(counted, stepped, "{text} before {at:?}");
            }
        }
    }
}
