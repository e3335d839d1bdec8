//! What several test programs share: a byte-exact HTTP client, the server as a child process or in
//! this one, and the transcript format. Knows no command of WCAP.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(
    unused_imports,
    reason = "test programs with a harness of their own leave the tests in here out"
)]
#![allow(unreachable_pub, reason = "modules of test programs have no outside")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

pub mod http;
pub mod server;
pub mod template;
pub mod transcript;
pub mod world;
