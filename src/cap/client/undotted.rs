//! A connection on which TLS is about to begin, behind dots that some servers send before it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Leaves out the dots and line ends in front of the first other octet that is read; no record of TLS begins with these.
pub(super) struct Undotted<S> {
    inner: S,
    begun: bool,
}

impl<S> Undotted<S> {
    pub(super) fn new(inner: S) -> Self {
        Self {
            inner,
            begun: false,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Undotted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.begun {
            let mut one = [0];
            let mut read = ReadBuf::new(&mut one);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut read))?;
            match read.filled() {
                b"." | b"\r" | b"\n" => {}
                other => {
                    self.begun = true;
                    buffer.put_slice(other);
                    return Poll::Ready(Ok(()));
                }
            }
        }
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Undotted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
