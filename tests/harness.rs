//! The tests of the test helpers: a comparison that cannot fail would make every transcript pass.

mod common;
