//! This side of a request: the file read or written, and the news shown while it takes its time.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use super::format;
use crate::admin::{Note, Peer};
use crate::limits::Limits;
use crate::wcap::decode::guess;
use crate::wcap::format::Format;

/// Octets of a file read at a time.
const PIECE: usize = 256 << 10;

/// Files, progress and complaints of one command.
pub(super) struct Local {
    input: Box<dyn Read>,
    name: String,
    output: Vec<u8>,
    bar: ProgressBar,
    faults: bool,
}

impl Local {
    /// For commands without files.
    pub(super) fn new() -> Self {
        Self {
            input: Box::new(io::empty()),
            name: String::new(),
            output: Vec::new(),
            // Shows itself only on a terminal, and only once there is something to show.
            bar: ProgressBar::hidden(),
            faults: false,
        }
    }

    /// For a command that sends the file `path`, where `-` is standard input. Other formats are sent as iCalendar text.
    pub(super) fn sending(path: &Path, limits: &Limits) -> io::Result<Self> {
        let (mut input, name): (Box<dyn Read>, _) = if path == Path::new("-") {
            (Box::new(io::stdin()), "standard input".to_owned())
        } else {
            (Box::new(File::open(path)?), path.display().to_string())
        };
        let mut begin = Vec::new();
        input.by_ref().take(PIECE as u64).read_to_end(&mut begin)?;
        let mut local = Self::new();
        let format = guess(&begin);
        local.input = if format != Format::Calendar {
            let rest = limits.import_size.saturating_sub(begin.len());
            input.take(rest as u64 + 1).read_to_end(&mut begin)?;
            let text = format::to_text(&begin, format, limits).map_err(io::Error::other)?;
            Box::new(io::Cursor::new(text))
        } else {
            Box::new(io::Cursor::new(begin).chain(input))
        };
        local.name = name;
        Ok(local)
    }

    /// What was sent back.
    pub(super) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Whether anything was wrong in the file.
    pub(super) fn has_faults(&self) -> bool {
        self.faults
    }

    fn progress(&mut self, done: u64, total: u64) {
        if self.bar.is_hidden() && io::stderr().is_terminal() {
            let style = "{wide_bar} {pos}/{len}  {per_sec}  {eta} left";
            self.bar = ProgressBar::new(total).with_style(
                ProgressStyle::with_template(style)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Peer for Local {
    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        let read = self
            .input
            .by_ref()
            .take(PIECE as u64)
            .read_to_end(&mut piece);
        read.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot read {}: {error}", self.name))
        })?;
        Ok(piece)
    }

    fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        self.output.extend_from_slice(piece);
        Ok(())
    }

    fn note(&mut self, note: Note) -> io::Result<()> {
        match note {
            Note::Progress { done, total } => self.progress(done, total),
            Note::Fault(fault) => {
                self.faults = true;
                self.bar.suspend(|| eprintln!("{}: {fault}", self.name));
            }
        }
        Ok(())
    }
}

/// Writes `octets` to the new or replaced file `path`, complete or not at all.
pub(super) fn write_file(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&part, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}
