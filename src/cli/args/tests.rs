//! The command line as it is read.

use super::*;
use clap::CommandFactory;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(line.split(' '))
}

#[test]
fn the_definition_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn the_commands_of_the_contract_are_understood() {
    for line in [
        "wcapd serve --config FILE --data DIR --http 127.0.0.1:0 --cap 127.0.0.1:0 --demo",
        "wcapd serve",
        "wcapd user add tom --mail a@b --name Tom --given T --surname S --admin --password-stdin",
        "wcapd user list --data d",
        "wcapd --data d user show tom",
        "wcapd user passwd tom --password-stdin",
        "wcapd user disable tom",
        "wcapd user enable tom",
        "wcapd user grant tom administrator",
        "wcapd user grant tom@example.org domain-administrator",
        "wcapd user revoke tom",
        "wcapd user remove tom",
        "wcapd group add team --mail a@b --member tom --member jerry",
        "wcapd group list",
        "wcapd group show team",
        "wcapd group remove team",
        "wcapd group member add team anna",
        "wcapd group member remove team anna",
        "wcapd calendar list --owner tom",
        "wcapd calendar create room-1 --owner anna --name Room --resource --mail r@b",
        "wcapd calendar show room-1",
        "wcapd calendar remove room-1",
        "wcapd calendar disable tom:work",
        "wcapd calendar enable tom:work",
        "wcapd calendar acl tom --set @^a^r^g",
        "wcapd session list",
        "wcapd session end tom",
        "wcapd outbox list",
        "wcapd outbox show 3f",
        "wcapd outbox retry --all",
        "wcapd outbox drop 3f --data d",
        "wcapd import tom -",
        "wcapd export tom --format text/json --out FILE",
        "wcapd check --repair --config FILE",
        "wcapd backup FILE",
        "wcapd restore FILE --data d",
        "wcapd config",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn wrong_usage_is_one_sentence() {
    for (line, expected) in [
        (
            "wcapd serv",
            "unrecognized subcommand 'serv'; some similar subcommands exist: ",
        ),
        (
            "wcapd user add",
            "the following required arguments were not provided: <NAME>; usage: ",
        ),
        (
            "wcapd export tom --format text/html",
            "invalid value 'text/html' for '--format <TYPE>'",
        ),
        (
            "wcapd calendar create x --owner a --mail r@b",
            "the following required arguments",
        ),
        ("wcapd outbox drop", "the following required arguments"),
        ("wcapd outbox drop 3f --all", "the argument '[ID]' cannot"),
    ] {
        let error = parse(line).unwrap_err();
        let sentence = usage_error(&error);
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(sentence.starts_with(expected), "{line}: {sentence}");
        assert!(
            !sentence.contains('\n') && sentence.contains("--help"),
            "{sentence}"
        );
    }
}
