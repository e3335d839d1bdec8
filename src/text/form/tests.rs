//! Tables of the list rule, and what encoding and cutting must give back.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

const LIMITS: FormLimits = FormLimits {
    parameters: 100,
    value_length: 1 << 16,
};

fn items(text: &str, rule: ListRule) -> Vec<String> {
    let items = Raw::new(text, Notation::Encoded).items(rule).unwrap();
    items.into_iter().map(Cow::into_owned).collect()
}

const LENIENT: ListRule = ListRule {
    encoded: Encoded::Separates,
    ..ListRule::RAW
};
const RULES: ListRule = ListRule {
    quoted: true,
    encoded: Encoded::SeparatesAfter(|item| item.ends_with('"')),
    ..ListRule::RAW
};
const COMMA: ListRule = ListRule {
    comma: true,
    ..ListRule::RAW
};

#[test]
fn lists_are_cut_before_decoding() {
    let cases: &[(&str, ListRule, &[&str])] = &[
        ("", ListRule::RAW, &[]),
        ("a", ListRule::RAW, &["a"]),
        (
            "abc;def;gh%3bi;jkl",
            ListRule::RAW,
            &["abc", "def", "gh;i", "jkl"],
        ),
        ("a%3Bb", ListRule::RAW, &["a;b"]),
        ("a+b;c%2Bd", ListRule::RAW, &["a b", "c+d"]),
        (";a;;", ListRule::RAW, &["", "a", "", ""]),
        ("a,b;c", ListRule::RAW, &["a,b", "c"]),
        ("a,b;c", COMMA, &["a", "b", "c"]),
        ("a%2Cb", COMMA, &["a,b"]),
        ("a%3Bb", LENIENT, &["a", "b"]),
        ("a%3Bb;c", LENIENT, &["a;b", "c"]),
        // Quotes mean nothing where no rules are asked for.
        ("\"a;b\"", ListRule::RAW, &["\"a", "b\""]),
        (
            "\"count%3D10%3Bfreq%3Ddaily\"",
            RULES,
            &["count=10;freq=daily"],
        ),
        ("%22count=10;freq=daily%22", RULES, &["count=10;freq=daily"]),
        ("\"A;B\";\"C%3BD\"", RULES, &["A;B", "C;D"]),
        ("%22A%3BB%22%3B%22C%22", RULES, &["A;B", "C"]),
        ("A%3BB", RULES, &["A;B"]),
        ("A;B", RULES, &["A", "B"]),
        ("\"\"", RULES, &[""]),
        ("\"", RULES, &["\""]),
    ];
    for (text, rule, want) in cases {
        assert_eq!(items(text, *rule), *want, "{text} {rule:?}");
    }
}

#[test]
fn literal_values_are_not_decoded() {
    let value = Raw::new("a%3Bb+c;d%", Notation::Literal);
    assert_eq!(value.items(LENIENT).unwrap(), ["a%3Bb+c", "d%"]);
    assert_eq!(value.decode().unwrap(), "a%3Bb+c;d%");
}

#[test]
fn decoding_is_strict() {
    for (text, want) in [
        ("%", Err(FormError::Escape)),
        ("%4", Err(FormError::Escape)),
        ("%4g", Err(FormError::Escape)),
        ("%%41", Err(FormError::Escape)),
        ("a%C3", Err(FormError::Utf8)),
        ("%FF", Err(FormError::Utf8)),
        ("%ED%A0%80", Err(FormError::Utf8)),
        ("%C3%A4+%2b", Ok("\u{e4} +")),
        ("%25%32%30", Ok("%20")),
        ("plain", Ok("plain")),
    ] {
        assert_eq!(decode(text).as_deref(), want.as_deref(), "{text}");
    }
    assert_eq!(
        Raw::new("a;%zz", Notation::Encoded).items(ListRule::RAW),
        Err(FormError::Escape)
    );
}

#[test]
fn forms_keep_order_and_repeats() {
    let mut form = Form::new();
    form.add_encoded("a=1&b&=x&a=2%3B3&&fmt%2Dout=text/xml&c==", LIMITS)
        .unwrap();
    form.add_literal("b", "50%", LIMITS).unwrap();
    let pairs: Vec<_> = form.pairs().map(|(n, v)| (n, v.as_str())).collect();
    assert_eq!(
        pairs,
        [
            ("a", "1"),
            ("b", ""),
            ("", "x"),
            ("a", "2%3B3"),
            ("fmt-out", "text/xml"),
            ("c", "="),
            ("b", "50%")
        ]
    );
    assert_eq!(form.last("a").unwrap().as_str(), "2%3B3");
    assert_eq!(form.last("b").unwrap().decode().unwrap(), "50%");
    assert_eq!(form.all("a").count(), 2);
    assert!(form.last("d").is_none());
    form.check().unwrap();
}

#[test]
fn forms_have_bounds() {
    let tight = FormLimits {
        parameters: 2,
        value_length: 3,
    };
    let add = |query: &str| Form::new().add_encoded(query, tight);
    assert_eq!(add("a=1&b=2"), Ok(()));
    assert_eq!(add("a=1&b=2&c"), Err(FormError::TooMany { limit: 2 }));
    assert_eq!(add("a=%C3%A4x"), Ok(()));
    assert_eq!(add("a=xxxx"), Err(FormError::TooLong { limit: 3 }));
    assert_eq!(add("a%=x"), Err(FormError::Escape));
    assert_eq!(
        Form::new().add_literal("a", "xxxx", tight),
        Err(FormError::TooLong { limit: 3 })
    );
    let mut form = Form::new();
    form.add_encoded("a=1&b=%zz", LIMITS).unwrap();
    assert_eq!(form.check(), Err(FormError::Escape));
}

proptest! {
    #[test]
    fn encoding_is_undone(text in any::<String>()) {
        let encoded = encode(&text);
        prop_assert_eq!(decode(&encoded).unwrap(), text);
    }

    #[test]
    fn encoded_items_come_back(list in prop::collection::vec(any::<String>(), 1..5)) {
        let joined = list.iter().map(|i| encode(i)).collect::<Vec<_>>().join(";");
        prop_assume!(!joined.is_empty());
        prop_assert_eq!(items(&joined, ListRule::RAW), list);
    }

    #[test]
    fn quoted_items_come_back(list in prop::collection::vec("[A-Z=;,0-9]{0,12}", 1..5)) {
        let quoted: Vec<_> = list.iter().map(|i| format!("\"{i}\"")).collect();
        prop_assert_eq!(items(&quoted.join(";"), RULES), &list[..]);
        prop_assert_eq!(items(&encode(&quoted.join(";")), RULES), &list[..]);
    }

    #[test]
    fn anything_is_read_or_refused(query in any::<String>()) {
        let mut form = Form::new();
        if form.add_encoded(&query, LIMITS).is_ok() && form.check().is_ok() {
            for (_, value) in form.pairs() {
                for rule in [ListRule::RAW, LENIENT, RULES, COMMA] {
                    prop_assert!(value.items(rule).is_ok());
                }
            }
        }
    }
}
