//! fetchattachment: attachments of an item, one part of the answer each. Stored they are by the store commands.
//!
//! Who may read what is decided in the core. Source: the attachment pages of the Calendar Server 6.3 WCAP guide; the
//! form with nothing but an id is that of releases 7 and 8.

use crate::core::attachments::AttachmentFile;
use crate::dispatch::Cost;
use crate::wcap::args::{Kind, Param};
use crate::wcap::context::{Context, Failure};
use crate::wcap::errno::Errno;
use crate::wcap::media;
use crate::wcap::registry::Row;
use crate::wcap::reply::{Answer, File};

/// The family's rows.
pub(super) const ROWS: &[Row] = &[Row {
    aliases: &["fetchattachments"],
    doc: "Answers attachments as multipart/mixed, one part each, in the order asked for.",
    cost: Cost::Heavy,
    params: &[
        Param::required("attachid", Kind::List, "Ids of attachments.").also(&["attach-id"]),
        Param::optional(
            "calid",
            Kind::Calid,
            "The calendar; without it and uid any item will do that the caller may see.",
        ),
        Param::optional("uid", Kind::Text, "The item that names them."),
        Param::or(
            "rid",
            Kind::Time,
            "0",
            "The instance; not needed, an item is seen whole or not at all.",
        ),
        Param::optional("tzid", Kind::Zone, "Zone of a local time in rid."),
    ],
    ..Row::new("fetchattachment", Errno::AttachmentNotFound, fetch)
}];

fn fetch(context: &Context) -> Result<Answer, Failure> {
    let args = &context.args;
    args.time("rid")?;
    args.zone("tzid")?;
    let ids = args.list("attachid")?.set().unwrap_or_default();
    let limit = context.core.settings().limits.attachments;
    if ids.is_empty() || ids.len() > limit {
        return Err(Failure::Errno(Errno::BadArguments));
    }
    let calid = args.text("calid")?.filter(|calid| !calid.is_empty());
    let uid = args.text("uid")?.filter(|uid| !uid.is_empty());
    if calid.is_none() && uid.is_some() {
        super::own_calendar(context)?;
    }
    let ids: Vec<&str> = ids.iter().map(|id| id.trim()).collect();
    let files =
        context
            .core
            .fetch_attachments(&context.caller, calid.as_deref(), uid.as_deref(), &ids)?;
    let boundary = boundary(context, &files);
    Ok(Answer::File(File {
        content_type: format!("multipart/mixed; boundary=\"{boundary}\"").into(),
        name: "attachments".into(),
        content: parts(&files, &boundary),
    }))
}

/// A line that stands in none of the files.
fn boundary(context: &Context, files: &[AttachmentFile]) -> String {
    loop {
        let boundary = format!("----wcapd-{}", context.core.ids().uid());
        let holds = |file: &AttachmentFile| {
            memchr::memmem::find(&file.content, boundary.as_bytes()).is_some()
        };
        if !files.iter().any(holds) {
            return boundary;
        }
    }
}

/// The files as the parts of a message (RFC 2046 section 5.1.3).
fn parts(files: &[AttachmentFile], boundary: &str) -> Vec<u8> {
    let size: usize = files.iter().map(|file| file.content.len() + 512).sum();
    let mut out = Vec::with_capacity(size + 64);
    for file in files {
        let head = format!(
            "--{boundary}\r\nContent-Type: {}\r\nContent-Disposition: {}\r\n\
             Content-Transfer-Encoding: binary\r\nContent-ID: <{}>\r\nX-Content-Type-Options: nosniff\r\n\r\n",
            media::safe(file.media_type.as_deref()),
            media::disposition(file.name.as_deref()),
            file.id,
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&file.content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}
