//! The CAP door: Calendar Access Protocol over CSTP (draft-ietf-calsch-cap-04), TCP port 5229.
//!
//! Bytes become lines in [`frame`], lines become replies in the state machine [`channel`]; neither knows a
//! socket or a clock. What takes the core is handed out as a [`job`] and carried out in [`work`]: logins by [`sasl`],
//! the commands in objects by [`command`]. [`server`] is the only place with sockets.

pub mod address;
pub mod answer;
mod audit;
pub mod capability;
pub mod channel;
pub mod client;
pub mod command;
pub mod elsewhere;
mod folds;
pub mod frame;
pub mod ids;
pub mod job;
pub mod object;
mod properties;
mod query;
pub mod relay;
mod replace;
mod reply;
pub mod sasl;
mod send;
pub mod server;
mod session;
pub mod settings;
pub mod status;
pub mod work;
mod write;

pub use server::{Begin, Host, serve};
pub use settings::Settings;

/// Who made the objects of answers.
const PRODID: &str = concat!("-//wcapd//wcapd ", env!("CARGO_PKG_VERSION"), "//EN");

/// Drives framing and the state machine with arbitrary bytes; panics when an invariant breaks.
///
/// The first octet chooses where the rest is cut: a peer's output must not depend on how its octets were
/// split into reads, and what dot stuffing writes, unstuffing must read back. For the fuzzer.
#[doc(hidden)]
pub fn fuzz_frame(octets: &[u8]) {
    let Some((&cut, octets)) = octets.split_first() else {
        return;
    };
    let whole = channel::replies_to(octets.chunks(octets.len().max(1)));
    let parts = channel::replies_to(octets.chunks(usize::from(cut) + 1));
    assert!(whole == parts, "replies depend on how the input was cut");

    let mut stuffed = Vec::new();
    frame::write_data(&mut stuffed, octets);
    let (mut lines, mut input, mut plain) = (frame::Lines::default(), &stuffed[..], Vec::new());
    while let Some(Ok(line)) = lines.next(&mut input, usize::MAX) {
        let line = frame::unstuff(line);
        assert!(line.is_some(), "stuffed data holds an end mark");
        plain.extend_from_slice(line.unwrap_or_default());
        plain.extend_from_slice(b"\r\n");
    }
    let mut again = Vec::new();
    frame::write_data(&mut again, &plain);
    assert!(stuffed == again, "unstuffed data stuffs to something else");
}
