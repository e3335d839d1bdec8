//! What an HTTP connection is read from and written to: whichever transport it came by, with the octets that were
//! looked at ahead given back, and writes that do not wait for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::tls::Duplex;

/// How HTTP/2 begins (RFC 9113 section 3.4); until it can be told apart nothing else watches the clock.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A transport whose first octets have been looked at and are still read first.
pub(super) struct Opened {
    stream: Box<dyn Duplex>,
    ahead: Vec<u8>,
    given: usize,
}

impl Opened {
    /// Waits until it is clear what the client speaks, or the stream has ended. Waits without end.
    pub(super) async fn wait(mut stream: Box<dyn Duplex>) -> io::Result<Self> {
        let mut octets = [0; PREFACE.len()];
        let mut seen = 0;
        while PREFACE.starts_with(&octets[..seen]) && seen < PREFACE.len() {
            match stream.read(&mut octets[seen..]).await? {
                0 => break,
                read => seen += read,
            }
        }
        Ok(Self {
            stream,
            ahead: octets[..seen].to_vec(),
            given: 0,
        })
    }

    /// The first octet; none when the client closed without one.
    pub(super) fn first(&self) -> Option<u8> {
        self.ahead.first().copied()
    }
}

impl AsyncRead for Opened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.given < this.ahead.len() {
            let rest = &this.ahead[this.given..];
            let length = rest.len().min(buffer.remaining());
            buffer.put_slice(&rest[..length]);
            this.given += length;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Opened {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A stream whose writes fail when the other side reads nothing for too long.
pub(super) struct Impatient {
    stream: Opened,
    patience: Duration,
    /// When patience ends; set while a write waits.
    end: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    pub(super) fn new(stream: Opened, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            end: None,
        }
    }

    /// Passes on what a write came to, unless it has waited for too long.
    fn bounded<T>(
        &mut self,
        cx: &mut Context<'_>,
        came_to: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if came_to.is_ready() {
            self.end = None;
            return came_to;
        }
        let until = Instant::now() + self.patience;
        let end = self.end.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(end.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let came_to = Pin::new(&mut self.stream).poll_write(cx, octets);
        self.bounded(cx, came_to)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let came_to = Pin::new(&mut self.stream).poll_write_vectored(cx, octets);
        self.bounded(cx, came_to)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let came_to = Pin::new(&mut self.stream).poll_flush(cx);
        self.bounded(cx, came_to)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let came_to = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bounded(cx, came_to)
    }
}
