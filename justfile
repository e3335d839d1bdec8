# Short names for what one does often. `just` is optional: each recipe is a command one can type.

# What continuous integration runs, without the container image.
check:
    tests/run --quick

# A server with demo data on the default ports, in a folder under target/.
run:
    cargo run -- serve --demo --data target/demo-data

# Writes the answers that transcripts of this name get into their files. Read the diff.
update NAME="":
    UPDATE=1 cargo test --no-fail-fast --test wcap --test cap -- {{NAME}} || true
    git diff --stat -- tests

# Prints docs/wcap-reference.md anew. Read the diff.
reference:
    UPDATE=1 cargo test --test readme -- the_reference_is_up_to_date || true
    git diff --stat -- docs

# Dependencies: vulnerabilities, licences, sources.
deny:
    tests/deny
